"""Our terminal registers and waits to be called, over sockets: with and without a firewall to pass (H.460.18)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from caller.calls import place_call
from caller.h323.options import Encryption, FirewallTraversal, H323Options
from caller.media import make_programme
from caller.options import CallOptions
from mcu.media import Codec
from signaling.h323.call import events
from signaling.h323.call.setup import SetupRequest
from signaling.h323.h245 import events as h245
from signaling.h323.ras.events import Registered, Unregistered
from signaling.h323.ras.registration import Registration
from signaling.h323.ras.server import GatekeeperServer
from signaling.h323.traversal import MediaFeature
from tests.signaling.h323.call.wire import CAPABILITIES
from tests.signaling.h323.ras.terminal import Book, Owner
from tests.signaling.h323.transport.ends import LOOPBACK, End, running, until

SMALL = {"width": 160, "height": 96, "bitrate_bps": 100_000, "audio": Codec.G722}
NAME, PASSWORD = "cart", "theatre"


@pytest.fixture(scope="module")
def programme():
    return make_programme(CallOptions("h323:1@h", tone="700", **SMALL))


class Hospital:
    """A gatekeeper, and call signalling that makes calls."""

    def __init__(self) -> None:
        self.server = End("mcu", traversal=MediaFeature(True, True))
        self.told: list[Any] = []
        self._settings = msgspec.structs.replace(LOOPBACK, ras_port=0, authentication="required")

    async def start(self) -> None:
        settings = msgspec.structs.replace(self._settings, signalling_port=self.server.signalling.addresses[0][1])
        self.gatekeeper = GatekeeperServer(settings, Book(**{NAME: PASSWORD}), Owner(), self.told.append)
        await self.gatekeeper.start()

    def options(self, traversal: FirewallTraversal, password: str = PASSWORD, **more: Any) -> CallOptions:
        host, port = self.server.signalling.addresses[0]
        wishes = H323Options(
            encryption=Encryption.OFF, traversal=traversal, waits=True, account=NAME, password=password,
            ras_port=self.gatekeeper.addresses[0][1], **more,
        )  # fmt: skip
        return CallOptions(f"h323:{NAME}@{host}:{port}", seconds=20, decodes=False, h323=wishes, **SMALL)

    async def registered(self) -> Registration:
        async with asyncio.timeout(10):
            while not (found := [event for event in self.told if isinstance(event, Registered)]):
                await asyncio.sleep(0.01)
        return found[0].registration

    async def call(self, terminal: Registration) -> None:
        """As the dialling of the server does; it hangs up when the terminal has answered."""
        signalling = self.server.signalling
        identity = signalling.new_identity()
        if terminal.is_traversing:
            call = await signalling.call_through(
                identity.identifier, terminal.source[0],
                lambda: self.gatekeeper.ask(
                    lambda own, now: own.call_back(terminal.identifier, identity.identifier, now)
                ),
            )  # fmt: skip
        else:
            call = await signalling.connect(terminal.signalling)
        call.control.prepare(CAPABILITIES)
        call.place(SetupRequest(called=terminal.aliases, has_hidden_callee=terminal.is_traversing), identity)
        await until(call, events.Connected)
        await until(call, h245.Ready)
        call.release()


@asynccontextmanager
async def a_hospital() -> AsyncIterator[Hospital]:
    hospital = Hospital()
    async with running(hospital.server):
        await hospital.start()
        try:
            yield hospital
        finally:
            await hospital.gatekeeper.stop()


@pytest.mark.parametrize("is_tunnelling", [True, False])
@pytest.mark.parametrize("traversal", list(FirewallTraversal))
async def test_it_is_called(programme, traversal, is_tunnelling) -> None:
    async with a_hospital() as hospital:
        asked = hospital.options(traversal, is_tunnelling=is_tunnelling)
        waiting = asyncio.create_task(place_call(asked, None, programme))
        terminal = await hospital.registered()
        assert (terminal.account, str(terminal.aliases[0])) == (NAME, f"h323-ID:{NAME}")
        assert terminal.is_traversing is (traversal is not FirewallTraversal.NONE)
        await hospital.call(terminal)
        report = await waiting
        # It is gone in good order, too.
        assert any(isinstance(event, Unregistered) for event in hospital.told)
    assert (report.outcome, report.ended_by, report.h323.is_registered) == ("no-media", "peer", True)
    assert report.h323.is_tunnelling is is_tunnelling


async def test_a_wrong_password_is_told(programme) -> None:
    async with a_hospital() as hospital:
        report = await place_call(hospital.options(FirewallTraversal.H460, "guess"), None, programme)
    # Q.850 cause 20: subscriber absent.
    assert (report.outcome, report.status, report.reason) == ("refused", 20, "securityDenial")


async def test_it_may_be_stopped_before_anybody_calls(programme) -> None:
    stop = asyncio.Event()
    async with a_hospital() as hospital:
        waiting = asyncio.create_task(place_call(hospital.options(FirewallTraversal.H460), stop, programme))
        await hospital.registered()
        stop.set()
        report = await waiting
    assert (report.outcome, report.reason) == ("refused", "nobody has called")


async def test_who_is_registered_no_more_waits_no_longer(programme, monkeypatch) -> None:
    """The gatekeeper is gone, or the network: nobody can call."""
    monkeypatch.setattr("caller.h323.registration.RETRY_S", 0.05)
    monkeypatch.setattr("caller.h323.registration.SHARE", 0.001)
    async with a_hospital() as hospital:
        waiting = asyncio.create_task(place_call(hospital.options(FirewallTraversal.NONE), None, programme))
        await hospital.registered()
        await hospital.gatekeeper.stop()
        async with asyncio.timeout(20):
            report = await waiting
    assert report.lines() == ["refused: 20 registered no longer: no answer"]


async def test_whoever_comes_second_is_told_that_it_talks(programme) -> None:
    stop = asyncio.Event()
    async with a_hospital() as hospital:
        asked = hospital.options(FirewallTraversal.NONE)
        waiting = asyncio.create_task(place_call(asked, stop, programme))
        terminal = await hospital.registered()
        first = await hospital.server.dial(terminal.signalling)
        await until(first, events.Connected)
        second = await hospital.server.dial(terminal.signalling)
        released = await until(second, events.Released)
        assert released.is_by_peer
        assert released.reason == "inConf"
        stop.set()
        await waiting
        await until(first, events.Released)
