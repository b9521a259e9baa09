"""802.1X on the ward's port as `drumtower serve` runs it, and a terminal there that logs in with wpa_supplicant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auth8021x.directory.directory import Directory
from auth8021x.directory.keeper import DirectoryKeeper
from auth8021x.directory.session import Session
from auth8021x.errors import MalformedPacketError
from auth8021x.sites import Sites
from auth8021x.wire import eap, eapol
from auth8021x.wire.eap import Eap
from config.dot1x import Dot1xSettings
from drumtower.network_ports import NetworkPorts
from store.bindings import Keepable, KeptBinding
from tests.interop.enforcing import BRIDGE, PORT, TERMINAL, VLAN_BRIDGE
from tests.interop.freeradius import SECRET
from tests.interop.supplicant import Supplicant
from tests.interop.test_radius_client import described
from tests.interop.waiting import until_holds
from tests.interop.ward_ports import WardPorts

SITE = "ward"
SUCCESS, FAILURE = "CTRL-EVENT-EAP-SUCCESS", "CTRL-EVENT-EAP-FAILURE"
_ENFORCEMENT = {
    "drivers": ["bridge", "nftables"],
    "ports": [{"interface": PORT, "bridge": BRIDGE}],
    "networks": [
        {"vlan": vlan, "bridge": bridge}
        for vlan, bridge in (("ward", BRIDGE), ("42", VLAN_BRIDGE), ("43", VLAN_BRIDGE))
    ],
}
_MAX_FRAME_BYTES = 2048


def port_settings(folder: Path, *servers: dict[str, object], secret: str = SECRET, **more: object) -> Dot1xSettings:
    """Of the ward's one port: locked in its bridge, and checked by nftables, too."""
    sites = [{"name": SITE, "networks": ["10.88.0.0/24"]}]
    return described(folder, *servers, secret=secret, sites=sites, enforcement=_ENFORCEMENT, **more)


@asynccontextmanager
async def served(
    settings: Dot1xSettings, folder: Path, directory: DirectoryKeeper | None = None
) -> AsyncIterator[NetworkPorts]:
    """The port at work; nothing goes wrong in a callback, which nobody else would hear of."""
    directory = directory or keeper(settings)
    await directory.start()
    trouble: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: trouble.append(what))
    made = NetworkPorts(settings, folder / "data", directory)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
        directory.close()
        assert not trouble, trouble


@asynccontextmanager
async def terminal(ward: WardPorts, folder: Path, network: str) -> AsyncIterator[Supplicant]:
    """It listens: from now on it answers at once, and else says Start after 2 s."""
    made = Supplicant(folder, network, "eth0", ward.terminal.prefix)
    try:
        await until_holds(lambda: "Associated with" in made.log())
        yield made
    finally:
        made.stop()


@dataclass(frozen=True, slots=True)
class Stay:
    """A terminal that is in."""

    ports: NetworkPorts
    directory: DirectoryKeeper
    session: Session
    terminal: Supplicant
    heard: list[Eap]
    """What the authenticator has sent it."""

    def count(self, code: eap.Code) -> int:
        """How many packets of a code it has heard."""
        return sum(packet.code == code for packet in self.heard)


@asynccontextmanager
async def logged_in(ward: WardPorts, folder: Path, network: str, settings: Dot1xSettings) -> AsyncIterator[Stay]:
    """A terminal whose echo passes."""
    async with terminal(ward, folder / "terminal", network) as made:
        with hearing(ward) as heard:
            directory = keeper(settings)
            async with served(settings, folder, directory) as ports:
                await until_holds(lambda: SUCCESS in made.log())
                ward.announce()
                await ward.until_passes(True)
                session = directory.known(SITE, TERMINAL)
                assert session is not None
                yield Stay(ports, directory, session, made, heard)


@asynccontextmanager
async def back(ward: WardPorts, folder: Path, network: str) -> AsyncIterator[Supplicant]:
    """The terminal was switched on again, and is in."""
    async with terminal(ward, folder / "again", network) as made:
        await until_holds(lambda: SUCCESS in made.log())
        ward.announce()
        await ward.until_passes(True)
        yield made


@contextmanager
def hearing(ward: WardPorts, told: Callable[[Eap], None] | None = None) -> Iterator[list[Eap]]:
    """EAP packets that reach the terminal; `told` hears of each at once."""
    found: list[Eap] = []
    ears = ward.ears()

    def came() -> None:
        try:
            packet = eap.parse(eapol.parse_frame(ears.recv(_MAX_FRAME_BYTES)).packet.body)
        except (OSError, MalformedPacketError):  # the line may be down
            return
        found.append(packet)
        if told is not None:
            told(packet)

    loop = asyncio.get_running_loop()
    loop.add_reader(ears, came)
    try:
        yield found
    finally:
        loop.remove_reader(ears)
        ears.close()


class Forgetful:
    """Keeps no session over a restart (directory.keeper.Kept)."""

    def put(self, binding: Keepable) -> None:
        pass

    def remove(self, key: str) -> None:
        pass

    async def load(self, now: float) -> Sequence[KeptBinding]:
        return ()


def keeper(settings: Dot1xSettings) -> DirectoryKeeper:
    """The directory of sessions, empty."""
    return DirectoryKeeper(Directory(settings.directory, Sites(settings.sites)), Forgetful())
