"""How we and our ports call ourselves towards RADIUS servers (RFC 3580 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from auth8021x.wire import attribute, mac_address
from auth8021x.wire.attribute import MAX_VALUE_BYTES, Attribute
from auth8021x.wire.dictionary import NasPortType, ServiceType, Type

FRAMED_MTU: Final = 1400
"""The server cuts EAP packets so that they fit into Ethernet frames (RFC 3580 3.10)."""


@dataclass(frozen=True, slots=True)
class NasPort:
    """One port of an authenticator."""

    nas_identifier: str
    nas_address: str
    """"" sends none."""
    number: int
    name: str
    mac: bytes

    def attributes(self, terminal: bytes) -> tuple[Attribute, ...]:
        """Who and where: in every request about a terminal on this port."""
        address = (attribute.nas_address(self.nas_address),) if self.nas_address else ()
        return (
            attribute.text(Type.NAS_IDENTIFIER, self.nas_identifier),
            *address,
            attribute.number(Type.NAS_PORT, self.number),
            attribute.text(Type.NAS_PORT_ID, self.name),
            attribute.number(Type.NAS_PORT_TYPE, NasPortType.ETHERNET),
            attribute.text(Type.CALLED_STATION_ID, mac_address.station_id(self.mac)),
            attribute.text(Type.CALLING_STATION_ID, mac_address.station_id(terminal)),
        )

    def for_eap(self, terminal: bytes, identity: bytes) -> tuple[Attribute, ...]:
        """An Access-Request that carries EAP, without the EAP (RFC 3579 3.3)."""
        return (
            Attribute(Type.USER_NAME, (identity or mac_address.user_name(terminal).encode())[:MAX_VALUE_BYTES]),
            attribute.number(Type.SERVICE_TYPE, ServiceType.FRAMED),
            attribute.number(Type.FRAMED_MTU, FRAMED_MTU),
            *self.attributes(terminal),
        )

    def for_bypass(self, terminal: bytes) -> tuple[Attribute, ...]:
        """An Access-Request for a terminal that is known by its address alone (RFC 3580 3.5: Call-Check)."""
        return (
            attribute.text(Type.USER_NAME, mac_address.user_name(terminal)),
            attribute.number(Type.SERVICE_TYPE, ServiceType.CALL_CHECK),
            *self.attributes(terminal),
        )
