"""Networks of sites: which one an address is in. Ranges may repeat, so that an address alone says little. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

from auth8021x.errors import MalformedPacketError
from auth8021x.wire import mac_address
from config.dot1x_sites import DeviceSettings, SiteSettings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
T = TypeVar("T")
_REMEMBERED = 256
"""Addresses whose network is kept: switches, which come again and again."""


def address_of(text: str) -> Address | None:
    """An address however a socket or a switch writes it, without zone; None for none, and for those of nobody."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0].strip())
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return None if found.is_unspecified or found.is_multicast or str(found) == "255.255.255.255" else found


class Networks:
    """A list of CIDR."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: list[Network] = [ipaddress.ip_network(each) for each in networks]

    def __contains__(self, address: object) -> bool:
        return address is not None and any(address in each for each in self._networks)

    def length(self, address: Address) -> int:
        """Bits of the narrowest network that holds it; -1 for none."""
        return max((each.prefixlen for each in self._networks if address in each), default=-1)


class ByNetwork(Generic[T]):
    """What belongs to networks: of several that hold an address the narrowest counts.

    One look for each length of network there is: sources can be invented, and many of them must not cost much.
    """

    def __init__(self, entries: Iterable[tuple[Iterable[str], T]]) -> None:
        self._tables: dict[tuple[int, int], dict[int, T]] = {}
        """By version of IP and length; in each the leading bits."""
        for networks, each in entries:
            for network in map(ipaddress.ip_network, networks):
                table = self._tables.setdefault((network.version, network.prefixlen), {})
                table.setdefault(_leading(network.network_address, network.prefixlen), each)
        self._lengths = sorted(self._tables, reverse=True)
        self._found = lru_cache(_REMEMBERED)(self._look_up)

    def find(self, source: str) -> T | None:
        """What belongs to an address, however it is written."""
        return self._found(source)

    def _look_up(self, source: str) -> T | None:
        address = address_of(source)
        if address is None:
            return None
        for version, length in self._lengths:
            if version == address.version:
                found = self._tables[version, length].get(_leading(address, length))
                if found is not None:
                    return found
        return None


@dataclass(frozen=True, slots=True)
class Device:
    """See config.dot1x_sites.DeviceSettings; names are folded."""

    mac: bytes
    identity: str
    aliases: frozenset[str]
    addresses: tuple[str, ...]

    def fits(self, mac: bytes, identity: str) -> bool:
        """Whether a session is this device's."""
        return self.mac in (b"", mac) and self.identity in ("", identity.casefold())


@dataclass(frozen=True, slots=True)
class Site:
    """One site, ready to be asked."""

    settings: SiteSettings
    networks: Networks = field(repr=False)
    exempt: Networks = field(repr=False)
    arrives_at: frozenset[Address | None] = field(repr=False)
    """Addresses of ours; none: any."""
    devices: Mapping[bytes | str, Sequence[Device]] = field(repr=False)
    """By MAC, and by identity those that have none: there may be thousands."""

    @property
    def name(self) -> str:
        """Its name in settings, sessions and logs."""
        return self.settings.name

    def aliases(self, mac: bytes, identity: str) -> frozenset[str]:
        """Names that the settings give to a device beside its own, folded."""
        known = (*self.devices.get(mac, ()), *self.devices.get(identity.casefold(), ()))
        return frozenset().union(*(each.aliases for each in known if each.fits(mac, identity)))

    def static_addresses(self, mac: bytes) -> list[str]:
        """Addresses that the settings give to a MAC."""
        return [address for each in self.devices.get(mac, ()) for address in each.addresses]


class Sites:
    """All of them."""

    def __init__(self, settings: Sequence[SiteSettings] = ()) -> None:
        self._sites = {each.name: _site(each) for each in settings}

    def get(self, name: str) -> Site | None:
        """The site of this name."""
        return self._sites.get(name)

    def find(self, source: str, local: str = "") -> Site | None:
        """Where somebody calls from who came in at our address `local`: the narrowest network that fits."""
        address, ours = address_of(source), address_of(local)
        if address is None:
            return None
        best, rank = None, (False, -1)
        for site in self._sites.values():
            is_told_apart = bool(site.arrives_at)
            if is_told_apart and (ours is None or ours not in site.arrives_at):
                continue
            found = (is_told_apart, site.networks.length(address))
            if found[1] >= 0 and found > rank:
                best, rank = site, found
        return best

    def holds(self, name: str, address: Address) -> bool:
        """Whether an address can be one of that site."""
        site = self._sites.get(name)
        return site is not None and address in site.networks


def _leading(address: Address, length: int) -> int:
    return int(address) >> (address.max_prefixlen - length)


def _site(settings: SiteSettings) -> Site:
    devices: dict[bytes | str, list[Device]] = {}
    for device in map(_device, settings.devices):
        devices.setdefault(device.mac or device.identity, []).append(device)
    ours = frozenset(map(address_of, settings.arrives_at))
    return Site(settings, Networks(settings.networks), Networks(settings.exempt), ours, devices)


def _device(settings: DeviceSettings) -> Device:
    try:
        mac = mac_address.parse(settings.mac) if settings.mac else b""
    except MalformedPacketError:
        raise ValueError(f"devices: {settings.mac} is no MAC address") from None
    aliases = frozenset(each.casefold() for each in settings.aliases)
    return Device(mac, settings.identity.casefold(), aliases, settings.addresses)
