"""Digits of one leg, whatever way they take: terminals often send the same one by RFC 4733 and by INFO.

Pure: `now` is seconds of any steady clock.
"""

from __future__ import annotations

from collections import deque

DIGITS = "0123456789*#ABCD"
SAME_KEY_S = 0.4
"""The second report of one key press comes this much later at most: an INFO may wait for the key to be released."""
_MAX_UNPAIRED = 32


class DigitPairs:
    """Pairs the reports of one key press: a digit counts when its first way reports it."""

    def __init__(self) -> None:
        self._unpaired: deque[tuple[str, str, float]] = deque(maxlen=_MAX_UNPAIRED)

    def receive(self, digit: str, way: str, now: float) -> bool:
        """Whether this is a new key press; False for what is no digit, and for a press another way told already."""
        if len(digit) != 1 or digit not in DIGITS:
            return False
        while self._unpaired and now - self._unpaired[0][2] > SAME_KEY_S:
            self._unpaired.popleft()
        for index, (known, other_way, _) in enumerate(self._unpaired):
            if known == digit and other_way != way:
                del self._unpaired[index]
                return False
        self._unpaired.append((digit, way, now))
        return True
