"""Terminals behind firewalls: what H.460.18 and H.460.19 add to messages and to media. Values are those of per.py.

The terminal opens every connection, called back by IncomingCallIndication; media of all channels share one pair of
ports, told apart by a number in front of each packet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from signaling.h323 import per
from signaling.h323.errors import MalformedPduError

SIGNALLING, MEDIA = 18, 19
"""The numbers of the features H.460.18 and H.460.19."""
MULTIPLEX_BYTES = 4
_CALL_INDICATION = 1
"""Parameter of feature 18 in ServiceControlIndication."""
_TRAVERSAL_PARAMETERS = 1
_MULTIPLEXED, _CANNOT_SEND_MULTIPLEXED = 1, 2
"""Parameters of feature 19 in Setup and Connect: media may come multiplexed; are not sent so."""
_MEDIA_OID = (0, 0, 8, 460, 19, 0, 1)

Value = Mapping[str, Any]


def feature(number: int, *parameters: Value) -> dict[str, Any]:
    """A FeatureDescriptor (H.225.0 GenericData) of an H.460 feature."""
    descriptor: dict[str, Any] = {"id": ("standard", number)}
    return descriptor | ({"parameters": list(parameters)} if parameters else {})


def features(feature_set: Value | None) -> frozenset[int]:
    """The H.460 features that a FeatureSet needs, wants or supports."""
    if feature_set is None:
        return frozenset()
    groups = ("neededFeatures", "desiredFeatures", "supportedFeatures")
    return frozenset(
        each["id"][1] for group in groups for each in feature_set.get(group, ()) if each["id"][0] == "standard"
    )


def media_feature(*, multiplexes: bool) -> dict[str, Any]:
    """Feature 19 of a Setup or Connect of ours: a server that takes media on one pair of ports."""
    return feature(MEDIA, {"id": ("standard", _MULTIPLEXED)}) if multiplexes else feature(MEDIA)


def call_indication(address: tuple[bytes, int], call: bytes) -> dict[str, Any]:
    """The generic data of a ServiceControlIndication: call `address` (IPv4) back for the call with this identifier."""
    indication = {
        "callSignallingAddress": ("ipAddress", {"ip": address[0], "port": address[1]}),
        "callID": {"guid": call},
    }
    octets = per.encode(per.Type.INCOMING_CALL_INDICATION, indication)
    return feature(SIGNALLING, {"id": ("standard", _CALL_INDICATION), "content": ("raw", octets)})


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Where empty RTP packets go, of which payload type and how often, so that a firewall stays open."""

    address: tuple[bytes, int]
    payload_type: int
    interval_s: int


@dataclass(frozen=True, slots=True)
class MediaTraversal:
    """What one end says of one channel (H.460.19 7)."""

    media: tuple[bytes, int] | None = None
    control: tuple[bytes, int] | None = None
    multiplex_id: int | None = None
    """In front of each packet that goes to `media` and `control`."""
    keep_alive: KeepAlive | None = None

    def generic_information(self) -> dict[str, Any]:
        """For genericInformation of OpenLogicalChannel and its Ack."""
        value: dict[str, Any] = {}
        if self.media is not None:
            value["multiplexedMediaChannel"] = _h245_address(self.media)
        if self.control is not None:
            value["multiplexedMediaControlChannel"] = _h245_address(self.control)
        if self.multiplex_id is not None:
            value["multiplexID"] = self.multiplex_id
        if self.keep_alive is not None:
            value["keepAliveChannel"] = _h245_address(self.keep_alive.address)
            value["keepAlivePayloadType"] = self.keep_alive.payload_type
            value["keepAliveInterval"] = self.keep_alive.interval_s
        octets = per.encode(per.Type.TRAVERSAL_PARAMETERS, value)
        parameter = {
            "parameterIdentifier": ("standard", _TRAVERSAL_PARAMETERS),
            "parameterValue": ("octetString", octets),
            "supersedes": [],
        }
        return {"messageIdentifier": ("standard", _MEDIA_OID), "messageContent": [parameter]}

    @classmethod
    def find(cls, generic_information: Iterable[Value]) -> MediaTraversal | None:
        """What the peer says of a channel; None where it says nothing. Raises MalformedPduError."""
        for message in generic_information:
            if message["messageIdentifier"] != ("standard", _MEDIA_OID):
                continue
            for parameter in message.get("messageContent", ()):
                kind, octets = parameter["parameterValue"]
                if kind == "octetString":
                    return cls._of(per.decode(per.Type.TRAVERSAL_PARAMETERS, octets))
        return None

    @classmethod
    def _of(cls, value: Value) -> MediaTraversal:
        keep_alive = None
        if "keepAliveChannel" in value:
            keep_alive = KeepAlive(
                _ip_address(value["keepAliveChannel"]),
                value.get("keepAlivePayloadType", 127),
                value.get("keepAliveInterval", 0),
            )
        addresses = (value.get("multiplexedMediaChannel"), value.get("multiplexedMediaControlChannel"))
        media, control = (None if each is None else _ip_address(each) for each in addresses)
        return cls(media, control, value.get("multiplexID"), keep_alive)


def multiplexed(packet: bytes, multiplex_id: int) -> bytes:
    """A packet behind the number of its channel."""
    return multiplex_id.to_bytes(MULTIPLEX_BYTES, "big") + packet


def demultiplexed(datagram: bytes) -> tuple[int, bytes] | None:
    """Number and packet; None where nothing follows the number."""
    if len(datagram) <= MULTIPLEX_BYTES:
        return None
    return int.from_bytes(datagram[:MULTIPLEX_BYTES], "big"), datagram[MULTIPLEX_BYTES:]


def _h245_address(address: tuple[bytes, int]) -> tuple[str, Any]:
    network, port = address
    return ("unicastAddress", ("iPAddress", {"network": network, "tsapIdentifier": port}))


def _ip_address(value: tuple[str, Any]) -> tuple[bytes, int]:
    kind, address = value
    if kind != "unicastAddress" or address[0] != "iPAddress":
        raise MalformedPduError(f"traversal address of kind {kind}")
    return address[1]["network"], address[1]["tsapIdentifier"]
