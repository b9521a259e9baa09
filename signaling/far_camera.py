"""The camera of a terminal, where its leg has a channel for it (H.224, H.281): whatever protocol agreed on that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mcu.camera import Camera, CameraMove
from mcu.fleet.worker import Worker
from mcu.media import Kind, LegMedia
from mcu.worker.messages import CameraFrame
from signaling.h224.camera import Axes
from signaling.h224.control import CameraControl


class FarCamera:
    """Of one leg, through all that is negotiated; `close` ends it."""

    def __init__(self, leg: int, count: Callable[[str], None]) -> None:
        """`count` is called with what was ignored or dropped."""
        self._leg = leg
        self._count = count
        self._is_in_room = False
        self._channel: _Channel | None = None

    @property
    def camera(self) -> Camera | None:
        """What hosts may move; None where there is none, or the terminal has said that it has no control."""
        return self._channel if self._channel is not None and self._channel.can_move else None

    def apply(self, media: LegMedia, worker: Worker) -> None:
        """What was negotiated is in effect."""
        stream = media.stream(Kind.CAMERA)
        if stream is None or stream.send is None:
            self.close()
        elif self._channel is None:
            self._channel = _Channel(self._leg, worker, self._count)
            if self._is_in_room:
                self._channel.start()

    def entered(self) -> None:
        """The leg is in a room: from now on the camera may be moved."""
        self._is_in_room = True
        if self._channel is not None:
            self._channel.start()

    def receive(self, data: bytes) -> None:
        """An H.224 frame of the terminal."""
        if self._channel is not None:
            self._channel.receive(data)

    def close(self) -> None:
        """There is no channel any more."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None


class _Channel:
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
