"""Where a request says that its terminal is: which switch and which port (RFC 2865 5.4, 5.32; RFC 2869 5.17). Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

import msgspec

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import attribute
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Type


class Place(msgspec.Struct, frozen=True, gc=False):
    """For people; what a switch does not say is empty."""

    switch: str = ""
    """Its name, else its address."""
    port: str = ""
    """NAS-Port-Id, else the number of NAS-Port."""


UNPLACED: Final = Place()


def place_of(attributes: Sequence[Attribute]) -> Place:
    """The place that an Access-Request names."""
    return Place(
        attribute.first_text(attributes, Type.NAS_IDENTIFIER) or _address(attributes),
        attribute.first_text(attributes, Type.NAS_PORT_ID) or _number(attributes),
    )


def _address(attributes: Sequence[Attribute]) -> str:
    for kind, size in ((Type.NAS_IP_ADDRESS, 4), (Type.NAS_IPV6_ADDRESS, 16)):
        packed = attribute.first(attributes, kind)
        if packed is not None and len(packed) == size:
            return str(ipaddress.ip_address(packed))
    return ""


def _number(attributes: Sequence[Attribute]) -> str:
    try:
        number = attribute.first_number(attributes, Type.NAS_PORT)
    except MalformedPacketError:
        return ""
    return "" if number is None else str(number)
