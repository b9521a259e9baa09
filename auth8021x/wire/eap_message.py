"""EAP packets in RADIUS: cut into attributes and put together again (RFC 3579 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import eap
from auth8021x.wire.attribute import MAX_VALUE_BYTES, Attribute
from auth8021x.wire.dictionary import Type
from auth8021x.wire.eap import Eap

_EAP_MESSAGE: Final = int(Type.EAP_MESSAGE)


def split(packet: bytes) -> tuple[Attribute, ...]:
    """An EAP packet as attributes of at most 253 octets."""
    if len(packet) <= MAX_VALUE_BYTES:
        return (Attribute(Type.EAP_MESSAGE, packet),)
    starts = range(0, len(packet), MAX_VALUE_BYTES)
    return tuple(Attribute(Type.EAP_MESSAGE, packet[start : start + MAX_VALUE_BYTES]) for start in starts)


def join(attributes: Sequence[Attribute]) -> Eap | None:
    """The EAP packet of a RADIUS packet, None where there is none. Raises MalformedPacketError."""
    places = [place for place, each in enumerate(attributes) if each.type == _EAP_MESSAGE]
    if not places:
        return None
    if places[-1] - places[0] != len(places) - 1:
        raise MalformedPacketError("RADIUS: EAP-Message attributes that do not follow one another")
    joined = b"".join([attributes[place].value for place in places])
    found = eap.parse(joined)
    if found.size != len(joined):
        raise MalformedPacketError("RADIUS: something follows the EAP packet")
    return found
