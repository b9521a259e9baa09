"""Which step of the ladder of sizes one leg stands on, by what its downlink carries."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.rendition import Rung

_OVERHEAD = 1.06
"""RTP, SRTP, UDP and IP around payloads of 1200 bytes."""
_MARGIN_UP = 1.2
"""A larger picture is begun only where this much more would fit."""
_STAY_BEFORE_LESS_S = 1.0
_STAY_BEFORE_MORE_S = 6.0


class Footing:
    """One picture of one leg. It never changes more often than every few seconds, whatever the estimate does."""

    def __init__(self) -> None:
        self._rung: Rung | None = None
        self._since_s = float("-inf")

    def ladder(self, sizes: Sequence[Rung], bitrate_bps: int, now_s: float) -> Sequence[Rung]:
        """The part of `sizes` (largest first) that may be sent now; `bitrate_bps` of 0 sets no limit."""
        present = _position(sizes, self._rung)
        fitting = 0 if not bitrate_bps else _fitting(sizes, bitrate_bps, present)
        stay_s = _STAY_BEFORE_LESS_S if fitting > present else _STAY_BEFORE_MORE_S
        if fitting != present and now_s - self._since_s >= stay_s:
            self._since_s = now_s
            self._rung = sizes[fitting] if fitting else None
            present = fitting
        return sizes[present:]


def _position(sizes: Sequence[Rung], rung: Rung | None) -> int:
    """Where `rung` stands in a ladder that may have been cut since; None stands on top."""
    if rung is None:
        return 0
    lower = (index for index, each in enumerate(sizes) if each.bitrate_bps <= rung.bitrate_bps)
    return next(lower, len(sizes) - 1)


def _fitting(sizes: Sequence[Rung], bitrate_bps: int, present: int) -> int:
    for index, rung in enumerate(sizes):
        margin = _MARGIN_UP if index < present else 1.0
        if rung.bitrate_bps * _OVERHEAD * margin <= bitrate_bps:
            return index
    return len(sizes) - 1
