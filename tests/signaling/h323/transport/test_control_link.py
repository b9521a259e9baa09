"""The H.245 connection: who may make it, and where we let ourselves be sent."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from config.media import External, LocalAddress
from signaling.h323.call import events
from signaling.h323.h245 import events as h245
from signaling.h323.q931 import MessageType
from signaling.h323.ras import address as addresses
from signaling.h323.ras.address import Address
from tests.signaling.h323.transport.ends import End, Peer, eventually, running, silent_port, until


async def calling(end: End, **setup: Any) -> tuple[Peer, Address | None]:
    """A terminal without tunnelling, and where it is told to connect to."""
    peer = await Peer.connect(end.signalling.addresses[0])
    peer.setup(1, tunnels=False, **setup)
    return peer, (await peer.hear(MessageType.CONNECT)).control_address


def telling(address: Address) -> dict[str, Any]:
    return {"body": {"h245Address": addresses.value_of(address)}}


async def test_the_peers_host_may_connect_once():
    end = End()
    async with running(end):
        peer, address = await calling(end)
        assert address[0] == "127.0.0.1"
        control = await Peer.connect(address)
        assert await control.unit()
        with pytest.raises(ConnectionRefusedError):
            await Peer.connect(address)
        end.calls[0].release()
        units = []
        while unit := await control.unit():
            units.append(unit)
        assert units[-1] == b"\x4a\x40"  # endSessionCommand, disconnect
        peer.close()
        control.close()


async def test_another_host_may_not():
    end = End()
    async with running(end):
        peer, address = await calling(end)
        stranger = await Peer.connect(address, "127.0.0.2")
        assert await stranger.is_cut()
        assert end.signalling.counters == {"control-stranger": 1}
        control = await Peer.connect(address)
        assert await control.unit()
        for each in (peer, control, stranger):
            each.close()


async def test_we_tell_terminals_outside_the_address_that_they_can_reach():
    outside = LocalAddress("127.0.0.1", (External("192.0.2.1", ("127.0.0.0/8",)),))
    end = End(listen=(outside,))
    async with running(end):
        peer, address = await calling(end)
        assert address[0] == "192.0.2.1"
        control = await Peer.connect(("127.0.0.1", address[1]))
        assert await control.unit()
        peer.close()
        control.close()


@contextlib.asynccontextmanager
async def waiting_terminal(host: str):
    """Waits for an H.245 connection."""
    came: list[Peer] = []
    server = await asyncio.start_server(lambda *pair: came.append(Peer(*pair)), host, 0)
    try:
        yield came, server.sockets[0].getsockname()
    finally:
        server.close()


async def test_we_connect_to_the_peers_host():
    end = End()
    async with waiting_terminal("127.0.0.1") as (came, address), running(end):
        peer, told = await calling(end, **telling(address))
        assert told is None
        await eventually(lambda: came)
        assert await came[0].unit()
        assert came[0].writer.get_extra_info("peername")[0] == "127.0.0.1"
        came[0].close()
        assert (await until(end.calls[0], events.Released)).cause == 41
        peer.close()


@pytest.mark.parametrize("is_registered", [False, True])
async def test_only_a_registered_terminal_takes_us_elsewhere(is_registered):
    end = End(is_registered=lambda host: is_registered)
    async with waiting_terminal("127.0.0.3") as (came, address), running(end):
        peer, _ = await calling(end, **telling(address))
        if is_registered:
            await eventually(lambda: came)
            assert await came[0].unit()
        else:
            # There is another way: the terminal may connect to us.
            facility = await peer.hear(MessageType.FACILITY)
            assert facility.body["reason"] == ("startH245", 0)
            control = await Peer.connect(facility.control_address)
            assert await control.unit()
            assert not came
            assert end.signalling.counters == {"control-elsewhere": 1}
            control.close()
        peer.close()


async def test_an_address_that_leads_nowhere_is_given_up():
    end = End(connect_timeout_s=0.02)
    with silent_port() as address:
        async with running(end):
            peer, _ = await calling(end, **telling(address))
            assert (await peer.hear(MessageType.FACILITY)).body["reason"] == ("startH245", 0)
            assert end.signalling.counters == {"control-connect-failed": 1}
            peer.close()


async def test_a_call_that_ends_while_we_connect_leaves_nothing():
    end = End(connect_timeout_s=30.0)
    with silent_port() as address:
        async with running(end):
            peer, _ = await calling(end, **telling(address))
            tasks = {asyncio.current_task()}
            await asyncio.sleep(0.01)
            end.calls[0].release()
            await eventually(lambda: asyncio.all_tasks() == tasks)
            peer.close()


async def test_no_port_to_listen_on_ends_the_call(monkeypatch):
    def no_listener(*_args: Any) -> None:
        raise OSError("none")

    end = End()
    async with running(end):
        monkeypatch.setattr("signaling.h323.transport.control_link.Listener", no_listener)
        peer = await Peer.connect(end.signalling.addresses[0])
        peer.setup(1, tunnels=False)
        await peer.hear(MessageType.RELEASE_COMPLETE)
        assert (await until(end.calls[0], events.Released)).cause == 41
        assert end.signalling.counters == {"control-listen-failed": 1}
        peer.close()


async def test_calls_of_ours_connect_or_are_connected_to():
    """Without tunnelling at either end the called one listens first, and says so in Connect."""
    caller, called = End(tunnels=False), End(tunnels=False)
    async with running(caller, called):
        ours = await caller.dial(called.signalling.addresses[0])
        await until(ours, h245.Ready)
        assert not ours.is_tunnelling
        ours.release()
        await until(called.calls[0], events.Released)
