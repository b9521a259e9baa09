"""Who is in, where, and from which addresses: what the drivers have to bring about (IEEE 802.1X-2004 6.3). Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from auth8021x.pae.grant import Grant
from config.dot1x_enforcement import EnforcementSettings

_MAX_SEEN_PER_PORT: Final = 64
"""Terminals that are not in and whose addresses are remembered all the same, for when they are."""


class KeptOut(Enum):
    """Why a terminal that has a grant is not in."""

    UNKNOWN_PORT = "unknown-port"
    UNKNOWN_VLAN = "unknown-vlan"
    OTHER_VLAN = "other-vlan"
    """The port is in the network of another terminal: one port has one network."""
    NO_NETWORK = "no-network"
    """The port could not be put into the bridge of its VLAN."""
    OUR_ADDRESS = "our-address"
    """It has the MAC address of this machine."""
    ELSEWHERE = "elsewhere"
    """It was admitted at another port since."""


@dataclass(frozen=True, slots=True)
class PortPlan:
    """How one port is to be; the tuples are sorted."""

    name: str
    bridge: str
    terminals: tuple[bytes, ...] = ()
    addresses: tuple[tuple[bytes, str], ...] = ()
    """IPv4 addresses of the terminals."""


Plan = tuple[PortPlan, ...]


@dataclass(slots=True)
class _Place:
    """A port. Dictionaries keep their order: who came first decides."""

    bridge: str
    admitted: dict[bytes, tuple[int, str]] = field(default_factory=dict)
    """Rank and bridge of each terminal."""
    seen: dict[bytes, dict[str, None]] = field(default_factory=dict)
    """Addresses of terminals, also of those that are not in: a terminal that is back says them again only when its
    ARP cache is old."""

    def network(self) -> str:
        """Where the port belongs now: who is known best decides, then who came first.

        A guest on a hub does not keep a terminal that has proved who it is out of its network.
        """
        return min(self.admitted.values(), key=lambda found: found[0], default=(0, self.bridge))[1]


class Openings:
    """All ports. One MAC address is in at one port: where it was admitted last."""

    def __init__(self, settings: EnforcementSettings) -> None:
        self.counters: Counter[str] = Counter()
        self._settings = settings
        self._networks = {network.vlan: network.bridge for network in settings.networks}
        self._places = {port.interface: _Place(port.bridge) for port in settings.ports}

    def admit(self, port: str, mac: bytes, grant: Grant) -> KeptOut | None:
        """Let a terminal in, or change what it is let into; None, or why it is not in."""
        place = self._places.get(port)
        if place is None:
            return self._kept_out(KeptOut.UNKNOWN_PORT)
        bridge = self.bridge_for(port, grant)
        if bridge is None:
            place.admitted.pop(mac, None)
            return self._kept_out(KeptOut.UNKNOWN_VLAN)
        for other in self._places.values():
            if other is not place and other.admitted.pop(mac, None) is not None:
                self.counters["moved"] += 1
        place.admitted[mac] = (grant.by.rank, bridge)
        return None if place.network() == bridge else self._kept_out(KeptOut.OTHER_VLAN)

    def why_not(self, port: str, mac: bytes, grant: Grant) -> KeptOut | None:
        """Why a terminal would not be in with this grant, asked before it is told that it is; None where it would."""
        place = self._places.get(port)
        if place is None:
            return KeptOut.UNKNOWN_PORT
        bridge = self.bridge_for(port, grant)
        if bridge is None:
            return KeptOut.UNKNOWN_VLAN
        others = replace(place, admitted={**place.admitted, mac: (grant.by.rank, bridge)})
        return None if others.network() == bridge else KeptOut.OTHER_VLAN

    def displaced(self, port: str) -> list[bytes]:
        """Who was admitted at a port and is not in, since the port is in the network of another terminal now."""
        place = self._places.get(port)
        if place is None:
            return []
        network = place.network()
        return [mac for mac, (_, bridge) in place.admitted.items() if bridge != network]

    def bridge_for(self, port: str, grant: Grant) -> str | None:
        """Where a grant leads to from a port; None where that is not known here."""
        place = self._places.get(port)
        if place is None:
            return None
        return self._networks.get(grant.vlan) if grant.vlan else place.bridge

    def why_out(self, port: str, mac: bytes) -> KeptOut | None:
        """Why a terminal that was admitted at a port is not in there now; None where it is."""
        place = self._places.get(port)
        if place is None:
            return KeptOut.UNKNOWN_PORT
        found = place.admitted.get(mac)
        if found is not None:
            return None if place.network() == found[1] else KeptOut.OTHER_VLAN
        is_elsewhere = any(mac in other.admitted for other in self._places.values())
        return KeptOut.ELSEWHERE if is_elsewhere else KeptOut.UNKNOWN_VLAN

    def has_vlan(self, vlan: str) -> bool:
        """Whether a terminal can be let into a VLAN here."""
        return vlan in self._networks

    def network(self, port: str) -> str:
        """The bridge that a port belongs to now; "" where there is no such port."""
        place = self._places.get(port)
        return "" if place is None else place.network()

    def expel(self, port: str, mac: bytes) -> None:
        """Let it in no longer."""
        place = self._places.get(port)
        if place is not None:
            place.admitted.pop(mac, None)

    def address(self, port: str, mac: bytes, address: str) -> bool:
        """A terminal was seen with an IPv4 address; whether that changes what may pass."""
        place = self._places.get(port)
        if place is None or ":" in address:
            return False
        known = place.seen.pop(mac, {})
        is_new = address not in known
        known.pop(address, None)
        known[address] = None
        if len(known) > self._settings.max_addresses:
            del known[next(iter(known))]
            self.counters["too-many-addresses"] += 1
        place.seen[mac] = known
        self._forget(place)
        return is_new and mac in place.admitted

    def lose_address(self, port: str, mac: bytes, address: str) -> bool:
        """Another terminal has it now; whether that changes what may pass."""
        place = self._places.get(port)
        if place is None or address not in place.seen.get(mac, {}):
            return False
        del place.seen[mac][address]
        return mac in place.admitted

    def line_lost(self, port: str) -> None:
        """Whoever was there may be gone: nobody is in, nothing is remembered."""
        place = self._places.get(port)
        if place is not None:
            place.admitted.clear()
            place.seen.clear()

    def clear(self) -> None:
        """Nobody is in anywhere."""
        for name in self._places:
            self.line_lost(name)

    def plan(self) -> Plan:
        """How all ports are to be."""
        return tuple(self._planned(name, place) for name, place in self._places.items())

    def _planned(self, name: str, place: _Place) -> PortPlan:
        network = place.network()
        terminals = sorted(mac for mac, (_, bridge) in place.admitted.items() if bridge == network)
        addresses = sorted((mac, address) for mac in terminals for address in place.seen.get(mac, ()))
        return PortPlan(name, network, tuple(terminals), tuple(addresses))

    def _forget(self, place: _Place) -> None:
        strangers = [mac for mac in place.seen if mac not in place.admitted]
        for mac in strangers[: max(0, len(strangers) - _MAX_SEEN_PER_PORT)]:
            del place.seen[mac]
            self.counters["forgotten"] += 1

    def _kept_out(self, why: KeptOut) -> KeptOut:
        self.counters[why.value] += 1
        return why
