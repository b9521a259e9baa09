"""The gate as calls ask it: looks into the directory, in bounded time, and writes down what it said."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Protocol

from auth8021x.directory.session import Session
from auth8021x.errors import Dot1xError
from auth8021x.gate.decision import Decision, Unanswered
from auth8021x.gate.verdict import Question, Verdict


class Lookup(Protocol):
    """The directory, wherever it is (auth8021x.directory.keeper.DirectoryKeeper)."""

    def known(self, site: str, address: str) -> Session | None:
        """The session behind an address, as far as this process knows. Raises Dot1xError when it knows nothing yet."""

    async def find(self, site: str, address: str) -> Session | None:
        """The same, for which somebody may have to be asked. Raises Dot1xError."""


class Notes(Protocol):
    """Who writes down what was asked and answered (auth8021x.gate.audit.GateAudit)."""

    def answered(self, question: Question, verdict: Verdict) -> None:
        """Take note."""


class SessionGate:
    """One for the whole server, all protocols ask it."""

    def __init__(self, decision: Decision, lookup: Lookup, notes: Notes, answer_s: float) -> None:
        """`answer_s`: how long the directory may take."""
        self._decision = decision
        self._answer_s = answer_s
        self._lookup = lookup
        self._notes = notes
        self.counters: Counter[str] = Counter()
        """"allowed-<reason>", "refused-<reason>", "overlooked-<reason>"; cumulative."""

    async def decide(self, question: Question) -> Verdict:
        """The verdict; without an answer of the directory in time there is none in favour."""
        early = self._decision.early(question)
        if isinstance(early, Verdict):
            return self._said(question, early)
        found: Session | Unanswered | None
        try:
            async with asyncio.timeout(self._answer_s):
                found = await self._lookup.find(early.name, question.source)
        except (TimeoutError, Dot1xError):
            found = Unanswered.YES
        return self._said(question, self._decision.late(question, early, found))

    def decide_now(self, question: Question) -> Verdict:
        """For those who cannot wait, such as a gatekeeper over its RRQ: what this process knows decides."""
        early = self._decision.early(question)
        if isinstance(early, Verdict):
            return self._said(question, early)
        found: Session | Unanswered | None
        try:
            found = self._lookup.known(early.name, question.source)
        except Dot1xError:
            found = Unanswered.YES
        return self._said(question, self._decision.late(question, early, found))

    def _said(self, question: Question, verdict: Verdict) -> Verdict:
        kind = "overlooked" if verdict.is_overlooked else "allowed" if verdict.is_allowed else "refused"
        self.counters[f"{kind}-{verdict.reason}"] += 1
        self._notes.answered(question, verdict)
        return verdict
