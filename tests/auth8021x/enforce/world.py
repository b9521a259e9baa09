"""Ports, terminals and a model of what the kernel keeps of what it is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from auth8021x.enforce.plan import Openings
from auth8021x.errors import EnforcementError
from auth8021x.pae.grant import By, Grant
from config.dot1x_enforcement import EnforcementSettings, NetworkSettings, PortSettings

ONE, TWO, THREE = (bytes.fromhex(f"020000aa000{number}") for number in (1, 2, 3))
PORTS = (PortSettings("p1", "br0"), PortSettings("p2", "br0"))
NETWORKS = (NetworkSettings("42", "br42"), NetworkSettings("guests", "br99"), NetworkSettings("common", "br0"))


def settings(*drivers: str, **others: object) -> EnforcementSettings:
    return EnforcementSettings(drivers=drivers, ports=PORTS, networks=NETWORKS, **others)  # type: ignore[arg-type]


def grant(vlan: str = "", by: By = By.EAP) -> Grant:
    return Grant("vt1", by, vlan)


def openings(**others: object) -> Openings:
    return Openings(settings(**others))


@dataclass
class Kernel:
    """Stands for the programs: remembers what they were given, and what the kernel would keep of it."""

    entries: set[tuple[str, str]] = field(default_factory=set)
    """Static entries: port and MAC."""
    bridges: dict[str, str] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)
    said: list[tuple[str, list[str]]] = field(default_factory=list)
    broken: str = ""
    """A program that fails, after it has done what it can."""
    missing: set[str] = field(default_factory=set)
    """Bridges that are not there."""
    blind: bool = False
    """It does not say where ports are."""

    async def __call__(self, command: Sequence[str], text: str, patience_s: float) -> bytes:
        lines = text.splitlines()
        self.said.append((command[0], lines))
        if command[:3] == ("bridge", "-json", "fdb"):
            return self.shown()
        if command[:3] == ("bridge", "-json", "link"):
            return self._links()
        is_short = False
        for line in lines if command[0] != "nft" else []:
            if any(bridge in line.split() for bridge in self.missing):
                is_short = True
            else:
                self._line(line.split())
        if command[0] == self.broken or is_short:
            raise EnforcementError(f"{command[0]}: no such device")
        return b""

    def _links(self) -> bytes:
        if self.blind:
            raise EnforcementError("bridge: took over 5 s")
        return json.dumps([{"ifname": port, "master": bridge} for port, bridge in self.bridges.items()]).encode()

    def shown(self) -> bytes:
        """As iproute2 6.1 writes it, the port's own address and a learned one among them."""
        found = [
            {"mac": mac, "ifname": port, "flags": [], "master": "br0", "state": "static"} for port, mac in self.entries
        ]
        found += [
            {"mac": "02:00:00:00:ff:01", "ifname": "p1", "flags": [], "master": "br0", "state": "permanent"},
            {"mac": "33:33:00:00:00:01", "ifname": "p1", "flags": ["self"], "state": "permanent"},
            {"mac": "02:00:00:00:cc:01", "ifname": "up0", "flags": [], "master": "br0", "state": ""},
        ]
        return json.dumps(found).encode()

    def _line(self, words: list[str]) -> None:
        if words[:2] == ["fdb", "replace"]:
            self.entries.add((words[4], words[2]))
        elif words[:2] == ["fdb", "del"]:
            self.entries.remove((words[4], words[2]))
        elif "master" in words:
            name, bridge = words[3], words[5]
            if self.bridges.get(name) != bridge:  # who joins a bridge is open, and has no entries
                self.locked.discard(name)
                self.entries = {entry for entry in self.entries if entry[0] != name}
            self.bridges[name] = bridge
        elif "locked" in words:
            assert words[words.index("learning") + 1] == "off"
            self.locked.add(words[3])
