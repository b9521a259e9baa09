"""Moving the camera of the other end by H.281, what its remote control wants to move, and what it asks of us."""

from __future__ import annotations

from collections import Counter, deque

from mcu.camera import HOLD_S
from signaling.h224 import camera, management
from signaling.h224 import frame as h224
from signaling.h224.camera import Axes, Command, Request
from signaling.h224.wishes import Wish, Wishes

CONTINUE_S = 0.4
"""H.281 5.2: before the 800 ms of START are over."""
_MAX_ANSWERS_PER_S = 10


class CameraControl:
    """Pure: frames, moves and times in, frames and wishes out."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.can_move = True
        """Until the other end says that it has no camera control; some never say anything."""
        self._out: list[bytes] = []
        self._axes = Axes()
        self._until = 0.0
        self._continue_at: float | None = None
        self._wishes = Wishes(self.counters)
        self._wished: deque[Wish] = deque()
        self._answers: tuple[float, int] = (0.0, 0)

    def start(self) -> None:
        """The stream is there: say what we are, ask what the other end is."""
        self._send(management.client_list(), management.extra_capabilities(), management.client_list_command())

    def data_to_send(self) -> list[bytes]:
        """Frames for the other end."""
        out, self._out = self._out, []
        return out

    # ---- out

    def move(self, axes: Axes, now: float, hold_s: float = HOLD_S) -> None:
        """Move from now on, or go on, for so long; no axis at all stops."""
        if axes == Axes():
            self._stop()
            return
        if axes != self._axes:
            self._stop()
            self._axes = axes
            self._send(Command(Request.START, axes).frame())
            self._continue_at = now + CONTINUE_S
        self._until = now + hold_s

    def activate_preset(self, number: int) -> None:
        """Go to a position that the other end has stored."""
        self._stop()
        self._send(Command(Request.ACTIVATE_PRESET, number=number).frame())

    def next_timeout(self) -> float | None:
        """When handle_timeout() has something to do."""
        return None if self._continue_at is None else min(self._continue_at, self._until)

    def handle_timeout(self, now: float) -> None:
        """Go on moving, or stop when nobody has asked for a while."""
        if self._continue_at is None:
            return
        if now >= self._until:
            self._stop()
        elif now >= self._continue_at:
            self._continue_at = now + CONTINUE_S
            self._send(Command(Request.CONTINUE, self._axes).frame())

    def _stop(self) -> None:
        if self._continue_at is not None:
            self._send(Command(Request.STOP, self._axes).frame())
        self._axes, self._continue_at = Axes(), None

    # ---- in

    def next_wish(self) -> Wish | None:
        """What the remote control of the other end wants next."""
        return self._wished.popleft() if self._wished else None

    def receive(self, data: bytes, now: float) -> None:
        """A frame of the other end."""
        frame = h224.parse(data)
        if frame is None:
            self.counters["malformed"] += 1
        elif frame.client == h224.H281:
            self._take_command(camera.parse(frame.data), now)
        elif management.asks_for_clients(frame):
            self._answer(management.client_list(), now)
        elif management.asks_for_capabilities(frame):
            self._answer(management.extra_capabilities(), now)
        elif (clients := management.clients_of(frame)) is not None:
            self.can_move = h224.H281 in clients
        else:
            self.counters["other-frames"] += 1

    def _take_command(self, command: Command | None, now: float) -> None:
        if command is None:
            self.counters["malformed"] += 1
        elif wish := self._wishes.take(command, now):
            self._wished.append(wish)

    def _answer(self, frame: h224.Frame, now: float) -> None:
        since, count = self._answers
        if now - since >= 1.0:
            since, count = now, 0
        self._answers = since, count + 1
        if count < _MAX_ANSWERS_PER_S:
            self._send(frame)
        else:
            self.counters["answers-dropped"] += 1

    def _send(self, *frames: h224.Frame) -> None:
        self._out += [frame.serialize() for frame in frames]
