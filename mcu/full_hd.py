"""Whether a room that asks for 1920x1080 gets it now: only while the machine has that much left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcu.capacity import Allowance
from mcu.rendition import FULL_HD, LADDER, Rung

_LOOK_EVERY_S = 5.0


class FullHd:
    """Begun where a newcomer would get everything, kept while it would get a small picture: so it does not flap.

    `spare` tells what a newcomer would get.
    """

    def __init__(self, spare: Callable[[], Allowance]) -> None:
        self._spare = spare
        self._is_given = False
        self._looked_s = float("-inf")

    def sizes(self, is_wanted: bool, is_recorded: bool, now_s: float) -> Sequence[Rung]:
        """The sizes of a room, largest first. What is being recorded keeps its size."""
        if is_recorded:
            pass
        elif not is_wanted:
            self._is_given = False
            self._looked_s = float("-inf")
        elif now_s - self._looked_s >= _LOOK_EVERY_S:
            self._looked_s = now_s
            least = Allowance.SMALL if self._is_given else Allowance.FULL
            self._is_given = self._spare() >= least
        return (FULL_HD, *LADDER) if self._is_given else LADDER
