"""The sockets of the gatekeeper, on loopback."""

from __future__ import annotations

import asyncio
import socket

import msgspec
import pytest

from config.h323 import H323Settings
from config.media import LocalAddress
from signaling.h323 import per
from signaling.h323.ras.admission import Admit
from signaling.h323.ras.events import Registered
from signaling.h323.ras.server import GatekeeperServer
from signaling.rates import SourceRates
from tests.signaling.h323.ras.terminal import Book, Owner, Site, Terminal, ip

LOOPBACK = H323Settings(listen=(LocalAddress("127.0.0.1"),), ras_port=0, authentication="off")


class Phone:
    """A terminal with a socket."""

    def __init__(self, remote: tuple[str, int]) -> None:
        self.terminal = Terminal(Site(), "or1", "127.0.0.1")
        self.remote = remote
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.terminal.source = self.socket.getsockname()

    async def ask(self, name: str, body: dict):
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(self.socket, self.terminal.octets(name, self.terminal.body(**body)), self.remote)
        return await self.answer()

    async def answer(self):
        octets, remote = await asyncio.wait_for(asyncio.get_running_loop().sock_recvfrom(self.socket, 4096), 5)
        assert remote[0] == "127.0.0.1"
        return per.decode(per.Type.RAS, octets)


async def test_a_terminal_registers_calls_and_is_asked():
    events, owner = [], Owner()
    server = GatekeeperServer(LOOPBACK, Book(), owner, events.append)
    await server.start()
    phone = Phone(server.addresses[0])
    try:
        discovered = await phone.ask("gatekeeperRequest", phone.terminal.discovery())
        assert discovered[1]["rasAddress"] == ip(*server.addresses[0])
        name, body = await phone.ask("registrationRequest", phone.terminal.registration())
        assert name == "registrationConfirm"
        assert isinstance(events[0], Registered)
        phone.terminal.identifier = body["endpointIdentifier"]
        assert len(body["endpointIdentifier"]) == 16
        owner.verdict = None
        assert (await phone.ask("admissionRequest", phone.terminal.admission()))[0] == "requestInProgress"
        server.decide(owner.asked[0].ticket, Admit())
        assert (await phone.answer())[0] == "admissionConfirm"
        server.ask(lambda own, now: own.query(body["endpointIdentifier"], now))
        assert (await phone.answer())[0] == "infoRequest"
        assert server.counters["received-admissionRequest"] == 1
        assert server.gauges["registrations"] == len(server.registrations()) == 1
        kept = server.registrations()
    finally:
        await server.stop()
    again = GatekeeperServer(LOOPBACK, Book(), owner, events.append)
    await again.start(kept)
    assert again.registrations() == kept
    await again.stop()
    phone.socket.close()


async def test_long_datagrams_are_counted_and_nothing_is_left_open():
    before = len(asyncio.all_tasks())
    server = GatekeeperServer(LOOPBACK, Book(), Owner(), lambda event: None)
    await server.start()
    address = server.addresses[0]
    phone = Phone(address)
    phone.socket.sendto(bytes(9000), address)
    await phone.ask("gatekeeperRequest", phone.terminal.discovery())
    assert server.counters["dropped-too-long"] == 1
    await server.stop()
    await server.stop()
    phone.socket.close()
    assert len(asyncio.all_tasks()) == before
    free = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    free.bind(address)
    free.close()


async def test_an_address_that_is_taken_is_said_and_nothing_is_left_open():
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    settings = msgspec.structs.replace(LOOPBACK, ras_port=taken.getsockname()[1])
    server = GatekeeperServer(settings, Book(), Owner(), lambda event: None)
    with pytest.raises(OSError, match="RAS on UDP port"):
        await server.start()
    assert server.addresses == []
    taken.close()


async def test_discovery_by_multicast():
    settings = msgspec.structs.replace(LOOPBACK, has_multicast=True)
    server = GatekeeperServer(settings, Book(), Owner(), lambda event: None)
    try:
        await server.start()
    except OSError as error:
        pytest.skip(f"no multicast here: {error}")
    phone = Phone(("224.0.1.41", 1718))
    try:
        phone.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        assert (await phone.ask("gatekeeperRequest", phone.terminal.discovery()))[0] == "gatekeeperConfirm"
    finally:
        await server.stop()
        phone.socket.close()


async def test_a_source_has_its_share_of_datagrams(monkeypatch):
    monkeypatch.setattr(SourceRates, "is_unlimited", lambda self, address: False)
    settings = msgspec.structs.replace(
        LOOPBACK, ras_messages_per_s_per_source=0.001, ras_message_burst_per_source=3.0, stranger_ras_messages_per_s=1.0
    )
    server = GatekeeperServer(settings, Book(), Owner(), lambda event: None)
    await server.start()
    phone = Phone(server.addresses[0])
    try:
        # The share of strangers is one at once; who is registered has one of its own.
        assert (await phone.ask("registrationRequest", phone.terminal.registration()))[0] == "registrationConfirm"
        for _ in range(2):
            assert (await phone.ask("gatekeeperRequest", phone.terminal.discovery()))[0] == "gatekeeperConfirm"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await phone.ask("gatekeeperRequest", phone.terminal.discovery())
        assert server.counters["rate-source"] == 1
        assert server.counters["received-gatekeeperRequest"] == 2
    finally:
        await server.stop()
        phone.socket.close()
