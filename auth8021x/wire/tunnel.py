"""Tunnel attributes with tags (RFC 2868), as far as they name a VLAN (RFC 3580 3.31)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from auth8021x.errors import MalformedPacketError
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import TunnelMediumType, TunnelType, Type

MAX_TAG: Final = 0x1F
"""A first octet beyond it is no tag but the text's first character (RFC 2868 3.6)."""
_NO_PREFERENCE: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The attributes of one tag."""

    tag: int
    type: int | None = None
    medium: int | None = None
    private_group: str = ""
    preference: int = _NO_PREFERENCE

    @property
    def is_vlan(self) -> bool:
        """Whether it names a VLAN: all three attributes are there (RFC 3580 3.31)."""
        return self.type == TunnelType.VLAN and self.medium == TunnelMediumType.IEEE_802 and bool(self.private_group)


def tunnels(attributes: Iterable[Attribute]) -> tuple[Tunnel, ...]:
    """All tunnels of a packet, the preferred first (RFC 2868 3.8). Raises MalformedPacketError."""
    found: dict[int, dict[str, int | str]] = {}
    for each in attributes:
        if each.type not in TYPES:
            continue
        if each.type == Type.TUNNEL_PRIVATE_GROUP_ID:
            tag, group = _tagged_text(each.value)
            found.setdefault(tag, {}).setdefault("private_group", group)
        else:
            tag, value = _tagged_number(each.value)
            found.setdefault(tag, {}).setdefault(_NUMBERS[each.type], value)
    if not found:
        return ()
    made = [Tunnel(tag, **fields) for tag, fields in found.items()]  # type: ignore[arg-type]
    return tuple(sorted(made, key=lambda tunnel: (tunnel.preference, tunnel.tag)))


def vlan(attributes: Iterable[Attribute]) -> str:
    """The VLAN (number or name) that a packet puts a terminal into, "" for none. Raises MalformedPacketError.

    Attributes that name half a VLAN are an error: who is meant to be kept apart must not end up in the common network.
    """
    found = tunnels(attributes)
    for tunnel in found:
        if tunnel.is_vlan:
            return tunnel.private_group
    if any(tunnel.type in (None, TunnelType.VLAN) for tunnel in found):
        raise MalformedPacketError("RADIUS: tunnel attributes that name no whole VLAN")
    return ""


def vlan_attributes(name: str, tag: int = 0) -> tuple[Attribute, ...]:
    """The three attributes that name a VLAN."""
    group = name.encode()
    return (
        Attribute(Type.TUNNEL_TYPE, bytes((tag,)) + TunnelType.VLAN.to_bytes(3, "big")),
        Attribute(Type.TUNNEL_MEDIUM_TYPE, bytes((tag,)) + TunnelMediumType.IEEE_802.to_bytes(3, "big")),
        Attribute(Type.TUNNEL_PRIVATE_GROUP_ID, bytes((tag,)) + group if tag else group),
    )


def _tagged_number(value: bytes) -> tuple[int, int]:
    if len(value) != 4 or value[0] > MAX_TAG:
        raise MalformedPacketError("RADIUS: a tunnel attribute is no tagged number")
    return value[0], int.from_bytes(value[1:], "big")


def _tagged_text(value: bytes) -> tuple[int, str]:
    has_tag = bool(value) and value[0] <= MAX_TAG
    try:
        text = (value[1:] if has_tag else value).rstrip(b"\0").decode()
    except UnicodeDecodeError:
        raise MalformedPacketError("RADIUS: Tunnel-Private-Group-ID is no text") from None
    if not text or not text.isprintable():
        raise MalformedPacketError("RADIUS: Tunnel-Private-Group-ID is no text")
    return value[0] if has_tag else 0, text


_NUMBERS: Final[dict[int, str]] = {
    Type.TUNNEL_TYPE: "type",
    Type.TUNNEL_MEDIUM_TYPE: "medium",
    Type.TUNNEL_PREFERENCE: "preference",
}
TYPES: Final = frozenset({*_NUMBERS, Type.TUNNEL_PRIVATE_GROUP_ID})
"""Attributes that tunnels are made of."""
