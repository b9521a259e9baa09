"""The newest answers of the gate, one for each caller and reason, for people who look why somebody was not let in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from audit.lines import shown
from auth8021x.gate.verdict import Question, Reason, Verdict

MAX_ANSWERS: Final = 500
_SILENT: Final = (Reason.OFF, Reason.NOT_ASKED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked last, and answered. All texts can be shown."""

    at: float
    """UTC seconds."""
    site: str
    source: str
    protocol: str
    operation: str
    aliases: str
    is_allowed: bool
    is_overlooked: bool
    reason: Reason
    mac: bytes = b""
    """Of the session behind the source; empty where there is none."""
    identity: str = ""


class RecentAnswers:
    """auth8021x.gate.gate.Notes. `clock` gives UTC seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answers: OrderedDict[tuple[str, str, str], Answer] = OrderedDict()
        self._observers: list[Callable[[], None]] = []

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` with each answer that is kept; returns "stop observing"."""
        self._observers.append(callback)

        def stop() -> None:
            if callback in self._observers:
                self._observers.remove(callback)

        return stop

    def answered(self, question: Question, verdict: Verdict) -> None:
        """Where nothing is asked for nothing is kept."""
        if verdict.reason in _SILENT:
            return
        key = (verdict.site, question.source, question.protocol)
        session = verdict.session
        self._answers[key] = Answer(
            self._clock(), verdict.site, shown(question.source), question.protocol, question.operation,
            shown(",".join(question.aliases)), verdict.is_allowed, verdict.is_overlooked, verdict.reason,
            session.mac if session else b"", shown(session.identity) if session else "",
        )  # fmt: skip
        self._answers.move_to_end(key)
        if len(self._answers) > MAX_ANSWERS:
            self._answers.popitem(last=False)
        for observer in list(self._observers):
            observer()

    def newest(self) -> list[Answer]:
        """Newest first."""
        return list(reversed(self._answers.values()))
