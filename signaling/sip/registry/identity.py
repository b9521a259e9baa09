"""Who calls, where that can be proven: a From that names one of our terminals needs its secret or its own connection.

Everybody else stays a guest: a From is only what somebody wrote, and so is the source address of a datagram. Who speaks
UDP, or registered through a proxy, whose address others share, is asked for its secret each time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from signaling.sip.authentication.authenticator import Authenticator, Outcome
from signaling.sip.registry.registrar import Failure, refusal
from signaling.sip.registry.registrations import Registrations
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.fields import from_of
from signaling.sip.wire.message import Request
from signaling.tries import source_key


@dataclass(frozen=True, slots=True)
class Identity:
    """A terminal that has proven who it is."""

    alias: str
    name: str
    """As the administrator named it."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The request has to be refused with this: 401 to prove who it is, or 503 after too many wrong answers."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    delay_s: float = 0.0


class Names(Protocol):
    """The terminals of the administrator."""

    def name_of(self, alias: str) -> str | None:
        """The display name; None where there is no such terminal, or it is disabled."""


class Identities:
    """Proves who sent a request; `now` is UTC in seconds."""

    def __init__(
        self,
        authenticator: Authenticator,
        registrations: Registrations,
        names: Names,
        domains: Collection[str],
        failed: Callable[[Failure], None],
    ) -> None:
        """`domains` are the hosts in a From that mean us, in lower case."""
        self._authenticator = authenticator
        self._registrations = registrations
        self._names = names
        self._domains = frozenset(domains)
        self._failed = failed

    def identify(self, request: Request, flow: Flow, now: float) -> Identity | Challenge | None:
        """None for strangers."""
        uri = from_of(request.headers).uri
        name = self._names.name_of(uri.user) if self._is_ours(uri.host, flow) else None
        if name is None:
            return None
        is_direct = len(request.headers.values("Via")) == 1
        if is_direct and self._registrations.vouches(uri.user, flow):
            return Identity(uri.user, name)
        familiar = uri.user if self._registrations.has_source(uri.user, source_key(flow.remote[0])) else ""
        verdict = self._authenticator.check(request, flow, now, familiar=familiar)
        if verdict.outcome is Outcome.RIGHT and verdict.username == uri.user:
            return Identity(uri.user, name)
        if verdict.outcome in (Outcome.WRONG, Outcome.PAUSED, Outcome.RIGHT):
            self._failed(Failure(verdict.username, request.method, flow, verdict.outcome))
        if verdict.outcome is Outcome.RIGHT:
            return Challenge(403, "Forbidden", (), verdict.delay_s)
        reply = refusal(self._authenticator, verdict, flow, now)
        return Challenge(reply.status, reply.reason, reply.headers, reply.delay_s)

    def _is_ours(self, host: str, flow: Flow) -> bool:
        return host.lower() in self._domains or host == flow.local[0]
