"""How much sooner the sound of a source could be played: what was left over at every tick of the last seconds.

A packet of 20 ms that comes 5 ms before a tick waits for it, and nothing can be done about that. Where the one after it
has come by then too, and always does, playout is a packet later than it must be: once something was late, and
concealment took its place. Past jitter is no measure of that, since part of it disappears in the wait for ticks.
"""

from __future__ import annotations

_CALM_TICKS, _LONGEST_CALM_TICKS = 100, 3_200
"""2 s, and 64 s where it was wrong to play sooner."""
_UNKNOWN_US = 1 << 30
MARGIN_US = 2_000
"""Never given away."""


class Slack:
    """Told at every tick how much sound is left; `spare_us` is what may be cut out without missing it soon."""

    def __init__(self) -> None:
        self._calm_ticks = _CALM_TICKS
        self._ticks = 0
        self._least_us = _UNKNOWN_US
        self._proven_us = 0
        self._was_cut = False

    @property
    def spare_us(self) -> int:
        """0 until it was looked at for long enough."""
        return max(0, min(self._proven_us, self._least_us) - MARGIN_US)

    def note(self, left_us: int) -> None:
        """So much is left after a tick took its frame."""
        self._least_us = min(self._least_us, left_us)
        self._ticks += 1
        if self._ticks >= self._calm_ticks:
            self._proven_us, self._least_us, self._ticks = self._least_us, _UNKNOWN_US, 0

    def restart(self) -> None:
        """Playout starts anew or has jumped: look anew."""
        self._proven_us, self._least_us, self._ticks = 0, _UNKNOWN_US, 0

    def cut(self) -> None:
        """Playout is sooner from now on."""
        self.restart()
        self._was_cut = True

    def missed(self) -> None:
        """Nothing was left for a tick. Where some was cut out before, that was hasty: be more patient."""
        self.restart()
        if self._was_cut:
            self._calm_ticks = min(2 * self._calm_ticks, _LONGEST_CALM_TICKS)
            self._was_cut = False
