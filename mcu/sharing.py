"""Who may show its screen: the one floor of a conference, the same for browsers and terminals of every protocol."""

from __future__ import annotations

QUIET_REPORTS = 2
"""A share ends when this many reports in a row (one a second) show nothing received."""
PATIENT_REPORTS = 30
"""Who has the floor and shows nothing loses it after this many reports."""


class Sharing:
    """Pure. The floor is asked for by a protocol, or by simply beginning to send."""

    def __init__(self) -> None:
        self.holder = 0
        """The participant who has the floor, 0 for nobody."""
        self._quiet: dict[int, int] = {}
        """Who sends, whoever has the floor: reports in a row without anything."""
        self._idle = 0

    @property
    def current(self) -> int:
        """The participant whose screen is shown: who has the floor and sends; 0 for none."""
        return self.holder if self.holder in self._quiet else 0

    def request(self, participant: int, *, may_take_over: bool) -> bool:
        """Ask for the floor; whether the participant has it now."""
        if self.holder not in (0, participant) and not may_take_over:
            return False
        if self.holder != participant:
            self.holder, self._idle = participant, 0
        return True

    def release(self, participant: int) -> None:
        """Give the floor back, if the participant has it; what it sends is not shown any more."""
        if self.holder == participant:
            self.holder = 0

    def end(self, participant: int) -> None:
        """It sends no more, or its participant left."""
        self._quiet.pop(participant, None)
        self.release(participant)

    def report(self, participant: int, is_flowing: bool, *, may_take_over: bool = True) -> None:
        """What the last second brought of a participant's content stream.

        Who begins to send asks for the floor by that; who has lost it and goes on sending does not.
        """
        if is_flowing:
            is_new = participant not in self._quiet
            self._quiet[participant] = 0
            if is_new:
                self.request(participant, may_take_over=may_take_over)
        elif participant in self._quiet:
            self._quiet[participant] += 1
            if self._quiet[participant] >= QUIET_REPORTS:
                self.end(participant)
        elif participant == self.holder:
            self._idle += 1
            if self._idle >= PATIENT_REPORTS:
                self.release(participant)
