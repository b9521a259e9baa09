"""Location (H.225.0 7.13): LRQ of registered terminals and of gatekeepers that may ask, answered by LCF or LRJ."""

from __future__ import annotations

import ipaddress

from signaling.h323.h2351 import Fault
from signaling.h323.ras import address, alias
from signaling.h323.ras.address import Address
from signaling.h323.ras.admission import Admission
from signaling.h323.ras.alias import Alias
from signaling.h323.ras.security import NOBODY, Proof, rejection
from signaling.h323.ras.zone import Answer, Request, Zone


class Locations:
    """Says where aliases are."""

    def __init__(self, zone: Zone, admission: Admission) -> None:
        self._zone = zone
        self._admission = admission
        self._networks = [ipaddress.ip_network(network) for network in zone.settings.location_networks]

    def locate(self, request: Request) -> Answer | None:
        """LRQ; None, silence, where a multicast is not for us (7.13.1)."""
        remote = address.reachable(address.parse(request.body["replyAddress"]), request.source)
        proof = self._asker(request)
        called = alias.parse_all(request.body["destinationInfo"])[: self._zone.settings.max_aliases]
        where = None if isinstance(proof, tuple) else self._where(request, called)
        if where is None and request.is_multicast:
            return None
        if isinstance(proof, tuple):
            return Answer("locationReject", {"rejectReason": proof}, remote=remote)
        if where is None:
            return Answer("locationReject", {"rejectReason": ("requestDenied", 0)}, proof, remote)
        body = {
            "callSignalAddress": address.value_of(where),
            "rasAddress": self._zone.ras_address(request),
            "destinationInfo": [entry.value for entry in called],
        }
        return Answer("locationConfirm", body, proof, remote)

    def _asker(self, request: Request) -> Proof | tuple[str, int]:
        """Who asks, or the reason why they may not."""
        found = self._zone.endpoint(request)
        if found is not None:
            proof = self._zone.prove(request, found.account, found.aliases)
            return rejection(proof, found.version) if isinstance(proof, Fault) else proof
        host = ipaddress.ip_address(request.source[0].partition("%")[0])
        return NOBODY if any(host in network for network in self._networks) else ("invalidPermission", 0)

    def _where(self, request: Request, called: tuple[Alias, ...]) -> Address | None:
        target = self._zone.registrations.find(called)
        is_admitted_here = self._zone.endpoint(request) is not None
        if target is not None and (not is_admitted_here or not self._zone.is_routed(target)):
            # A call that is not admitted here is not routed here: those of neighbours go directly, if they can.
            return None if target.is_traversing else target.signalling
        # Asked of everybody we claim terminals alone: any number leads to the attendant, those of others as well.
        is_room = not request.is_multicast and bool(called) and self._admission.locate(called)
        if target is not None or is_room:
            return self._zone.signalling_address(request.local, request.source[0])
        return None
