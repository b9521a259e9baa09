"""Call signalling through firewalls (H.460.18), and how ends tell of it and of H.460.19. Values are those of per.py.

A terminal behind a NAT registers with feature 18 and opens every connection: ServiceControlIndication asks it to call
back, and Facility and a generic indication of H.245 say for which call a connection is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signaling.h323 import per
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245 import generic_message
from signaling.h323.ras import address
from signaling.h323.ras.address import Address

SIGNALLING, MEDIA = 18, 19
"""The numbers of the features H.460.18 and H.460.19."""
_MOST_FEATURE = 0xFFFF
_CALL_INDICATION = 1
"""Parameter of feature 18 in ServiceControlIndication."""
_MULTIPLEXES, _IS_SERVER = 1, 2
"""Parameters of feature 19: supportTransmitMultiplexedMedia and mediaTraversalServer."""
_SIGNALLING_OID = (0, 0, 8, 460, 18, 0, 1)
_CONNECTION_CORRELATION, _CALL_IDENTIFIER, _ANSWER_CALL = 1, 1, 2
"""Submessage of the generic indication on an H.245 connection, and its parameters (H.460.18 16)."""
_GROUPS = ("neededFeatures", "desiredFeatures", "supportedFeatures")

Value = Mapping[str, Any]


# ---- features


def feature(number: int, *parameters: Value) -> dict[str, Any]:
    """A FeatureDescriptor (H.225.0 GenericData) of an H.460 feature."""
    descriptor: dict[str, Any] = {"id": ("standard", number)}
    return descriptor | ({"parameters": list(parameters)} if parameters else {})


def feature_set(*supported: Value) -> dict[str, Any]:
    """A FeatureSet of these."""
    return {"replacementFeatureSet": False, "supportedFeatures": list(supported)}


def features(told: Value | None) -> frozenset[int]:
    """The H.460 features that a FeatureSet needs, wants or supports."""
    return frozenset(number for number, _ in _descriptors(told or {}))


@dataclass(frozen=True, slots=True)
class MediaFeature:
    """Feature 19, as one end tells it in Setup, or in an answer to one that has it."""

    multiplexes: bool = False
    """It can send the media of all channels to one pair of ports."""
    is_server: bool = False
    """It stands where the other end can reach it."""

    def descriptor(self) -> dict[str, Any]:
        """For FeatureSet and Setup."""
        told = ((_MULTIPLEXES, self.multiplexes), (_IS_SERVER, self.is_server))
        return feature(MEDIA, *({"id": ("standard", number)} for number, is_so in told if is_so))

    @classmethod
    def find(cls, body: Value) -> MediaFeature | None:
        """In a Setup, which has descriptors of its own, or in an answer, whose featureSet has them."""
        for number, descriptor in _descriptors(body.get("featureSet", body)):
            if number == MEDIA:
                told = {each["id"][1] for each in descriptor.get("parameters", ()) if each["id"][0] == "standard"}
                return cls(_MULTIPLEXES in told, _IS_SERVER in told)
        return None


def _descriptors(told: Value) -> Iterator[tuple[int, Value]]:
    """Numbers and descriptors of standard features."""
    for group in _GROUPS:
        for each in told.get(group, ()):
            kind, number = each["id"]
            if kind == "standard" and 0 <= number <= _MOST_FEATURE:
                yield number, each


# ---- the terminal is to call back


def call_indication(where: Address, call: bytes) -> dict[str, Any]:
    """The generic data of a ServiceControlIndication: call `where` back for the call with this identifier."""
    indication = {"callSignallingAddress": address.value_of(where), "callID": {"guid": call}}
    octets = per.encode(per.Type.INCOMING_CALL_INDICATION, indication)
    return feature(SIGNALLING, {"id": ("standard", _CALL_INDICATION), "content": ("raw", octets)})


def read_call_indication(generic_data: Iterable[Value]) -> tuple[Address, bytes] | None:
    """Where to call back, and for which call. Raises MalformedPduError."""
    for each in generic_data:
        if each["id"] != ("standard", SIGNALLING):
            continue
        for parameter in each.get("parameters", ()):
            kind, octets = parameter.get("content", ("", b""))
            if parameter["id"] == ("standard", _CALL_INDICATION) and kind == "raw":
                value = per.decode(per.Type.INCOMING_CALL_INDICATION, octets)
                where = address.parse(value["callSignallingAddress"])
                if where is None:
                    raise MalformedPduError("no address to call back")
                return where, value["callID"]["guid"]
    return None


# ---- for which call an H.245 connection is


def correlation(call: bytes, *, is_answer: bool) -> dict[str, Any]:
    """The genericIndication that goes first on an H.245 connection. `is_answer` says whoever was called."""
    content = [generic_message.parameter(_CALL_IDENTIFIER, "octetString", call)]
    if is_answer:
        content.append(generic_message.parameter(_ANSWER_CALL, "logical", 0))
    return {
        "messageIdentifier": generic_message.identifier(_SIGNALLING_OID),
        "subMessageIdentifier": _CONNECTION_CORRELATION,
        "messageContent": content,
    }


def correlated_call(message: Value) -> bytes | None:
    """The call that a generic indication names; None for another message."""
    if generic_message.oid_of(message["messageIdentifier"]) != _SIGNALLING_OID:
        return None
    for each in message.get("messageContent", ()):
        kind, value = each["parameterValue"]
        if each["parameterIdentifier"] == ("standard", _CALL_IDENTIFIER) and kind == "octetString":
            return bytes(value)
    return None
