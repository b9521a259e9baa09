"""What room systems have beside sound and picture: floor control of the shared screen, and a camera to be moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mcu.fleet.worker import Worker
from mcu.media import Kind, LegMedia
from signaling.bfcp.session import FloorSession
from signaling.far_camera import FarCamera
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
        self._camera = FarCamera(number, self._count, services.calls)

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
        self._camera.apply(media, worker)
        leg.camera = self._camera.camera

    def entered(self, room: str) -> None:
        """The leg is in a room: from now on it may present, and its camera may be moved."""
        self.room = room
        self._camera.entered(room)

    def camera_frame(self, data: bytes) -> None:
        """An H.224 frame of the terminal."""
        self._camera.receive(data)
        if self.leg is not None:
            self.leg.camera = self._camera.camera

    def close(self) -> None:
        """The call is over."""
        if self._floor is not None:
            self._floor.close()
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


def _ignore(_event: str) -> None:
    """Nobody counts yet."""
