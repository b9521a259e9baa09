"""Keeping flows alive from our side: pings that hold NAT mappings open and notice dead peers (RFC 5626 4.4)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from signaling.errors import TransportError
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport import stun
from signaling.sip.wire.framing import PING

_ANSWER_S = 10.0
"""RFC 5626 4.4.1: without a pong for so long the connection is dead."""
_STUN_TRIES = 4
"""Spread over the same time."""

Lost = Callable[[], None]
Send = Callable[[bytes, Flow], None]
HeardAt = Callable[[Flow], float | None]


@dataclass(slots=True, eq=False)
class _Kept:
    flow: Flow
    interval_s: float
    has_answers: bool
    lost: Lost | None
    timer: asyncio.TimerHandle | None = None
    transaction_id: bytes = b""
    tries: int = 0


class FlowKeeper:
    """Pings any number of flows. `send` raises TransportError; `heard_at` is when a connection last said something."""

    def __init__(self, send: Send, ping: Callable[[Flow], None], heard_at: HeardAt) -> None:
        self._send = send
        self._ping = ping
        self._heard_at = heard_at
        self._kept: set[_Kept] = set()
        self._asked: dict[bytes, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(
        self, flow: Flow, interval_s: float, *, lost: Lost | None = None, has_answers: bool = True
    ) -> Callable[[], None]:
        """Ping `flow` until the returned function is called, or it is lost, which `lost` is told once.

        Connections get CRLF pairs. UDP gets STUN, or CRLF pairs, too, where the peer knows no STUN (`has_answers` is
        false): those hold a mapping open but notice nothing.
        """
        kept = _Kept(flow, interval_s, has_answers, lost)
        self._kept.add(kept)
        self._later(kept, interval_s, self._next)
        return lambda: self._forget(kept)

    def stop(self) -> None:
        """Forget everything; nobody is told."""
        for kept in list(self._kept):
            self._forget(kept)

    def answered(self, data: bytes) -> bool:
        """A STUN response came; whether it was for us."""
        kept = self._asked.pop(stun.answered_transaction(data) or b"", None)
        if kept is None:
            return False
        kept.tries = 0
        self._later(kept, kept.interval_s, self._next)
        return True

    def _next(self, kept: _Kept) -> None:
        try:
            if kept.flow.is_reliable:
                self._ping(kept.flow)
                asked_at = asyncio.get_running_loop().time()
                self._later(kept, _ANSWER_S, lambda kept: self._check(kept, asked_at))
            elif kept.has_answers:
                self._ask(kept)
            else:
                self._send(PING, kept.flow)
                self._later(kept, kept.interval_s, self._next)
        except TransportError:
            self._is_lost(kept)

    def _ask(self, kept: _Kept) -> None:
        if kept.tries >= _STUN_TRIES:
            self._is_lost(kept)
            return
        if not kept.tries:
            kept.transaction_id = secrets.token_bytes(12)
        kept.tries += 1
        self._asked[kept.transaction_id] = kept
        self._send(stun.binding_request(kept.transaction_id), kept.flow)
        self._later(kept, _ANSWER_S / _STUN_TRIES, self._next)

    def _check(self, kept: _Kept, asked_at: float) -> None:
        heard_at = self._heard_at(kept.flow)
        if heard_at is None or heard_at < asked_at:
            self._is_lost(kept)
        else:
            self._later(kept, kept.interval_s, self._next)

    def _is_lost(self, kept: _Kept) -> None:
        self._forget(kept)
        if kept.lost is not None:
            kept.lost()

    def _later(self, kept: _Kept, seconds: float, act: Callable[[_Kept], None]) -> None:
        if kept.timer is not None:
            kept.timer.cancel()
        kept.timer = asyncio.get_running_loop().call_later(seconds, act, kept) if kept in self._kept else None

    def _forget(self, kept: _Kept) -> None:
        self._kept.discard(kept)
        self._asked.pop(kept.transaction_id, None)
        if kept.timer is not None:
            kept.timer.cancel()
            kept.timer = None
