"""What room systems have beside sound and picture: floor control of the shared screen, and a camera to be moved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from mcu.camera import CameraMove
from mcu.fleet.worker import Worker
from mcu.media import Kind, LegMedia
from mcu.worker.messages import CameraFrame
from signaling.bfcp.session import FloorSession
from signaling.h224.camera import Axes
from signaling.h224.control import CameraControl
from signaling.sip.calls.leg import SipLeg
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer_answer import Negotiation
from signaling.sip.services import Services


def kinds_for(offer: bytes) -> tuple[Kind, ...]:
    """The streams to reserve ports for: sound and picture always, so that a re-INVITE may add a picture.

    The rest where an offer names it, and all where the offer is to be ours.
    """
    if not offer:
        return tuple(Kind)
    kinds = [Kind.AUDIO, Kind.VIDEO]
    if b"content:slides" in offer or b"/BFCP" in offer:
        kinds.append(Kind.CONTENT)
    if b"H224/" in offer.upper():
        kinds.append(Kind.CAMERA)
    return tuple(kinds)


class RoomSystem:
    """Follows the negotiations of one call; `close` frees what it took."""

    def __init__(self, number: int, services: Services, bind_host: str, peer_host: str) -> None:
        self.leg: SipLeg | None = None
        """Set when the call is answered."""
        self.room = ""
        """Where the leg is; before it is in a room it can show nothing."""
        self._number = number
        self._services = services
        self._bind_host = bind_host
        self._peer_host = peer_host
        self.on_counted: Callable[[str], None] = _ignore
        """Called with what was ignored or dropped."""
        self._floor: FloorSession | None = None
        self._camera: _Camera | None = None

    def prepare(self, local: LocalMedia) -> LocalMedia:
        """With a port for floor control, where a shared screen may be negotiated and a port is left."""
        floors = self._services.floors
        if floors is None or Kind.CONTENT not in local.ports or self._floor is not None:
            return local
        port = floors.take(self._bind_host)
        if port is None:
            return local
        self._floor = FloorSession(self._number, port, self._peer_host, self)
        return replace(local, floor=self._floor.local)

    def apply(self, negotiation: Negotiation, media: LegMedia, worker: Worker) -> None:
        """What was negotiated is in effect."""
        leg = self.leg
        assert leg is not None
        if self._floor is not None:
            has_content = media.stream(Kind.CONTENT) is not None
            self._floor.apply(negotiation.floor if has_content else None)
            leg.use_floor(self._floor if has_content and negotiation.floor is not None else None)
        stream = media.stream(Kind.CAMERA)
        if stream is not None and stream.send is not None:
            if self._camera is None:
                self._camera = _Camera(leg.id, worker, self._count)
                if self.room:
                    self._camera.start()
        elif self._camera is not None:
            self._camera.close()
            self._camera = None
        leg.camera = self._camera

    def entered(self, room: str) -> None:
        """The leg is in a room: from now on it may present, and its camera may be moved."""
        self.room = room
        if self._camera is not None:
            self._camera.start()

    def camera_frame(self, data: bytes) -> None:
        """An H.224 frame of the terminal."""
        if self._camera is not None:
            self._camera.receive(data)
            if self.leg is not None:
                self.leg.camera = self._camera if self._camera.can_move else None

    def close(self) -> None:
        """The call is over."""
        if self._floor is not None:
            self._floor.close()
        if self._camera is not None:
            self._camera.close()

    def _count(self, event: str) -> None:
        self.on_counted(event)

    # ---- what floor control asks of the room (signaling.bfcp.session.Conference)

    def request_floor(self, leg: int) -> bool:
        """Whether the terminal may present."""
        return bool(self.room) and self._services.calls.request_floor(self.room, leg)

    def release_floor(self, leg: int) -> None:
        """It presents no longer."""
        self._services.calls.release_floor(self.room, leg)

    def leg_changed(self, leg: int) -> None:
        """It takes a shared screen now, or no longer."""
        self._services.calls.leg_changed(self.room, leg)


class _Camera:
    """The core on its timer; frames go through the media plane (mcu.camera.Camera)."""

    def __init__(self, leg: int, worker: Worker, count: Callable[[str], None]) -> None:
        self._leg = leg
        self._worker = worker
        self._count = count
        self._core = CameraControl()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def can_move(self) -> bool:
        """Whether the terminal has not denied to have camera control."""
        return self._core.can_move

    def start(self) -> None:
        """Say what we are."""
        self._core.start()
        self._flush()

    def move(self, move: CameraMove) -> None:
        """As mcu.camera.Camera says."""
        self._core.move(Axes(move.pan, move.tilt, move.zoom, move.focus), self._loop.time())
        self._flush()

    def receive(self, data: bytes) -> None:
        """A frame of the terminal; what it would like to move here is ignored and counted."""
        self._core.receive(data, self._loop.time())
        for event, count in self._core.counters.items():
            for _ in range(count):
                self._count(f"camera-{event}")
        self._core.counters.clear()
        self._flush()

    def close(self) -> None:
        """Move no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        for data in self._core.data_to_send():
            self._worker.send("net", CameraFrame(self._leg, data))
        self.close()
        due = self._core.next_timeout()
        if due is not None:
            self._timer = self._loop.call_at(due, self._timeout)

    def _timeout(self) -> None:
        self._timer = None
        self._core.handle_timeout(self._loop.time())
        self._flush()


def _ignore(_event: str) -> None:
    """Nobody counts yet."""
