"""Gatekeeper discovery (H.225.0 7.8): GRQ, GCF and GRJ."""

from __future__ import annotations

from typing import Any

from signaling.h323 import h2351, traversal
from signaling.h323.h2351 import Fault
from signaling.h323.ras import address, alias
from signaling.h323.ras.security import rejection
from signaling.h323.ras.zone import PROTOCOL, Answer, Request, Zone


def discover(zone: Zone, request: Request) -> Answer | None:
    """Whether we are the gatekeeper of who asks; None, silence, where a multicast was not meant for us (7.8.1)."""
    is_traversing = traversal.SIGNALLING in traversal.features(request.body.get("featureSet"))
    claimed = None if is_traversing else address.parse(request.body["rasAddress"])
    remote = address.reachable(claimed, request.source)
    wanted = request.body.get("gatekeeperIdentifier", "").rstrip("\0")
    if wanted and wanted != zone.settings.gatekeeper_id:
        return None if request.is_multicast else _reject(zone, ("terminalExcluded", 0), remote)
    if not request.version:
        return _reject(zone, ("invalidRevision", 0), remote)
    if not zone.registrations.has_room(request.source):
        return _reject(zone, ("resourceUnavailable", 0), remote)
    aliases = alias.parse_all(request.body.get("endpointAlias"))[: zone.settings.max_aliases]
    proof = zone.prove(request, aliases=aliases)
    if isinstance(proof, Fault):
        return _reject(zone, rejection(proof, request.version), remote)
    body = {
        "protocolIdentifier": PROTOCOL,
        "gatekeeperIdentifier": zone.settings.gatekeeper_id,
        "rasAddress": zone.ras_address(request),
        **_security(zone, request.body),
    }
    if is_traversing:
        body["featureSet"] = traversal.feature_set(traversal.feature(traversal.SIGNALLING))
    return Answer("gatekeeperConfirm", body, proof, remote)


def _security(zone: Zone, body: dict[str, Any]) -> dict[str, Any]:
    """The mechanism that we choose of those that the terminal has (H.235.1): HMAC-SHA1-96, or none."""
    mechanisms = {kind for kind, _ in body.get("authenticationCapability", ())}
    algorithms = [oid for oid in body.get("algorithmOIDs", ()) if h2351.is_same_oid(oid, h2351.HMAC_SHA1_96)]
    if not zone.guard.is_on or "pwdHash" not in mechanisms or not algorithms:
        return {}
    return {"authenticationMode": ("pwdHash", 0), "algorithmOID": algorithms[0]}


def _reject(zone: Zone, reason: tuple[str, Any], remote: address.Address) -> Answer:
    body = {
        "protocolIdentifier": PROTOCOL,
        "gatekeeperIdentifier": zone.settings.gatekeeper_id,
        "rejectReason": reason,
    }
    return Answer("gatekeeperReject", body, remote=remote)
