"""H.245 TransportAddress (B.3.1) as pairs of address and port."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from typing import Any

from signaling.h323.h245.logical_channel import Address


def write(address: Address) -> tuple[str, Any]:
    """A unicast TransportAddress. Raises ValueError for what is no numeric address: a fault of the caller."""
    host = ip_address(address[0])
    kind = "iPAddress" if isinstance(host, IPv4Address) else "iP6Address"
    return ("unicastAddress", (kind, {"network": host.packed, "tsapIdentifier": address[1]}))


def read(value: Any) -> Address | None:
    """None for what we cannot send to: multicast, other networks, source routes, no address."""
    if value is None or value[0] != "unicastAddress":
        return None
    kind, content = value[1]
    if kind not in ("iPAddress", "iP6Address"):
        return None
    host = ip_address(content["network"])
    mapped = getattr(host, "ipv4_mapped", None)
    return (str(mapped or host), content["tsapIdentifier"])
