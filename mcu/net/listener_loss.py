"""How much of the mix gets lost on the way to each leg, for the encoders' error correction (RFC 6716 2.1.7)."""

from __future__ import annotations

_FALLS = 0.9
"""What was lost is remembered for some seconds: the next burst is likely to be like the last one."""
_STEP = 0.01
_NOTHING = 0.005


class LossMemory:
    """The loss that one listener reports, rising at once and falling slowly."""

    __slots__ = ("_held", "_told")

    def __init__(self) -> None:
        self._held = self._told = 0.0

    def update(self, fraction: float) -> float | None:
        """Take the last report once a second; what the encoder is to be told, None where that is nothing new."""
        self._held = max(fraction, self._held * _FALLS)
        if self._held < _NOTHING:
            self._held = 0.0
        if abs(self._held - self._told) < _STEP and (self._held or not self._told):
            return None
        self._told = self._held
        return self._told

    def forget(self) -> None:
        """Who was told is gone: all that is not nothing is news again."""
        self._told = 0.0
