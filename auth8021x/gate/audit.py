"""The audit of the gate: every answer with its reason; registrations that are renewed, once in a while."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from audit.lines import shown
from auth8021x.audit_lines import AuditLines
from auth8021x.gate.verdict import Question, Reason, Verdict
from auth8021x.wire import mac_address
from config.dot1x_sites import Dot1xGateSettings

MAX_REMEMBERED: Final = 10_000
_REPEATING: Final = "register"
"""Renewed again and again; every call is answered for itself."""


class GateAudit:
    """auth8021x.gate.gate.Notes. `clock` gives monotonic seconds."""

    def __init__(self, settings: Dot1xGateSettings, clock: Callable[[], float]) -> None:
        self._lines = AuditLines(settings.audit_lines_per_minute, clock)
        self._repeat_s = settings.audit_repeat_s
        self._clock = clock
        self._last: OrderedDict[tuple[Question, bool, Reason, bytes], float] = OrderedDict()

    @property
    def suppressed(self) -> int:
        """Lines that were too many in their minute; cumulative."""
        return self._lines.suppressed

    def answered(self, question: Question, verdict: Verdict) -> None:
        """Where nothing is asked for nothing is written."""
        if verdict.reason in (Reason.OFF, Reason.NOT_ASKED) or self._is_repeated(question, verdict):
            return
        session = verdict.session
        self._lines.write(
            logging.INFO if verdict.is_allowed and not verdict.is_overlooked else logging.WARNING,
            "site=%s source=%s protocol=%s operation=%s alias=%r room=%s proof=%s mac=%s identity=%r %s: %s",
            verdict.site or "?", shown(question.source), question.protocol, question.operation or "?",
            shown(",".join(question.aliases)), shown(question.room) or "-", question.proof.value,
            mac_address.plain(session.mac) if session else "-", shown(session.identity) if session else "",
            "overlooked" if verdict.is_overlooked else "allowed" if verdict.is_allowed else "refused", verdict.reason,
        )  # fmt: skip

    def _is_repeated(self, question: Question, verdict: Verdict) -> bool:
        if question.operation != _REPEATING:
            return False
        mac = verdict.session.mac if verdict.session else b""
        key = (question, verdict.is_allowed, verdict.reason, mac)
        now = self._clock()
        last = self._last.get(key)
        if last is not None and now - last < self._repeat_s:
            return True
        self._last[key] = now
        self._last.move_to_end(key)
        if len(self._last) > MAX_REMEMBERED:
            self._last.popitem(last=False)
        return False
