"""TransportAddress (H.225.0 7.6): IPv4 and IPv6 addresses with a port, to and from pycrate's values."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

Address = tuple[str, int]
"""A numeric address and a port, as sockets have it."""


def parse(value: Any) -> Address | None:
    """The address, None for one that is no unicast IP address with a port."""
    match value:
        case ("ipAddress" | "ip6Address", {"ip": octets, "port": port}) if port:
            address = ipaddress.ip_address(octets)
            if address.is_unspecified or address.is_multicast:
                return None
            return str(address), port
        case _:
            return None


def parse_all(values: Iterable[Any]) -> Iterator[Address]:
    """Those that can be used."""
    return (address for address in map(parse, values) if address is not None)


def value_of(address: Address) -> Any:
    """For pycrate. Raises ValueError for a host name: a fault of the caller."""
    host, port = address
    parsed = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return ("ipAddress", {"ip": parsed.packed, "port": port})
    if parsed.ipv4_mapped is not None:
        return ("ipAddress", {"ip": parsed.ipv4_mapped.packed, "port": port})
    return ("ip6Address", {"ip": parsed.packed, "port": port})


def reachable(claimed: Address | None, source: Address) -> Address:
    """Where an answer goes: what the sender wrote, but never to another host than the one it wrote from.

    Whoever could name any host would have us send to it; behind a NAT what a terminal writes leads nowhere.
    """
    return claimed if claimed is not None and claimed[0] == source[0] else source
