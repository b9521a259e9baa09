"""How the passcode gets to a room that asks for it after the call has been answered."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from caller.h323.options import PasscodeWay

DELAY_S = 1.5
"""From the first media to the first key: who asks has to be there."""
KEY_S = 0.25
"""From one key to the next, where each is a message."""
KEY_MS = 120
END = "#"


@dataclass(frozen=True, slots=True)
class Keys:
    """What to send now."""

    way: PasscodeWay
    digits: str

    def __repr__(self) -> str:
        return f"Keys({self.way.value})"  # a passcode stays out of logs


class PasscodeEntry:
    """Keys of one call, and when they are due."""

    def __init__(self, passcode: str, way: PasscodeWay) -> None:
        self._way = way
        self._passcode = passcode
        self._waiting: deque[str] = deque()
        self._due_s: float | None = None
        if passcode and way in (PasscodeWay.INPUT, PasscodeWay.KEYPAD):
            self._waiting.append(passcode + END)
        elif passcode and way is PasscodeWay.SIGNAL:
            self._waiting.extend(passcode + END)

    def media_stand(self, now: float) -> None:
        """Both ends know what is sent."""
        if self._due_s is None:
            self._due_s = now + DELAY_S

    def due(self, now: float) -> Keys | None:
        """What is to be sent now."""
        if not self._waiting or self._due_s is None or now < self._due_s:
            return None
        self._due_s = now + KEY_S
        return Keys(self._way, self._waiting.popleft())

    def answer(self) -> bytes:
        """What a conference is told that asks for its password (H.243); empty where that is not the way."""
        return self._passcode.encode() if self._way is PasscodeWay.H243 else b""
