"""A terminal's camera, and its remote control for the cameras of others, over the channel of its leg (H.224, H.281)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mcu.camera import HOLD_S, Camera, CameraMove
from mcu.fleet.worker import Worker
from mcu.media import Kind, LegMedia
from mcu.worker.messages import CameraFrame
from signaling.h224.camera import Axes
from signaling.h224.control import CameraControl
from signaling.h224.wishes import Wish
from signaling.services import Calls


class FarCamera:
    """Of one leg, through all that is negotiated; `close` ends it."""

    def __init__(self, leg: int, count: Callable[[str], None], calls: Calls) -> None:
        """`count` is called with what became of the commands of the terminal, and what was dropped."""
        self._leg = leg
        self._count = count
        self._calls = calls
        self._room = ""
        self._is_taken = False
        self._channel: _Channel | None = None

    @property
    def camera(self) -> Camera | None:
        """What hosts may move; None where there is none, or the terminal has said that it has no control."""
        is_there = self._channel is not None and self._is_taken and self._channel.can_move
        return self._channel if is_there else None

    def apply(self, media: LegMedia, worker: Worker) -> None:
        """What was negotiated is in effect."""
        stream = media.stream(Kind.CAMERA)
        self._is_taken = stream is not None and stream.send is not None
        if stream is None or not (stream.send or stream.receive):
            self.close()
        elif self._channel is None:
            self._channel = _Channel(self._leg, worker, self._count, self._wished)
            if self._room:
                self._channel.start()

    def entered(self, room: str) -> None:
        """The leg is in a room: from now on its camera may be moved, and it may move those of others."""
        self._room = room
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

    def _wished(self, wish: Wish) -> None:
        """The remote control of the terminal is pressed; before it is in a room there is nothing to move."""
        if self._room:
            axes = wish.axes
            move = CameraMove(axes.pan, axes.tilt, axes.zoom, axes.focus)
            became = self._calls.steer_camera(self._room, self._leg, move, wish.hold_s, is_start=wish.is_start)
            self._count(f"camera-{became}")
        else:
            self._count("camera-commands-ignored")


class _Channel:
    """The core on its timer; frames go through the media plane (mcu.camera.Camera)."""

    def __init__(self, leg: int, worker: Worker, count: Callable[[str], None], wished: Callable[[Wish], None]) -> None:
        self._leg = leg
        self._worker = worker
        self._count = count
        self._wished = wished
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

    def move(self, move: CameraMove, hold_s: float = HOLD_S) -> None:
        """As mcu.camera.Camera says."""
        self._core.move(Axes(move.pan, move.tilt, move.zoom, move.focus), self._loop.time(), hold_s)
        self._flush()

    def receive(self, data: bytes) -> None:
        """A frame of the terminal."""
        self._core.receive(data, self._loop.time())
        while (wish := self._core.next_wish()) is not None:
            self._wished(wish)
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
