"""Which incoming calls come by a trunk: known by the address that they come from, or by the trunk's own digest."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from crypto.ha1 import Ha1
from signaling.errors import SipError
from signaling.sip.authentication.authenticator import Authenticator, Outcome, Secrets
from signaling.sip.registry.identity import Challenge
from signaling.sip.registry.registrar import refusal
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.trunk import Arrival, Trunk, Trunks
from signaling.sip.wire.fields import from_of
from signaling.sip.wire.message import Request


class Arrivals:
    """Asked for every incoming call. `authenticator` makes one for a realm and its secrets, `now` is UTC in seconds."""

    def __init__(
        self, trunks: Trunks, authenticator: Callable[[str, Secrets], Authenticator], now: Callable[[], float]
    ) -> None:
        self._trunks = trunks
        self._now = now
        self.peer_names: Callable[[Flow], Collection[str]] = _nobody
        """The names that the verified certificate of a TLS peer stands for."""
        proving = (trunk for trunk in trunks if trunk.settings.inbound_digest and trunk.secret is not None)
        self._authenticators = {trunk.name: authenticator(trunk.settings.realm, _OneSecret(trunk)) for trunk in proving}

    def find(self, request: Request, flow: Flow) -> Arrival | Challenge | None:
        """What the call is for; None where it is no trunk's. Raises SipError 404 for numbers that lead nowhere."""
        trunk = self._trunks.sending(flow, self.peer_names(flow))
        # Where it names certificates the call came by one of them.
        is_proven = trunk is not None and bool(trunk.settings.tls_names)
        if trunk is None:
            trunk = self._trunks.claimed_by(from_of(request.headers).uri.user)
            authenticator = self._authenticators.get(trunk.name) if trunk is not None else None
            if trunk is None or authenticator is None:
                return None
            challenge = self._check(authenticator, trunk, request, flow)
            if challenge is not None:
                return challenge
            is_proven = True
        arrival = trunk.arrival(request)
        if arrival is None:
            raise SipError(404, "Not Found")
        return replace(arrival, is_proven=is_proven)

    def _check(self, authenticator: Authenticator, trunk: Trunk, request: Request, flow: Flow) -> Challenge | None:
        verdict = authenticator.check(request, flow, self._now())
        if verdict.outcome is Outcome.RIGHT and verdict.username == trunk.settings.user:
            return None
        reply = refusal(authenticator, verdict, flow, self._now())
        return Challenge(reply.status, reply.reason, reply.headers, reply.delay_s)


def _nobody(_flow: Flow) -> Collection[str]:
    return ()


class _OneSecret:
    """The secret of one trunk (authenticator.Secrets)."""

    def __init__(self, trunk: Trunk) -> None:
        self._trunk = trunk

    def secret_of(self, alias: str) -> Ha1 | None:
        """None for every other name."""
        return self._trunk.secret if alias == self._trunk.settings.user else None
