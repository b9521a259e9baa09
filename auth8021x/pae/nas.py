"""How we and our ports call ourselves towards RADIUS servers (RFC 3580 3)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from auth8021x.radius.request import Place
from auth8021x.wire import attribute, mac_address
from auth8021x.wire.attribute import MAX_VALUE_BYTES, Attribute
from auth8021x.wire.dictionary import NasPortType, ServiceType, Type

FRAMED_MTU: Final = 1400
"""The server cuts EAP packets so that they fit into Ethernet frames (RFC 3580 3.10)."""
_FOR_EAP: Final = (
    attribute.number(Type.SERVICE_TYPE, ServiceType.FRAMED), attribute.number(Type.FRAMED_MTU, FRAMED_MTU)
)  # fmt: skip
_REMEMBERED: Final = 1024
"""Terminals whose attributes are kept: each login asks for them a dozen times."""


def machine(nas_identifier: str, nas_address: str) -> tuple[Attribute, ...]:
    """How this machine calls itself, whichever port is meant; no address where it is ""."""
    address = (attribute.nas_address(nas_address),) if nas_address else ()
    return (attribute.text(Type.NAS_IDENTIFIER, nas_identifier), *address)


class NasPort(msgspec.Struct, frozen=True, gc=False):
    """One port of an authenticator."""

    nas_identifier: str
    nas_address: str
    """"" sends none."""
    number: int
    name: str
    mac: bytes

    def attributes(self, terminal: bytes) -> tuple[Attribute, ...]:
        """Who and where: in every request about a terminal on this port."""
        return _attributes(self, terminal)

    def place(self, terminal: bytes) -> Place:
        """The same in an Access-Request that carries EAP."""
        return _place(self, terminal)

    def for_eap(self, terminal: bytes, identity: bytes) -> tuple[Attribute, ...]:
        """An Access-Request that carries EAP, without the EAP (RFC 3579 3.3)."""
        return (user_name(terminal, identity), *self.place(terminal).attributes)

    def for_bypass(self, terminal: bytes) -> tuple[Attribute, ...]:
        """An Access-Request for a terminal that is known by its address alone (RFC 3580 3.5: Call-Check)."""
        return (
            attribute.text(Type.USER_NAME, mac_address.user_name(terminal)),
            attribute.number(Type.SERVICE_TYPE, ServiceType.CALL_CHECK),
            *self.attributes(terminal),
        )


def user_name(terminal: bytes, identity: bytes) -> Attribute:
    """User-Name of a terminal that speaks EAP: what it calls itself, else its address (RFC 3579 2.1)."""
    return Attribute(Type.USER_NAME, (identity or mac_address.user_name(terminal).encode())[:MAX_VALUE_BYTES])


@lru_cache(_REMEMBERED)
def _place(port: NasPort, terminal: bytes) -> Place:
    return Place.of((*_FOR_EAP, *port.attributes(terminal)))


@lru_cache(_REMEMBERED)
def _attributes(port: NasPort, terminal: bytes) -> tuple[Attribute, ...]:
    return (
        *machine(port.nas_identifier, port.nas_address),
        attribute.number(Type.NAS_PORT, port.number),
        attribute.text(Type.NAS_PORT_ID, port.name),
        attribute.number(Type.NAS_PORT_TYPE, NasPortType.ETHERNET),
        attribute.text(Type.CALLED_STATION_ID, mac_address.station_id(port.mac)),
        attribute.text(Type.CALLING_STATION_ID, mac_address.station_id(terminal)),
    )
