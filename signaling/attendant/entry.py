"""What a caller is keying in: digits until `#`, `*` clears them."""

from __future__ import annotations

MAX_DIGITS = 32
"""Longer than any room number and any sensible passcode."""
DOT = "\u2022"


class Entry:
    """A bounded row of digits; further ones are ignored."""

    def __init__(self) -> None:
        self._digits = ""

    @property
    def digits(self) -> str:
        """What was keyed in."""
        return self._digits

    @property
    def dots(self) -> str:
        """The same, fit to be seen by others."""
        return DOT * len(self._digits)

    def add(self, digit: str) -> None:
        """One more digit; A to D (ITU-T Q.23) are on no remote control and mean nothing."""
        if digit.isdigit() and len(self._digits) < MAX_DIGITS:
            self._digits += digit

    def clear(self) -> None:
        """Begin again."""
        self._digits = ""

    def take(self) -> str:
        """The digits, after which the entry is empty."""
        digits, self._digits = self._digits, ""
        return digits

    def __bool__(self) -> bool:
        return bool(self._digits)

    def __repr__(self) -> str:
        return f"Entry({len(self._digits)} digits)"  # they may be a passcode
