"""Registration of endpoints (H.225.0 7.9 and 7.10, H.323 7.2.2): RRQ, full and keep-alive, and URQ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from signaling.h323 import traversal
from signaling.h323.h2351 import Fault
from signaling.h323.ras import address, alias
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias
from signaling.h323.ras.events import Leaving, Registered
from signaling.h323.ras.registration import Registration, Vendor, kind_of
from signaling.h323.ras.security import NOBODY, Proof, rejection
from signaling.h323.ras.zone import PROTOCOL, Answer, Request, Zone

Reason = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a full RegistrationRequest asks for."""

    aliases: tuple[Alias, ...]
    signalling: Address
    ras: Address
    features: frozenset[int]


def register(zone: Zone, request: Request) -> Answer:
    """RRQ: a keep-alive refreshes what is there, everything else registers anew (7.9.1)."""
    if request.body.get("keepAlive"):
        return _keep_alive(zone, request)
    wish = _wish(zone, request)
    if not isinstance(wish, _Wish):
        return _reject(zone, wish)
    proof = zone.prove(request, aliases=wish.aliases)
    if isinstance(proof, Fault):
        return _reject(zone, rejection(proof, request.version))
    account = proof.account.name if proof.account else ""
    if not _may_have(zone, wish.aliases, account):
        zone.counters["alias-of-others"] += 1
        return _reject(zone, ("securityDenial", 0), proof)
    if not zone.is_on_network(request, wish.aliases, account):
        return _reject(zone, ("securityDenial", 0), proof)
    before = _before(zone, request, wish, account)
    others = [other for other in zone.registrations.holders(wish.aliases) if other is not before]
    taken = [other for other in others if not _may_replace(zone, other, request, wish, account)]
    if taken:
        aliases = [entry.value for entry in wish.aliases if zone.registrations.find([entry]) in taken]
        return _reject(zone, ("duplicateAlias", aliases), proof)
    if before is None and not others and not zone.registrations.has_room(request.source):
        return _reject(zone, ("resourceUnavailable", 0), proof)
    for other in others:
        zone.leave(other, Leaving.REPLACED)
    fresh = _registration(zone, request, wish, proof, before)
    zone.registrations.put(fresh)
    if before is None or not _is_same(before, fresh):
        zone.tell(Registered(fresh))
    return _confirm(zone, request, fresh, proof, is_full=True)


def unregister(zone: Zone, request: Request) -> Answer:
    """URQ: all of a terminal, or the aliases that it names (7.10.1)."""
    found = zone.endpoint(request) or _by_address(zone, request)
    if found is None:
        return Answer("unregistrationReject", {"rejectReason": ("notCurrentlyRegistered", 0)})
    proof = zone.prove(request, found.account, found.aliases)
    if isinstance(proof, Fault):
        return Answer("unregistrationReject", {"rejectReason": rejection(proof, found.version)})
    gone = {entry.key for entry in alias.parse_all(request.body.get("endpointAlias"))}
    left = tuple(entry for entry in found.aliases if entry.key not in gone)
    if gone and left:
        if len(left) < len(found.aliases):
            fewer = replace(found, aliases=left)
            zone.registrations.put(fewer)
            zone.tell(Registered(fewer))
    else:
        zone.leave(found, Leaving.REMOVED)
    return Answer("unregistrationConfirm", {}, proof)


def _keep_alive(zone: Zone, request: Request) -> Answer:
    """The lightweight RRQ: what it leaves out stays as it was; whom we do not know registers in full (7.9.1)."""
    found = zone.endpoint(request)
    if found is None:
        return _reject(zone, ("fullRegistrationRequired", 0))
    proof = zone.prove(request, found.account, found.aliases)
    if isinstance(proof, Fault):
        return _reject(zone, rejection(proof, found.version))
    if not zone.is_on_network(request, found.aliases, found.account):
        zone.leave(found, Leaving.REVOKED)
        return _reject(zone, ("securityDenial", 0), proof)
    wanted_s = request.body.get("timeToLive", found.time_to_live_s)
    time_to_live_s = _time_to_live_s(zone, wanted_s, is_traversing=found.is_traversing)
    # A NAT may have given the terminal another port since.
    ras = next(address.parse_all(request.body["rasAddress"]), None)
    there = request.source if found.is_traversing else address.reachable(ras, request.source)
    moved = replace(found, source=request.source, ras=there, local=request.local, time_to_live_s=time_to_live_s)
    fresh = zone.registrations.touch(moved, request.now)
    return _confirm(zone, request, fresh, proof, is_full=False)


def _wish(zone: Zone, request: Request) -> _Wish | Reason:
    body = request.body
    if not request.version:
        return ("invalidRevision", 0)
    signalling = next(address.parse_all(body["callSignalAddress"]), None)
    if signalling is None:
        return ("invalidCallSignalAddress", 0)
    ras = next(address.parse_all(body["rasAddress"]), None)
    if ras is None:
        return ("invalidRASAddress", 0)
    aliases = alias.parse_all(body.get("terminalAlias"))
    if "additiveRegistration" in body:
        known = zone.endpoint(request)
        if known is None:
            return ("fullRegistrationRequired", 0)
        aliases = tuple({entry.key: entry for entry in (*known.aliases, *aliases)}.values())
    # Nobody could call a terminal without a name, and we give none away.
    if not aliases or len(aliases) > zone.settings.max_aliases:
        return ("invalidAlias", 0)
    features = traversal.features(body.get("featureSet"))
    # Behind a NAT only the port that the request came from is open (H.460.18 7).
    there = request.source if traversal.SIGNALLING in features else address.reachable(ras, request.source)
    return _Wish(aliases, signalling, there, features)


def _may_have(zone: Zone, aliases: Iterable[Alias], account: str) -> bool:
    """Names that belong to an account are for those who proved to be that account."""
    if not zone.guard.is_on:
        return True
    owners = (zone.account_of(entry) for entry in aliases)
    return all(owner is None or owner.name == account for owner in owners)


def _before(zone: Zone, request: Request, wish: _Wish, account: str) -> Registration | None:
    """What the same terminal registered before: from the same address, and as the same account."""
    known = zone.endpoint(request) or zone.registrations.at(wish.signalling, request.source)
    return known if known is not None and known.account == account else None


def _may_replace(zone: Zone, other: Registration, request: Request, wish: _Wish, account: str) -> bool:
    """Whether the names of `other` go over to who asks: the same terminal at another place, or by configuration."""
    if account and other.account == account:
        return True
    is_same_place = other.signalling == wish.signalling and other.source[0] == request.source[0]
    is_unproven = not other.account
    return is_unproven and (is_same_place or zone.settings.duplicate_alias == "replace")


def _registration(zone: Zone, request: Request, wish: _Wish, proof: Proof, before: Registration | None) -> Registration:
    return Registration(
        identifier=before.identifier if before else zone.new_identifier(),
        aliases=wish.aliases,
        signalling=wish.signalling,
        ras=wish.ras,
        source=request.source,
        local=request.local,
        account=proof.account.name if proof.account else "",
        senders_id=proof.senders_id,
        version=request.version,
        vendor=Vendor.parse(request.body["endpointVendor"]),
        kind=kind_of(request.body["terminalType"]),
        features=wish.features,
        time_to_live_s=_time_to_live_s(
            zone, request.body.get("timeToLive"), is_traversing=traversal.SIGNALLING in wish.features
        ),
        registered_at=before.registered_at if before else request.now,
        refreshed_at=request.now,
        is_almost_full=before.is_almost_full if before else False,
    )


def _is_same(before: Registration, fresh: Registration) -> bool:
    """Whether only times differ."""
    return before == replace(fresh, refreshed_at=before.refreshed_at, time_to_live_s=before.time_to_live_s)


def _time_to_live_s(zone: Zone, wanted_s: int | None, *, is_traversing: bool) -> int:
    """Short behind a NAT: every keep-alive refreshes its way to us, and so ours to the terminal (H.460.18 7)."""
    settings = zone.settings
    if is_traversing:
        return min(settings.traversal_time_to_live_s, wanted_s or settings.traversal_time_to_live_s)
    if wanted_s is None:
        return settings.default_time_to_live_s
    return min(max(wanted_s, settings.min_time_to_live_s), settings.max_time_to_live_s)


def _by_address(zone: Zone, request: Request) -> Registration | None:
    """A terminal that forgot its identifier names itself by its call signalling address (7.10.1)."""
    if "endpointIdentifier" in request.body:
        return None
    found = (
        zone.registrations.at(signalling, request.source)
        for signalling in address.parse_all(request.body["callSignalAddress"])
    )
    return next((registration for registration in found if registration is not None), None)


def _confirm(zone: Zone, request: Request, registration: Registration, proof: Proof, *, is_full: bool) -> Answer:
    ours = zone.signalling_address(request.local, request.source[0])
    body: dict[str, Any] = {
        "protocolIdentifier": PROTOCOL,
        "callSignalAddress": [address.value_of(ours)],
        "gatekeeperIdentifier": zone.settings.gatekeeper_id,
        "endpointIdentifier": registration.identifier,
        "timeToLive": registration.time_to_live_s,
        "willRespondToIRR": True,
        "maintainConnection": False,
        "supportsAdditiveRegistration": 0,
    }
    if is_full:
        body["terminalAlias"] = [entry.value for entry in registration.aliases]
    if registration.is_traversing:
        body["featureSet"] = traversal.feature_set(traversal.feature(traversal.SIGNALLING))
    return Answer("registrationConfirm", body, proof, registration.ras)


def _reject(zone: Zone, reason: Reason, proof: Proof = NOBODY) -> Answer:
    body = {
        "protocolIdentifier": PROTOCOL,
        "rejectReason": reason,
        "gatekeeperIdentifier": zone.settings.gatekeeper_id,
    }
    return Answer("registrationReject", body, proof)
