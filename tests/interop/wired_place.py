"""A place at the far end of a wire: a namespace with one address, whose plug can be pulled."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from auth8021x.wire import mac_address
from tests.auth8021x.snooping.test_sightings import arp
from tests.interop.walls import Apart

GATEWAY_MAC = "02:00:00:d0:00:01"
"""Of the near end, where it matters."""


class Place(Apart):
    """What stands at the far end of a wire, with one address; whatever it wants it asks the near end for."""

    def __init__(self, wire: str, address: str, mac: str) -> None:
        super().__init__()
        self.wire, self.address, self.mac = wire, address, mac
        ip(f"link add {wire} type veth peer name eth0 netns {self.pid}")
        ip(f"link set {wire} addrgenmode none")
        ip(f"link set {wire} up")
        # A link-local address that comes up seconds later is a change of network to Chromium: it gives up loading.
        self.ip("link set eth0 addrgenmode none")
        self.ip(f"link set eth0 address {mac}")
        self.ip(f"addr add {address}/24 dev eth0")
        self.plug(True)

    def ip(self, command: str) -> None:
        """A command of iproute2 in there."""
        self.run("ip", *command.split())

    def plug(self, is_in: bool) -> None:
        """Pull the plug, or put it in; the kernel forgets routes with the line."""
        self.ip(f"link set eth0 {'up' if is_in else 'down'}")
        if is_in:
            self.ip(f"route replace default via {self._gateway}")

    def announce(self) -> None:
        """Say its address, as one does that asks for its neighbour (ARP)."""

        def bound() -> socket.socket:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            made.bind(("eth0", 0))
            return made

        mac = mac_address.parse(self.mac)
        with self.made(bound) as voice:
            voice.send(arp(self.address, mac=mac, source=mac))

    @contextmanager
    def knowing_its_gateway(self) -> Iterator[None]:
        """It sends without having to ask (ARP) first."""
        self.ip(f"neigh replace {self._gateway} lladdr {GATEWAY_MAC} dev eth0 nud permanent")
        try:
            yield
        finally:
            self.ip(f"neigh del {self._gateway} dev eth0")

    @contextmanager
    def posing_as(self, other: Place) -> Iterator[None]:
        """With the MAC and the address of another one."""
        self._is_now(other.mac, self.address, other.address)
        try:
            yield
        finally:
            self._is_now(self.mac, other.address, self.address)

    def _is_now(self, mac: str, before: str, address: str) -> None:
        self.ip(f"link set eth0 address {mac}")
        self.ip(f"addr del {before}/24 dev eth0")
        self.ip(f"addr add {address}/24 dev eth0")
        self.ip(f"route replace default via {self._gateway}")

    @property
    def _gateway(self) -> str:
        return self.address.rpartition(".")[0] + ".1"


def ip(command: str) -> None:
    """A command of iproute2 at the near end."""
    done = subprocess.run(["ip", *command.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {command}: {done.stderr}"
