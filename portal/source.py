"""Where a request comes from: the peer of the connection, or whom a trusted proxy names (RFC 7239, X-Forwarded-For)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from aiohttp import web
from multidict import MultiMapping

from config.portal import PortalSettings

_MAX_HOPS: Final = 32
# RFC 9110 5.6.2 and 5.6.4.
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = re.compile(rf'[ \t]*(?:({_WORD})=({_WORD}|"(?:[^"\\]|\\.)*"))?[ \t]*([;,]|\Z)')
# RFC 7239 6; a bare IPv6 address is only in X-Forwarded-For. Names ("unknown", "_hidden") are no address.
_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|([0-9.]+)(?::\d{1,5})?|([0-9A-Fa-f:.]+)")

Networks = Sequence[IPv4Network | IPv6Network]


@dataclass(frozen=True, slots=True)
class Source:
    """Who is at the other end."""

    address: str
    """Numeric, IPv4 in IPv6 unwrapped; "" where nobody knows."""
    is_secure: bool
    """It speaks TLS: with us, or with the outermost trusted proxy."""
    is_proxied: bool = False
    """The peer of the connection is a trusted proxy."""
    is_doubtful: bool = False
    """The proxy said something that nobody can understand: `address` is its own, and opens nothing."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """Which peers are believed, and in which header."""

    networks: Networks = ()
    header: str = "X-Forwarded-For"
    """Or "Forwarded". One alone: a proxy that writes one of them passes the other on as strangers wrote it."""

    @classmethod
    def of(cls, settings: PortalSettings) -> Proxies:
        """Those of the settings."""
        networks = tuple(ip_network(text, strict=False) for text in settings.trusted_proxies)
        return cls(networks, settings.forwarded_header)

    def are_trusted(self, address: str) -> bool:
        """Whether `address` is that of a trusted proxy."""
        return bool(address) and is_in(address, self.networks)


PROXIES: web.AppKey[Proxies] = web.AppKey("proxies", Proxies)
_SOURCE: web.RequestKey[Source] = web.RequestKey("source", Source)


def source_of(request: web.Request) -> Source:
    """The source of a request, found once."""
    if _SOURCE not in request:
        transport = request.transport
        peer = host_of(transport.get_extra_info("peername")) if transport is not None else ""
        proxies = request.app[PROXIES] if PROXIES in request.app else Proxies()
        request[_SOURCE] = find_source(peer, request.headers, proxies, is_tls=request.secure)
    return request[_SOURCE]


def find_source(peer: str, headers: MultiMapping[str], proxies: Proxies, *, is_tls: bool = False) -> Source:
    """Of the addresses that proxies named the right-most that is no trusted proxy's: everything left of it is hearsay.

    Where all are, the left-most. `is_tls`: the connection of `peer` with us.
    """
    if not proxies.are_trusted(peer):
        return Source(peer, is_tls)
    address, proto = peer, _last(headers.getall("X-Forwarded-Proto", []))
    try:
        for hop in _hops(headers, proxies.header):
            address = hop.address
            proto = hop.proto if proxies.header == "Forwarded" else proto
            if not proxies.are_trusted(address):
                break
    except ValueError:
        return Source(peer, is_secure=False, is_proxied=True, is_doubtful=True)
    return Source(address, is_secure=proto.lower() == "https", is_proxied=True)


def host_of(name: object) -> str:
    """The numeric address of a socket's name; "" where it has none."""
    return numeric(str(name[0])) if isinstance(name, tuple) and name else ""


def numeric(text: str) -> str:
    """A plain IP address without scope, IPv4 in IPv6 unwrapped; "" for anything else."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def is_in(address: str, networks: Networks) -> bool:
    """Whether a numeric address is in one of the networks."""
    parsed = ip_address(address)
    return any(parsed in network for network in networks)


@dataclass(frozen=True, slots=True)
class _Hop:
    address: str
    proto: str = ""


def _hops(headers: MultiMapping[str], header: str) -> Iterator[_Hop]:
    """Whom each proxy saw, the nearest proxy's word first. Raises ValueError."""
    text = ",".join(headers.getall(header, []))
    if not text.strip():
        return
    if header == "Forwarded":
        elements = [element for element in _elements(text) if element]
    else:
        elements = [{"for": part.strip()} for part in text.split(",") if part.strip()]
    if not 0 < len(elements) <= _MAX_HOPS:
        raise ValueError("no hop, or too many")
    for element in reversed(elements):
        yield _Hop(_node(element.get("for", "")), element.get("proto", ""))


def _elements(text: str) -> list[Mapping[str, str]]:
    """The list of RFC 7239 4: parameters by name, none twice in an element. Raises ValueError."""
    elements: list[dict[str, str]] = [{}]
    position, end = 0, ","
    while end:
        match = _PAIR.match(text, position)
        if match is None or (match[1] and match[1].lower() in elements[-1]):
            raise ValueError("not as RFC 7239 has it")
        if match[1]:
            elements[-1][match[1].lower()] = _unquoted(match[2])
        if match[3] == ",":
            elements.append({})
        position, end = match.end(), match[3]
    return list(elements)


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _node(text: str) -> str:
    match = _NODE.fullmatch(text)
    address = numeric(match[1] or match[2] or match[3]) if match else ""
    if not address:
        raise ValueError("no address")
    return address


def _last(values: Sequence[str]) -> str:
    return values[-1].rpartition(",")[2].strip() if values else ""
