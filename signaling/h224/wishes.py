"""What the remote control at the other end wants to move, out of its commands, bounded (H.281 5)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mcu.net.ration import Ration
from signaling.h224.camera import Axes, Command, Request

MAX_STARTS_PER_S = 10
"""Each may turn a camera; no hand is faster."""
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """Move so, for `hold_s` from now on unless it is repeated; no axis at all: stop."""

    axes: Axes
    hold_s: float = 0.0
    is_start: bool = False


class Wishes:
    """Pure. One movement at a time: what goes on or stops has to be what was begun, and in time.

    Sources and presets of others are theirs alone: we have told that there are none (management.extra_capabilities).
    """

    def __init__(self, counters: Counter[str]) -> None:
        self._counters = counters
        self._axes = Axes()
        self._hold_s = 0.0
        self._until = 0.0
        self._starts = Ration(MAX_STARTS_PER_S)

    def take(self, command: Command, now: float) -> Wish | None:
        """What is wanted now; None where nothing is, which is counted."""
        if command.request is Request.START and not self._starts.take(int(now * _US)):
            self._counters["commands-too-fast"] += 1
            return None
        wish = None
        if command.axes != Axes():
            if command.request is Request.START:
                wish = self._start(command, now)
            elif command.axes == self._axes:
                wish = self._go_on(command, now)
        if wish is None:
            self._counters["commands-ignored"] += 1
        return wish

    def _start(self, command: Command, now: float) -> Wish:
        self._axes, self._hold_s = command.axes, command.timeout_ms / 1000
        self._until = now + self._hold_s
        return Wish(self._axes, self._hold_s, is_start=True)

    def _go_on(self, command: Command, now: float) -> Wish | None:
        if command.request is Request.STOP:
            self._axes = Axes()
            return Wish(Axes())
        if command.request is not Request.CONTINUE or now > self._until:
            return None
        self._until = now + self._hold_s
        return Wish(self._axes, self._hold_s)
