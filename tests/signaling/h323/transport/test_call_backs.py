"""Calls over connections that the called terminal opens (H.460.18 8, 11)."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

import pytest

from signaling.h323 import traversal
from signaling.h323.call import events
from signaling.h323.call.message import CallIdentity, parse
from signaling.h323.call.setup import SetupRequest
from signaling.h323.h245 import events as h245
from signaling.h323.q931 import MessageType
from signaling.h323.ras.address import value_of
from signaling.h323.transport import call_backs
from signaling.h323.transport.call_backs import CallBacks
from signaling.h323.transport.control_link import ControlLink
from signaling.h323.traversal import MediaFeature
from tests.signaling.h323.call.wire import CAPABILITIES
from tests.signaling.h323.transport.ends import End, Peer, eventually, running, until

SERVER = MediaFeature(multiplexes=True, is_server=True)
CALL = bytes(range(16))
HOST = "127.0.0.1"


async def called_back(server: End, terminal: End, **request):
    """A call of the server that the terminal opens the connection for."""
    identity = server.signalling.new_identity()
    tasks = []

    def ask() -> None:
        where = server.signalling.addresses[0]
        tasks.append(asyncio.ensure_future(terminal.signalling.call_back(where, identity.identifier)))

    call = await server.signalling.call_through(identity.identifier, HOST, ask)
    call.control.prepare(CAPABILITIES)
    call.place(SetupRequest(has_hidden_callee=True, **request), identity)
    await asyncio.gather(*tasks)
    return call


@pytest.fixture
def listening(monkeypatch):
    """Calls that wait for an H.245 connection."""
    found, listen = [], ControlLink.listen

    def noted(link):
        found.append(link._call)
        listen(link)

    monkeypatch.setattr(ControlLink, "listen", noted)
    return found


@pytest.mark.parametrize("tunnels", [True, False])
async def test_the_terminal_opens_every_connection(tunnels, listening):
    server, terminal = End("mcu", traversal=SERVER), End("cart", tunnels=tunnels, traversal=MediaFeature())
    async with running(server, terminal):
        call = await called_back(server, terminal)
        agreed = await until(call, events.TraversalAgreed)
        assert agreed.peer == call.peer_traversal == MediaFeature()
        await until(call, h245.Ready)
        (theirs,) = terminal.calls
        assert theirs.is_incoming
        assert theirs.setup.traversal == theirs.peer_traversal == SERVER
        await until(theirs, h245.Ready)
        assert call.is_tunnelling == theirs.is_tunnelling == tunnels
        assert listening == ([] if tunnels else [call])
        theirs.carry(theirs.control.user_input("7"))
        assert (await until(call, h245.UserInput)).digits == "7"
        call.release()
        assert (await until(theirs, events.Released)).is_by_peer
    assert not server.signalling.counters
    assert not terminal.signalling.counters


@pytest.mark.parametrize("tunnels", [True, False])
async def test_it_calls_as_well(tunnels, listening):
    server, terminal = End("mcu", traversal=SERVER), End("cart", tunnels=tunnels, traversal=MediaFeature(True))
    async with running(server, terminal):
        ours = await terminal.dial(server.signalling.addresses[0])
        assert (await until(ours, events.TraversalAgreed)).peer == SERVER
        await until(ours, h245.Ready)
        (theirs,) = server.calls
        assert theirs.peer_traversal == MediaFeature(True)
        if not tunnels:
            told = await until(theirs, h245.GenericReceived)
            assert traversal.correlated_call(told.message) == ours.identity.identifier
        await until(theirs, h245.Ready)
        assert listening == ([] if tunnels else [theirs])


async def test_ends_of_which_none_is_hidden_say_nothing():
    server, terminal = End("mcu", traversal=SERVER), End("room")
    async with running(server, terminal):
        ours = await terminal.dial(server.signalling.addresses[0])
        await until(ours, h245.Ready)
        assert server.calls[0].setup.traversal is None
        assert ours.peer_traversal is server.calls[0].peer_traversal is None


async def test_an_h245_connection_for_another_call_ends_this_one():
    server, terminal = End("mcu", traversal=SERVER), End("cart", tunnels=False, traversal=MediaFeature())
    async with running(server, terminal):
        ours = await terminal.dial(server.signalling.addresses[0])
        ours._core._core.identity = CallIdentity(ours.identity.reference, CALL, CALL)
        await until(ours, events.Released)
        assert server.signalling.counters["control-of-another-call"] == 1


async def test_where_a_hidden_terminal_says_that_it_is_nobody_connects():
    """It names an address that is somebody else's on our side."""
    server = End("mcu", traversal=SERVER)
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        somebody.setblocking(False)
        async with running(server):
            terminal = await Peer.connect(server.signalling.addresses[0])
            inside = {"h245Address": value_of(somebody.getsockname())}
            hidden = {"supportedFeatures": [MediaFeature().descriptor()]}
            terminal.setup(body=hidden | inside, tunnels=False)
            connect = await terminal.hear(MessageType.CONNECT)
            while connect.control_address is None:
                connect = await terminal.hear(MessageType.FACILITY)
            assert connect.control_address[0] == "127.0.0.1"
            with pytest.raises(BlockingIOError):
                somebody.accept()


@pytest.mark.parametrize("identifier", [CALL, bytes(16)])
async def test_strangers_are_cut_off(identifier):
    """They name a call that there is not, or one that was asked of another host."""
    server = End("mcu", traversal=SERVER)
    async with running(server):
        waiting = asyncio.ensure_future(server.signalling.called_back(CALL, "127.0.0.9", lambda: None))
        await asyncio.sleep(0)
        stranger = await Peer.connect(server.signalling.addresses[0])
        stranger.send(call_backs.answer(identifier))
        assert await stranger.is_cut()
        assert server.signalling.counters["call-back-stranger"] == 1
        assert not waiting.done()
        right = await Peer.connect(server.signalling.addresses[0], "127.0.0.9")
        right.send(call_backs.answer(CALL))
        connection = await waiting
        assert connection.remote[0] == "127.0.0.9"
        again = await Peer.connect(server.signalling.addresses[0], "127.0.0.9")
        again.send(call_backs.answer(CALL))
        assert await again.is_cut()
        connection.stream.abort()


async def test_who_does_not_call_back_is_waited_for_so_long():
    server = End("mcu", traversal=SERVER, call_back_s=0.02)
    async with running(server):
        with pytest.raises(TimeoutError):
            await server.signalling.called_back(CALL, HOST, lambda: None)
        late = await Peer.connect(server.signalling.addresses[0])
        late.send(call_backs.answer(CALL))
        assert await late.is_cut()


async def test_who_refuses_is_not_waited_for():
    server = End("mcu", traversal=SERVER)
    async with running(server):
        waiting = asyncio.ensure_future(server.signalling.called_back(CALL, HOST, lambda: None))
        await asyncio.sleep(0)
        server.signalling.will_not_call_back(CALL)
        with pytest.raises(OSError, match="does not call back"):
            await waiting
        server.signalling.will_not_call_back(CALL)


async def test_a_server_that_says_nothing_is_left():
    terminal, server = End("cart", traversal=MediaFeature(), first_setup_s=0.01), End("mcu", answers=False)
    async with running(server, terminal):
        await terminal.signalling.call_back(server.signalling.addresses[0], CALL)
        await eventually(lambda: terminal.signalling.gauges["connections"] == 0)


async def test_calls_that_wait_are_few():
    backs: CallBacks[str] = CallBacks(1, counters := Counter())
    with backs.expecting(CALL, HOST) as arrived:
        with pytest.raises(OSError, match="too many"), backs.expecting(bytes(16), HOST):
            pass
        assert not backs.came("a", "192.0.2.9", CALL)
        assert backs.came("b", HOST, CALL)
        assert not backs.came("c", HOST, CALL)
        assert await arrived == "b"
    assert len(backs) == 0
    assert counters == {"call-back-too-many": 1, "call-back-stranger": 2}


def test_the_facility_that_names_a_call():
    octets = call_backs.answer(CALL)
    signal = parse(octets)
    assert (signal.type, signal.q931.call_reference) == (MessageType.FACILITY, 0)
    assert signal.body["reason"] == ("undefinedReason", 0)
    assert call_backs.call_of(octets) == CALL
    assert call_backs.call_of(octets[:-1]) is None
    assert call_backs.call_of(b"") is None
