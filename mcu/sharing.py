"""Whose shared screen is shown: the one that began last among those that still send."""

from __future__ import annotations

QUIET_REPORTS = 2
"""A share ends when this many reports in a row (one a second) show nothing received."""


class Sharing:
    """Content streams in the order in which they began to flow."""

    def __init__(self) -> None:
        self._quiet: dict[int, int] = {}

    @property
    def current(self) -> int:
        """The participant whose screen is shown, 0 for none."""
        return next(reversed(self._quiet), 0)

    def report(self, participant: int, is_flowing: bool) -> None:
        """What the last second brought of a participant's content stream."""
        if is_flowing:
            self._quiet[participant] = 0
        elif participant in self._quiet:
            self._quiet[participant] += 1
            if self._quiet[participant] >= QUIET_REPORTS:
                self.end(participant)

    def end(self, participant: int) -> None:
        """It was stopped, or its participant left."""
        self._quiet.pop(participant, None)
