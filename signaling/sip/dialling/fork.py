"""One call to several contacts at once: the first answer wins, the best refusal is the result (RFC 3261 16.7). Pure."""

from __future__ import annotations

from signaling.placed import Outcome

_GLOBAL = 600
"""From here on an answer speaks for all contacts: the others are cancelled (16.7 step 5)."""

_OUTCOMES: dict[int, Outcome] = {
    401: Outcome.NOT_ALLOWED,
    403: Outcome.DECLINED,
    404: Outcome.UNKNOWN_TARGET,
    407: Outcome.NOT_ALLOWED,
    408: Outcome.NO_ANSWER,
    410: Outcome.UNKNOWN_TARGET,
    415: Outcome.NOT_ACCEPTABLE,
    416: Outcome.UNKNOWN_TARGET,
    420: Outcome.NOT_ACCEPTABLE,
    480: Outcome.NO_ANSWER,
    484: Outcome.UNKNOWN_TARGET,
    486: Outcome.BUSY,
    487: Outcome.NO_ANSWER,
    488: Outcome.NOT_ACCEPTABLE,
    600: Outcome.BUSY,
    603: Outcome.DECLINED,
    604: Outcome.UNKNOWN_TARGET,
    606: Outcome.NOT_ACCEPTABLE,
    607: Outcome.DECLINED,
}
# What says most about the person comes first; that a device was not found says least.
_WEIGHT = (
    Outcome.DECLINED, Outcome.BUSY, Outcome.NO_ANSWER, Outcome.NOT_ALLOWED, Outcome.NOT_ACCEPTABLE,
    Outcome.UNKNOWN_TARGET, Outcome.UNREACHABLE,
)  # fmt: skip


class Fork:
    """The branches of one call by number, 0 upwards."""

    def __init__(self, branches: int) -> None:
        self.winner: int | None = None
        """The branch that answered first."""
        self._open = set(range(branches))
        self._has_rung: set[int] = set()
        self._results: list[Outcome] = []
        self._is_final = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come of it, or somebody has answered."""
        return self.winner is not None or self._is_final or not self._open

    @property
    def to_cancel(self) -> frozenset[int]:
        """Branches that are to be given up now."""
        return frozenset(self._open) if self.winner is not None or self._is_final else frozenset()

    @property
    def result(self) -> Outcome:
        """Why nobody answered."""
        return min(self._results, key=_WEIGHT.index, default=Outcome.UNREACHABLE)

    def rings(self, branch: int) -> bool:
        """A provisional answer other than 100; True the first time that any branch has one."""
        is_first = not self._has_rung
        self._has_rung.add(branch)
        return is_first

    def answered(self, branch: int) -> bool:
        """A 2xx; True for the first, all others are to be ended with BYE."""
        if branch in self._open:
            self._open.discard(branch)
            if self.winner is None and not self._is_final:
                self.winner = branch
                return True
        return False

    def refused(self, branch: int, status: int) -> None:
        """A final answer of 300 and above, 408 for none at all, 503 where it could not be sent."""
        if branch not in self._open:
            return
        self._open.discard(branch)
        outcome = outcome_of(status)
        if status == 408 and branch not in self._has_rung:
            outcome = Outcome.UNREACHABLE
        self._results.append(outcome)
        self._is_final = self._is_final or status >= _GLOBAL


def outcome_of(status: int) -> Outcome:
    """What a final status of the called party means to those who called."""
    known = _OUTCOMES.get(status)
    if known is not None:
        return known
    return Outcome.DECLINED if status >= _GLOBAL else Outcome.UNREACHABLE
