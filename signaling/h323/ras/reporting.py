"""What endpoints tell: IRR, RAI, and SCI (H.225.0 7.15, 7.18 and 7.20)."""

from __future__ import annotations

from dataclasses import replace

from signaling.h323.h2351 import Fault
from signaling.h323.ras.security import rejection
from signaling.h323.ras.zone import PROTOCOL, Answer, Request, Zone


def report(zone: Zone, request: Request) -> Answer | None:
    """IRR that nobody asked for: IACK or INAK where it wants an answer (7.15.2)."""
    wants_answer = bool(request.body.get("needResponse"))
    found = zone.endpoint(request)
    if found is None:
        return Answer("infoRequestNak", {"nakReason": ("notRegistered", 0)}) if wants_answer else None
    proof = zone.prove(request, found.account, found.aliases)
    if isinstance(proof, Fault):
        return Answer("infoRequestNak", {"nakReason": rejection(proof, found.version)}) if wants_answer else None
    zone.calls.named(found.identifier, request.body, request.now)
    return Answer("infoRequestAck", {}, proof) if wants_answer else None


def resources(zone: Zone, request: Request) -> Answer | None:
    """RAI: a gateway says whether it has room (7.18). There is no reject: strangers get silence."""
    found = zone.endpoint(request)
    if found is None:
        zone.counters["dropped-stranger"] += 1
        return None
    proof = zone.prove(request, found.account, found.aliases)
    if isinstance(proof, Fault):
        return None
    is_almost_full = request.body["almostOutOfResources"]
    if is_almost_full != found.is_almost_full:
        zone.registrations.put(replace(found, is_almost_full=is_almost_full))
    return Answer("resourcesAvailableConfirm", {"protocolIdentifier": PROTOCOL}, proof)


def service_control(zone: Zone, request: Request) -> Answer | None:
    """SCI of an endpoint: we have no services that it could control (7.20)."""
    found = zone.endpoint(request)
    if found is None:
        zone.counters["dropped-stranger"] += 1
        return None
    proof = zone.prove(request, found.account, found.aliases)
    if isinstance(proof, Fault):
        return None
    return Answer("serviceControlResponse", {"result": ("neededFeatureNotSupported", 0)}, proof)
