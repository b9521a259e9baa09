"""A port of ours with a terminal on it, and the hospital's network behind our bridge, each a namespace of its own."""

from __future__ import annotations

import socket
import subprocess
from functools import partial

from auth8021x.wire import mac_address
from auth8021x.wire.eapol import ETHERTYPE
from tests.auth8021x.snooping.test_sightings import arp
from tests.interop.echo import Echo, udp
from tests.interop.enforcing import BRIDGE, MAC, PORT, TERMINAL, VLAN_BRIDGE
from tests.interop.walls import Apart

UPLINK = "enup"
NETWORK_MAC = "02:00:00:bb:00:01"
BORROWED, NETWORK = "10.88.0.12", "10.88.0.1"


class WardPorts:
    """Both ends have static ARP entries, so that nothing but the echo has to pass. Close it."""

    def __init__(self, uplink_bridge: str = BRIDGE) -> None:
        self.terminal, self.network = Apart(), Apart()
        for bridge in (BRIDGE, VLAN_BRIDGE):
            _ip(f"link add {bridge} type bridge")
            _ip(f"link set {bridge} up")
        for name, bridge, far in ((PORT, BRIDGE, self.terminal), (UPLINK, uplink_bridge, self.network)):
            _ip(f"link add {name} type veth peer name eth0 netns {far.pid}")
            _ip(f"link set {name} master {bridge}")
            _ip(f"link set {name} up")
        self._there(
            self.terminal, f"link set eth0 address {MAC}", f"addr add {TERMINAL}/24 dev eth0",
            f"addr add {BORROWED}/24 dev eth0", "link set eth0 up",
            f"neigh replace {NETWORK} lladdr {NETWORK_MAC} dev eth0 nud permanent",
        )  # fmt: skip
        self._there(
            self.network, f"link set eth0 address {NETWORK_MAC}", f"addr add {NETWORK}/24 dev eth0", "link set eth0 up",
            *(f"neigh replace {each} lladdr {MAC} dev eth0 nud permanent" for each in (TERMINAL, BORROWED)),
        )  # fmt: skip
        answering = self.network.made(partial(udp, NETWORK))
        self._echoes = {each: Echo(self.terminal.made(partial(udp, each)), answering) for each in (TERMINAL, BORROWED)}

    def plug(self, is_in: bool) -> None:
        """Pull the terminal's plug, or put it in again."""
        self._there(self.terminal, f"link set eth0 {'up' if is_in else 'down'}")
        if is_in:  # the kernel forgot it with the line
            self._there(self.terminal, f"neigh replace {NETWORK} lladdr {NETWORK_MAC} dev eth0 nud permanent")

    def voice(self) -> socket.socket:
        """Sends frames as the terminal, whoever they say they are from. Close it."""

        def bound() -> socket.socket:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            made.bind(("eth0", 0))
            return made

        return self.terminal.made(bound)

    def ears(self) -> socket.socket:
        """Hears the EAPOL frames that come to the terminal. Close it."""

        def bound() -> socket.socket:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            made.bind(("eth0", ETHERTYPE))
            made.setblocking(False)
            return made

        return self.terminal.made(bound)

    def say(self, frame: bytes) -> None:
        """A frame of the terminal's."""
        with self.voice() as made:
            made.send(frame)

    def announce(self) -> None:
        """The terminal says its address, as one does that asks for its neighbour (ARP)."""
        self.say(arp(TERMINAL, mac=mac_address.parse(MAC), source=mac_address.parse(MAC)))

    async def passes(self, source: str = TERMINAL) -> bool:
        """Whether a UDP echo goes through the bridge and back."""
        return await self._echoes[source].passes()

    async def until_passes(self, wanted: bool, within_s: float = 1.0) -> None:
        """Wait for it. A line that has just been plugged in takes the kernel up to a second more."""
        await self._echoes[TERMINAL].until_passes(wanted, within_s)

    def close(self) -> None:
        """Take all down."""
        for each in self._echoes.values():
            each.close()
        for name in (PORT, UPLINK, BRIDGE, VLAN_BRIDGE):
            _ip(f"link del {name}")
        self.terminal.close()
        self.network.close()
        subprocess.run(["nft", "delete table bridge drumtower"], capture_output=True, check=False)  # rules of a test

    @staticmethod
    def _there(place: Apart, *commands: str) -> None:
        for command in commands:
            place.run("ip", *command.split())


def _ip(command: str) -> None:
    done = subprocess.run(["ip", *command.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {command}: {done.stderr}"
