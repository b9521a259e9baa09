"""Which Setup is of a call that the gatekeeper admitted to be routed (H.225.0 7.11): no other is passed on.

What a Setup says of the called terminal counts for nothing: the admission named it, when the number of no room had it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from signaling.h323.call.setup import Setup
from signaling.h323.ras.address import Address
from signaling.h323.ras.calls import call_id_of
from signaling.h323.ras.registration import Registration
from signaling.h323.registry.admission import Doors
from signaling.h323.routing.route import Route


class Admitted(Protocol):
    """What is asked of the gatekeeper (signaling.h323.ras.server)."""

    @property
    def has_routed(self) -> bool:
        """Whether any call is to be routed."""

    def routed(self, call_id: bytes) -> Sequence[tuple[Registration, Registration]]:
        """Who may make the call of this callIdentifier, and whom it is passed on to."""


class AdmittedRoutes:
    """signaling.h323.routing.route.Routes."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self.gatekeeper: Admitted | None = None
        """Set by the owner once it is started."""
        self.counters: Counter[str] = Counter()

    @property
    def has_any(self) -> bool:
        """See signaling.h323.routing.route.Routes."""
        return self.gatekeeper is not None and self.gatekeeper.has_routed

    def find(self, setup: Setup, remote: Address, account: str) -> Route | str | None:
        """From the host that the caller registered from, and nobody else's signature on it."""
        route = self._admitted(setup, remote)
        if route is None:
            return None
        if account not in ("", route.caller.account):
            self.counters["routed-signed-by-another"] += 1
            return "securityDenied"
        if self._doors.is_refused(remote[0], is_trusted=bool(route.caller.account)):
            self.counters["refused-source"] += 1
            return "securityDenied"
        return route

    def _admitted(self, setup: Setup, remote: Address) -> Route | None:
        named = setup.endpoint_identifier.rstrip("\0")
        for call_id in _call_ids(setup):
            for caller, called in self.gatekeeper.routed(call_id) if self.gatekeeper is not None else ():
                if caller.source[0] == remote[0] and named in ("", caller.identifier):
                    return Route(caller, called)
        return None


def _call_ids(setup: Setup) -> tuple[bytes, bytes]:
    """As the gatekeeper tells calls apart; terminals of version 1 have no callIdentifier."""
    identity = setup.identity
    without = {"conferenceID": identity.conference_id, "callReferenceValue": identity.reference}
    return identity.identifier, call_id_of(without)
