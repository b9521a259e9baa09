"""What an end says of one channel so that its media pass firewalls: TraversalParameters of H.460.19.

They travel as genericInformation of openLogicalChannel and its acknowledgement (H.460.19 7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from signaling.h323 import per
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245 import generic_message, transport_address
from signaling.h323.h245.logical_channel import Address

KEEP_ALIVE_PAYLOAD_TYPE = 127
"""Of empty packets, where an end does not say another."""
_OID = (0, 0, 8, 460, 19, 0, 1)
_TRAVERSAL_PARAMETERS = 1

Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MediaTraversal:
    """What is said of one channel; what is not said is None."""

    media: Address | None = None
    """Where multiplexed RTP goes: whoever takes a channel says it."""
    control: Address | None = None
    """Where multiplexed RTCP goes."""
    multiplex_id: int | None = None
    """In front of each packet that goes to `media` and `control`."""
    keep_alive: Address | None = None
    """Where the other end is to send empty RTP packets, so that its firewall stays open."""
    keep_alive_payload_type: int | None = None
    """Which payload type those of its own have."""
    keep_alive_s: int | None = None
    """How often."""

    def generic_information(self) -> dict[str, Any]:
        """One item of genericInformation."""
        value: dict[str, Any] = {
            "multiplexedMediaChannel": self.media and transport_address.write(self.media),
            "multiplexedMediaControlChannel": self.control and transport_address.write(self.control),
            "multiplexID": self.multiplex_id,
            "keepAliveChannel": self.keep_alive and transport_address.write(self.keep_alive),
            "keepAlivePayloadType": self.keep_alive_payload_type,
            "keepAliveInterval": self.keep_alive_s,
        }
        told = {name: part for name, part in value.items() if part is not None}
        octets = per.encode(per.Type.TRAVERSAL_PARAMETERS, told)
        return {
            "messageIdentifier": generic_message.identifier(_OID),
            "messageContent": [generic_message.parameter(_TRAVERSAL_PARAMETERS, "octetString", octets)],
        }

    @classmethod
    def find(cls, generic_information: Iterable[Value]) -> MediaTraversal | None:
        """What the peer says of a channel; None where it says nothing. Raises MalformedPduError."""
        for message in generic_information:
            if generic_message.oid_of(message["messageIdentifier"]) != _OID:
                continue
            for each in message.get("messageContent", ()):
                kind, octets = each["parameterValue"]
                if each["parameterIdentifier"] == ("standard", _TRAVERSAL_PARAMETERS) and kind == "octetString":
                    return cls._of(per.decode(per.Type.TRAVERSAL_PARAMETERS, octets))
        return None

    @classmethod
    def _of(cls, value: Value) -> MediaTraversal:
        return cls(
            _address(value.get("multiplexedMediaChannel")),
            _address(value.get("multiplexedMediaControlChannel")),
            value.get("multiplexID"),
            _address(value.get("keepAliveChannel")),
            value.get("keepAlivePayloadType"),
            value.get("keepAliveInterval"),
        )


def _address(value: Any) -> Address | None:
    found = transport_address.read(value)
    if value is not None and found is None:
        raise MalformedPduError("traversal address that nothing can be sent to")
    return found
