"""Settings of our own ports: which interfaces they are, what keeps terminals out, and the networks behind them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

import msgspec

Interface = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,14}\Z")]
"""The name of an interface, with nothing in it that the programs of the kernel read as something else."""
Driver = Literal["bridge", "nftables"]


class PortSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An interface that terminals are connected to, directly or through a hub."""

    interface: Interface
    bridge: Interface
    """The bridge that it belongs to unless a terminal's VLAN says otherwise."""
    site: Annotated[str, msgspec.Meta(pattern=r"\A([a-z0-9][a-z0-9-]{0,31})?\Z")] = ""
    """The site of its terminals; "" where there is but one."""


class NetworkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A VLAN as RADIUS servers call it (Tunnel-Private-Group-ID)."""

    vlan: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    """Its number, or its name."""
    bridge: Interface
    """The bridge that is this network here."""


class EnforcementSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Enforcement: what lets the traffic of terminals through, and of nobody else."""

    drivers: tuple[Driver, ...] = ()
    """None: everything passes, whatever 802.1X says. "bridge": ports of a Linux bridge are locked. "nftables": frames
    are checked for port, MAC and address; alone it knows no VLANs, beside "bridge" it closes by itself when we die."""
    ports: Annotated[tuple[PortSettings, ...], msgspec.Meta(max_length=512)] = ()
    """Each a table [[dot1x.enforcement.ports]]; its place in the file is its NAS-Port, from 1."""
    networks: Annotated[tuple[NetworkSettings, ...], msgspec.Meta(max_length=4096)] = ()
    """Each a table [[dot1x.enforcement.networks]]. A terminal of a VLAN that is not here is not let in."""
    timeout_s: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 15
    """nftables: who is in is out after this time unless we say it again, which happens three times as often."""
    retry_s: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 1.0
    """What could not be done is tried again after this time."""
    patience_s: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 5.0
    """A program of the kernel (ip, bridge, nft) that runs for longer is ended."""
    checks_addresses: bool = True
    """nftables: a terminal may send only from the IPv4 addresses that were seen of it (ARP, DHCP), and no IPv6."""
    max_addresses: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    """Of one terminal; past it the one seen longest ago goes."""

    def __post_init__(self) -> None:
        if self.drivers and not self.ports:
            raise ValueError("enforcement: drivers need ports")
        names = [port.interface for port in self.ports]
        bridges = {port.bridge for port in self.ports} | {network.bridge for network in self.networks}
        for kind, found in (
            ("drivers", self.drivers), ("ports", names), ("networks", [each.vlan for each in self.networks]),
        ):  # fmt: skip
            if len(set(found)) != len(found):
                raise ValueError(f"enforcement.{kind}: one is there twice")
        if bridges & set(names):
            raise ValueError("enforcement: a port cannot be a bridge, too")
        if self.drivers == ("nftables",) and len(bridges) > 1:
            raise ValueError('enforcement: several bridges need the driver "bridge"')


def site_of(port: PortSettings, sites: Collection[str]) -> str:
    """The site of a port's terminals. Raises ValueError where it cannot be told."""
    if not sites:
        raise ValueError("enforcement.ports: their terminals need a site: add one, [[dot1x.sites]]")
    if not port.site and len(sites) > 1:
        raise ValueError(f"enforcement.ports: {port.interface}: there are several sites; name one")
    if port.site and port.site not in sites:
        raise ValueError(f"enforcement.ports: {port.interface}: there is no site {port.site}")
    return port.site or next(iter(sites))
