"""Calls between two ends of ours over TCP: every way of H.245, and what is left afterwards."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from signaling.h323.call import events
from signaling.h323.call.setup import SetupRequest
from signaling.h323.h245 import events as h245
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.signatures import Signatures
from tests.signaling.h323.call.peer import CHANNEL, ROOM, TOKEN
from tests.signaling.h323.ras.terminal import Book
from tests.signaling.h323.transport.ends import LOOPBACK, End, eventually, running, silent_port, until


@pytest.mark.parametrize(("caller_tunnels", "called_tunnels"), list(itertools.product((True, False), repeat=2)))
async def test_calls_come_up_and_end(caller_tunnels, called_tunnels):
    caller, called = End("ward", tunnels=caller_tunnels), End("mcu", tunnels=called_tunnels)
    async with running(caller, called):
        ours = await caller.dial(called.signalling.addresses[0], display="Ward 3")
        assert (await until(ours, events.Connected)).conference_id == ROOM
        await until(ours, h245.Ready)
        (theirs,) = called.calls
        await until(theirs, h245.Ready)
        assert theirs.setup.display == "Ward 3"
        assert (theirs.is_incoming, ours.is_incoming) == (True, False)
        assert (theirs.remote, theirs.local) == (ours.local, ours.remote)
        assert theirs.identity.identifier == ours.identity.identifier
        tunnels = caller_tunnels and called_tunnels
        assert ours.is_tunnelling == theirs.is_tunnelling == tunnels
        assert caller.signalling.gauges["streams"] == (1 if tunnels else 2)
        theirs.carry(theirs.control.user_input("42"))
        assert (await until(ours, h245.UserInput)).digits == "42"
        ours.release()
        assert await until(ours, events.Released) == events.Released(16, "undefinedReason")
        assert await until(theirs, events.Released) == events.Released(16, "undefinedReason", True)
        await eventually(lambda: called.signalling.gauges["connections"] == 0)
        assert set(caller.signalling.gauges.values()) | set(called.signalling.gauges.values()) == {0}
    assert not caller.signalling.counters + called.signalling.counters


@pytest.mark.parametrize("tunnels", [True, False])
async def test_a_hundred_calls_leave_nothing(tunnels):
    caller, called = End(tunnels=tunnels), End()
    async with running(caller, called):
        for number in range(100):
            ours = await caller.dial(called.signalling.addresses[0])
            await until(ours, h245.Ready)
            (ours if number % 2 else called.calls[-1]).release()
            await until(ours, events.Released)
            await until(called.calls[-1], events.Released)
        await eventually(lambda: not called.signalling.gauges["streams"] + caller.signalling.gauges["streams"])
    assert len(called.calls) == 100


async def test_fast_start_is_answered_and_h245_follows():
    caller, called = End(), End(answers=False)
    async with running(caller, called):
        ours = await caller.dial(called.signalling.addresses[0], fast_start=(CHANNEL,), tokens=(TOKEN,))
        await eventually(lambda: called.calls)
        (theirs,) = called.calls
        assert theirs.setup.fast_start == (CHANNEL,)
        theirs.alert()
        assert isinstance(await until(ours, events.Alerting), events.Alerting)
        theirs.control.prepare({})
        theirs.accept(conference_id=ROOM, fast_start=(CHANNEL,), tokens=(TOKEN,))
        assert (await until(ours, events.TokensReceived)).tokens == (TOKEN,)
        assert (await until(ours, events.FastStartAnswered)).channels == (CHANNEL,)


async def test_a_refused_call_says_why():
    caller, called = End(), End(answers=False)
    called.signalling._take = lambda call: call.release(reason="calledPartyNotRegistered")
    async with running(caller, called):
        ours = await caller.dial(called.signalling.addresses[0])
        assert await until(ours, events.Released) == events.Released(20, "calledPartyNotRegistered", True)


async def test_stopping_releases_every_call():
    caller, called = End(), End()
    async with running(caller, called):
        calls = [await caller.dial(called.signalling.addresses[0]) for _ in range(3)]
        for call in calls:
            await until(call, h245.Ready)
        await called.signalling.stop()
        for call in calls:
            assert (await until(call, events.Released)).is_by_peer
        with pytest.raises(ConnectionRefusedError):
            await caller.dial(("127.0.0.1", called.calls[0].local[1]))
        await caller.signalling.stop()
        with pytest.raises(OSError, match="no local address"):
            await caller.signalling.connect(("127.0.0.1", 1))
        for end in (caller, called):
            await end.signalling.start()


async def test_connecting_takes_only_so_long():
    caller = End(connect_timeout_s=0.02)
    with silent_port() as silent:
        async with running(caller):
            with pytest.raises(TimeoutError):
                await caller.signalling.connect(silent)
            assert caller.signalling.gauges["connections"] == 0


async def test_stopping_ends_what_is_being_connected():
    caller = End(connect_timeout_s=30.0)
    with silent_port() as silent:
        async with running(caller):
            waiting = asyncio.ensure_future(caller.signalling.connect(silent))
            await asyncio.sleep(0.01)
            await caller.signalling.stop()
            with pytest.raises(OSError, match="stopped"):
                await waiting


async def test_calls_are_signed_both_ways():
    """The terminal signs its Setup, and hears answers that are signed for it."""
    book = Book(or1="theatre")
    called = End("mcu", signatures=Signatures(LOOPBACK, book))
    terminal = Signatures(LOOPBACK, book)
    caller = End("or1", signatures=terminal)
    request = SetupRequest(called=(Alias(AliasKind.H323_ID, "or1"),), tokens=(TOKEN,))
    async with running(caller, called):
        ours = await caller.signalling.place(called.signalling.addresses[0], request, caller.signalling.new_identity())
        await eventually(lambda: called.calls)
        (theirs,) = called.calls
        assert theirs.account == "or1"
        await until(ours, events.Connected)
        assert ours.account == "or1"
        ours.release()


async def test_a_call_with_a_wrong_signature_is_refused():
    called = End("mcu", signatures=Signatures(LOOPBACK, Book(or1="theatre")))
    caller = End("or1", signatures=Signatures(LOOPBACK, Book(or1="guess")))
    request = SetupRequest(called=(Alias(AliasKind.H323_ID, "or1"),))
    async with running(caller, called):
        ours = await caller.signalling.place(called.signalling.addresses[0], request, caller.signalling.new_identity())
        assert await until(ours, events.Released) == events.Released(31, "securityDenied", True)
        assert called.signalling.counters["signature-refused"] == 1
        assert called.calls == []
