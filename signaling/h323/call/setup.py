"""Setup (H.225.0 7.3.10): what a call that comes says of itself, and how a call of ours says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.message import CallIdentity, Signal, encode_fast_start
from signaling.h323.errors import MalformedPduError
from signaling.h323.q931 import Element, Id
from signaling.h323.q931_elements import (
    PartyNumber,
    bearer_capability,
    called_party_number,
    calling_party_number,
    display,
    read_bearer_multiplier,
    read_party_number,
    read_text,
)
from signaling.h323.ras import address, alias
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.ras.registration import Vendor
from signaling.h323.traversal import MediaFeature

_GUID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Setup:
    """A call that comes."""

    identity: CallIdentity
    goal: str
    """conferenceGoal by its ASN.1 name: create, join, invite."""
    called: tuple[Alias, ...]
    """Whom it is for; a called party number of Q.931 stands behind the aliases."""
    calling: tuple[Alias, ...]
    """Who calls, likewise. Nobody has proven it."""
    is_restricted: bool
    """The caller's number is not to be shown."""
    display: str
    vendor: Vendor
    endpoint_type: dict[str, Any]
    """EndpointType of the caller (sourceInfo)."""
    multiplier: int
    """The rate it wants, in 64 kbit/s; 0 where it does not say."""
    called_address: Address | None
    calling_address: Address | None
    endpoint_identifier: str
    """What its gatekeeper calls it, "" without."""
    fast_start: tuple[Any, ...]
    """Channels that it proposes, each an OpenLogicalChannel; answer in accept() or alert()."""
    tokens: tuple[Any, ...]
    crypto_tokens: tuple[Any, ...]
    control_address: Address | None
    version: int
    """Of H.225.0."""
    traversal: MediaFeature | None = None
    """What it says of firewalls (H.460.19); None for nothing."""


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """A call of ours."""

    called: tuple[Alias, ...] = ()
    called_address: Address | None = None
    calling_address: Address | None = None
    """Of our call signalling, where the shell knows it."""
    goal: str = "create"
    """"invite" brings the peer into a conference that runs, `identity.conference_id`."""
    multiplier: int = 30
    fast_start: tuple[Any, ...] = ()
    tokens: tuple[Any, ...] = ()
    crypto_tokens: tuple[Any, ...] = ()
    endpoint_identifier: str = ""
    display: str = ""
    """"" takes the endpoint's."""
    has_hidden_callee: bool = False
    """It is behind a firewall, and opens what is to be opened (H.460.18)."""


def parse(signal: Signal) -> Setup:
    """What a Setup says. Raises MalformedPduError for one that nobody could answer."""
    body, elements = signal.body, signal.q931
    number = _number(elements.find(Id.CALLING_PARTY_NUMBER))
    capability = elements.find(Id.BEARER_CAPABILITY)
    conference_id = body["conferenceID"]
    # A version 1 terminal has no callIdentifier: its conferenceID stands in.
    identifier = body.get("callIdentifier", {}).get("guid", conference_id)
    if len(conference_id) != _GUID_BYTES or len(identifier) != _GUID_BYTES:
        raise MalformedPduError("conferenceID")
    return Setup(
        CallIdentity(elements.call_reference, identifier, conference_id),
        body["conferenceGoal"][0],
        _parties(body.get("destinationAddress"), _number(elements.find(Id.CALLED_PARTY_NUMBER))),
        _parties(body.get("sourceAddress"), number),
        number is not None and number.is_restricted,
        read_text(elements.find(Id.DISPLAY) or b""),
        _vendor(body["sourceInfo"]),
        body["sourceInfo"],
        _multiplier(capability),
        _address(body.get("destCallSignalAddress")),
        _address(body.get("sourceCallSignalAddress")),
        body.get("endpointIdentifier", ""),
        signal.fast_start,
        signal.tokens,
        signal.crypto_tokens,
        signal.control_address,
        body["protocolIdentifier"][-1],
        MediaFeature.find(body),
    )


def build(request: SetupRequest, identity: CallIdentity, own: LocalEndpoint) -> tuple[dict[str, Any], list[Element]]:
    """The UUIE and the elements beside it."""
    body: dict[str, Any] = {
        "sourceInfo": own.endpoint_type(),
        "activeMC": own.is_mcu,
        "conferenceID": identity.conference_id,
        "conferenceGoal": (request.goal, 0),
        "callType": ("pointToPoint", 0),
        "mediaWaitForConnect": False,
        "canOverlapSend": False,
        "multipleCalls": False,
        "maintainConnection": False,
    }
    optional: dict[str, Any] = {
        "sourceAddress": [alias.value for alias in own.aliases],
        "destinationAddress": [alias.value for alias in request.called],
        "destCallSignalAddress": request.called_address and address.value_of(request.called_address),
        "sourceCallSignalAddress": request.calling_address and address.value_of(request.calling_address),
        "tokens": list(request.tokens),
        "cryptoTokens": list(request.crypto_tokens),
        "fastStart": encode_fast_start(request.fast_start),
        "endpointIdentifier": request.endpoint_identifier,
    }
    if own.traversal is not None and (own.is_hidden or request.has_hidden_callee):
        optional["supportedFeatures"] = [own.traversal.descriptor()]
    body |= {name: value for name, value in optional.items() if value}
    elements = [bearer_capability(request.multiplier)]
    if text := request.display or own.display:
        elements.append(display(text))
    elements += _numbers(own.aliases, request.called)
    return body, elements


def _numbers(calling: Sequence[Alias], called: Sequence[Alias]) -> list[Element]:
    """Party numbers for gateways and old terminals, which look there only (H.225.0 7.2.2)."""
    elements: list[Element] = []
    for aliases, make in ((calling, calling_party_number), (called, called_party_number)):
        digits = next((alias.text for alias in aliases if alias.kind is AliasKind.DIALLED_DIGITS), "")
        if digits:
            elements.append(make(PartyNumber(digits)))
    return elements


def _parties(aliases: Any, number: PartyNumber | None) -> tuple[Alias, ...]:
    found = {found.key: found for found in alias.parse_all(aliases)}
    digits = alias.make(AliasKind.DIALLED_DIGITS, number.digits) if number is not None else None
    if digits is not None:
        found.setdefault(digits.key, digits)
    return tuple(found.values())


def _number(contents: bytes | None) -> PartyNumber | None:
    """None for none or a malformed one: the aliases do without."""
    try:
        return None if contents is None else read_party_number(contents)
    except MalformedPduError:
        return None


def _multiplier(contents: bytes | None) -> int:
    try:
        return 0 if contents is None else read_bearer_multiplier(contents)
    except MalformedPduError:
        return 0


def _vendor(endpoint_type: dict[str, Any]) -> Vendor:
    return Vendor.parse(endpoint_type["vendor"]) if "vendor" in endpoint_type else Vendor()


def _address(value: Any) -> Address | None:
    return None if value is None else address.parse(value)
