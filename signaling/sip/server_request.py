"""A request that somebody else than the agent serves (REGISTER, REFER, SUBSCRIBE, ...), answered now or later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from signaling.sip.sessions.session import Session
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Request

Answer = Callable[[int, str, tuple[tuple[str, str], ...], bytes], None]


@dataclass(slots=True)
class ServerRequest:
    """One request with its flow, and its session where it came within a call."""

    request: Request
    flow: Flow
    session: Session | None
    tag: str
    """The To tag of the answer; where the request makes a dialog it is our side of its id."""
    _answer: Answer = field(repr=False)
    _is_answered: bool = False

    def reply(
        self, status: int, reason: str = "", headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> None:
        """Answer it, also from a task; after a final answer nothing more is sent."""
        if self._is_answered:
            return
        self._is_answered = status >= 200
        self._answer(status, reason, headers, body)
