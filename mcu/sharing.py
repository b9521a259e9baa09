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
        self._has_asked = False
        """Whether the holder asked by a protocol, which will also say the end: a still picture may send nothing."""
        self._idle = 0

    @property
    def current(self) -> int:
        """The participant whose screen is shown: who has the floor and sends; 0 for none."""
        return self.holder if self.holder in self._quiet else 0

    def request(self, participant: int, *, may_take_over: bool) -> bool:
        """Ask for the floor; whether the participant has it now."""
        if self.holder not in (0, participant) and not may_take_over:
            return False
        self.holder, self._has_asked, self._idle = participant, True, 0
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
            if is_new and self.holder != participant and self.request(participant, may_take_over=may_take_over):
                self._has_asked = False
        elif participant == self.holder and self._has_asked:
            self._idle += participant not in self._quiet
            if self._idle >= PATIENT_REPORTS:
                self.release(participant)
        elif participant in self._quiet:
            self._quiet[participant] += 1
            if self._quiet[participant] >= QUIET_REPORTS:
                self.end(participant)
