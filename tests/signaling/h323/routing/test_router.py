"""Routed calls over TCP on loopback: two terminals of ours with the router between them, and what is left."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from signaling.h323.call import events
from signaling.h323.call.setup import Setup, SetupRequest
from signaling.h323.h245 import events as h245
from signaling.h323.q931 import MessageType
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.ras.registration import Registration
from signaling.h323.routing.route import Route
from signaling.h323.routing.router import Router
from signaling.h323.signatures import Signatures
from tests.signaling.h323.call.peer import CHANNEL, ROOM, TOKEN
from tests.signaling.h323.call.wire import CAPABILITIES
from tests.signaling.h323.ras.terminal import Book
from tests.signaling.h323.registry.test_accounts import registration
from tests.signaling.h323.transport.ends import LOOPBACK, End, Peer, eventually, running, silent_port, until


class Exchange:
    """Routes every call, or those alone that a test leaves it, to the terminal `called`."""

    def __init__(self, book: Book | None = None, **settings: Any) -> None:
        signatures = Signatures(LOOPBACK, book) if book is not None else None
        self.end = End("gatekeeper", signatures=signatures, **settings)
        signalling = self.end.signalling
        self.router = Router(
            signalling._settings, self, self.connect, signalling.told_address, signalling.counters, signatures
        )
        signalling.router = self.router
        self.caller = registration("or1" if book is not None else "", "or1")
        self.called = registration("ward" if book is not None else "", "ward")
        self.verdict: str | None = ""
        self.has_any = True
        self.asked: list[tuple[Setup, Address, str]] = []

    def find(self, setup: Setup, remote: Address, account: str) -> Route | str | None:
        self.asked.append((setup, remote, account))
        return Route(self.caller, self.called) if self.verdict == "" else self.verdict

    async def connect(self, terminal: Registration, call_id: bytes) -> Any:
        assert terminal is self.called
        assert call_id == self.asked[-1][0].identity.identifier
        return await self.end.signalling.open(terminal.signalling)

    def leads_to(self, address: Address) -> None:
        self.called = replace(self.called, signalling=address)

    @property
    def address(self) -> Address:
        return self.end.signalling.addresses[0]


@pytest.mark.parametrize(("caller_tunnels", "called_tunnels"), list(itertools.product((True, False), repeat=2)))
async def test_two_terminals_talk_through_us(caller_tunnels: bool, called_tunnels: bool) -> None:
    caller, called = End("or1", tunnels=caller_tunnels), End("ward", tunnels=called_tunnels)
    exchange = Exchange()
    async with running(caller, called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        ours = await caller.dial(exchange.address, display="Theatre 1")
        assert (await until(ours, events.Connected)).conference_id == ROOM
        await until(ours, h245.Ready)
        (theirs,) = called.calls
        await until(theirs, h245.Ready)
        assert theirs.setup.display == "Theatre 1"
        assert theirs.identity.identifier == ours.identity.identifier
        assert theirs.identity.conference_id == ours.identity.conference_id
        assert theirs.setup.called_address == called.signalling.addresses[0]
        assert theirs.setup.calling_address == exchange.address
        assert ours.is_tunnelling == theirs.is_tunnelling == (caller_tunnels and called_tunnels)
        # Where H.245 has a connection of its own, it is the terminals'.
        assert exchange.end.signalling.gauges["streams"] == 2
        theirs.carry(theirs.control.user_input("42"))
        assert (await until(ours, h245.UserInput)).digits == "42"
        ours.keypad("7")
        assert (await until(theirs, events.KeypadDigits)).digits == "7"
        ours.ask_status()
        assert (await until(ours, events.StatusReceived)).state == 10
        assert len(exchange.router) == 1
        theirs.release()
        assert await until(ours, events.Released) == events.Released(16, "undefinedReason", True)
        assert len(exchange.router) == 0
    assert +exchange.end.signalling.counters == Counter({"routed": 1, "routed-answered": 1})
    assert exchange.end.calls == []


async def test_fast_start_and_its_answer_arrive() -> None:
    caller, called, exchange = End("or1"), End("ward", answers=False), Exchange()
    async with running(caller, called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        ours = await caller.dial(exchange.address, fast_start=(CHANNEL,), tokens=(TOKEN,), endpoint_identifier="EP1")
        await eventually(lambda: called.calls)
        (theirs,) = called.calls
        assert (theirs.setup.fast_start, theirs.setup.tokens) == ((CHANNEL,), (TOKEN,))
        assert exchange.asked[0][0].endpoint_identifier == "EP1"
        assert theirs.setup.endpoint_identifier == ""
        theirs.alert()
        await until(ours, events.Alerting)
        theirs.control.prepare(CAPABILITIES)
        theirs.accept(conference_id=ROOM, fast_start=(CHANNEL,))
        assert (await until(ours, events.FastStartAnswered)).channels == (CHANNEL,)


async def test_a_refused_call_says_why() -> None:
    caller, called, exchange = End("or1"), End("ward", answers=False), Exchange()
    called.signalling._take = lambda call: call.release(reason="inConf")
    async with running(caller, called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        ours = await caller.dial(exchange.address)
        assert await until(ours, events.Released) == events.Released(17, "inConf", True)


async def test_a_hundred_calls_leave_nothing() -> None:
    caller, called, exchange = End("or1"), End("ward"), Exchange()
    async with running(caller, called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        for number in range(100):
            ours = await caller.dial(exchange.address)
            await until(ours, events.Connected)
            (ours if number % 2 else called.calls[-1]).release()
            await until(ours, events.Released)
            await until(called.calls[-1], events.Released)
        ends = (caller, called, exchange.end)
        await eventually(lambda: not sum(end.signalling.gauges["streams"] for end in ends))
    assert len(called.calls) == 100
    assert exchange.end.signalling.counters["routed-answered"] == 100


@pytest.mark.parametrize("who", ["caller", "called"])
async def test_a_terminal_that_vanishes_ends_both_legs(who: str) -> None:
    called, exchange = End("ward"), Exchange()
    async with running(called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        peer = await Peer.connect(exchange.address)
        peer.setup()
        await peer.hear(MessageType.CONNECT)
        (theirs,) = called.calls
        if who == "caller":
            peer.writer.transport.abort()
            assert (await until(theirs, events.Released)).cause == 41
        else:
            theirs._line.stream.abort()
            assert (await peer.hear(MessageType.RELEASE_COMPLETE)).body["reason"][0] == "adaptiveBusy"
            assert await peer.is_cut()
        await eventually(lambda: not len(exchange.router))


async def test_who_does_not_listen() -> None:
    exchange = Exchange()
    async with running(exchange.end):
        exchange.leads_to(("127.0.0.1", 1))
        peer = await Peer.connect(exchange.address)
        peer.setup()
        assert (await peer.hear()).body["reason"][0] == "unreachableDestination"
        assert await peer.is_cut()
        assert exchange.end.signalling.counters["routed-unreachable"] == 1


async def test_a_connection_that_takes_long_ends_with_the_caller() -> None:
    exchange = Exchange(connect_timeout_s=30.0)
    with silent_port() as silent:
        async with running(exchange.end):
            exchange.leads_to(silent)
            peer = await Peer.connect(exchange.address)
            peer.setup()
            await eventually(lambda: len(exchange.router) == 1)
            peer.say(MessageType.RELEASE_COMPLETE, {"reason": ("undefinedReason", 0)})
            await eventually(lambda: not len(exchange.router))
            assert await peer.is_cut()
            peer.close()
            await eventually(lambda: exchange.end.signalling.gauges["connections"] == 0)


async def test_stopping_releases_both_terminals() -> None:
    caller, called, exchange = End("or1"), End("ward"), Exchange()
    async with running(caller, called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        ours = await caller.dial(exchange.address)
        await until(ours, events.Connected)
        await exchange.router.stop()
        for call in (ours, called.calls[0]):
            assert (await until(call, events.Released)).is_by_peer


@pytest.mark.parametrize("who", ["caller", "called", "connection", "nobody"])
async def test_a_call_ends_with_the_session_of_either_terminal(who: str) -> None:
    """Known by where it registered, and by where its connection comes from."""
    caller, called, exchange = End("or1"), End("ward"), Exchange()
    exchange.caller = replace(exchange.caller, source=("10.0.0.7", 1719), local="192.0.2.1")
    exchange.called = replace(exchange.called, source=("10.0.0.8", 1719), local="192.0.2.1")
    place = {"caller": "10.0.0.7", "called": "10.0.0.8", "connection": "127.0.0.1", "nobody": "10.0.0.9"}[who]
    async with running(caller, called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        ours = await caller.dial(exchange.address)
        await until(ours, events.Connected)
        dropped = exchange.router.drop(lambda source, local: source == place and bool(local))
        assert (dropped, len(exchange.router)) == ((0, 1) if who == "nobody" else (1, 0))
        if dropped:
            for call in (ours, called.calls[0]):
                assert (await until(call, events.Released)).reason == "securityDenied"
    assert exchange.end.signalling.counters["routed-dropped"] == dropped


async def test_a_call_whose_second_leg_does_not_stand_yet_ends_too() -> None:
    exchange = Exchange(connect_timeout_s=30.0)
    with silent_port() as silent:
        async with running(exchange.end):
            exchange.leads_to(silent)
            peer = await Peer.connect(exchange.address)
            peer.setup()
            await eventually(lambda: len(exchange.router) == 1)
            assert exchange.router.drop(lambda source, _local: source == "127.0.0.1") == 1
            assert (await peer.hear()).body["reason"][0] == "securityDenied"


async def test_stopping_ends_what_is_being_connected() -> None:
    exchange = Exchange(connect_timeout_s=30.0)
    with silent_port() as silent:
        async with running(exchange.end):
            exchange.leads_to(silent)
            peer = await Peer.connect(exchange.address)
            peer.setup()
            await eventually(lambda: len(exchange.router) == 1)
            await exchange.router.stop()
            assert (await peer.hear()).type == MessageType.RELEASE_COMPLETE


async def test_only_so_many_calls_are_routed() -> None:
    caller, called, exchange = End("or1"), End("ward"), Exchange(max_routed_calls=1)
    async with running(caller, called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        first = await caller.dial(exchange.address)
        await until(first, events.Connected)
        second = await caller.dial(exchange.address)
        assert await until(second, events.Released) == events.Released(47, "gatekeeperResources", True)
        first.release()
        await eventually(lambda: not len(exchange.router))
        third = await caller.dial(exchange.address)
        await until(third, events.Connected)
    assert exchange.end.signalling.counters["routed-refused"] == 1


async def test_a_call_that_comes_round_in_a_circle_is_refused() -> None:
    """A gateway that sends a call back to us keeps its callIdentifier."""
    called, exchange = End("ward"), Exchange()
    async with running(called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        first, second = [await Peer.connect(exchange.address) for _ in range(2)]
        first.setup()
        await first.hear(MessageType.CONNECT)
        second.setup()
        assert (await second.hear()).body["reason"][0] == "hopCountExceeded"
        assert len(exchange.router) == 1


@pytest.mark.parametrize("verdict", ["securityDenied", None])
async def test_what_is_not_routed(verdict: str | None) -> None:
    """Refused with its reason, or a call of ours."""
    caller, exchange = End("or1"), Exchange()
    exchange.verdict = verdict
    async with running(caller, exchange.end):
        ours = await caller.dial(exchange.address)
        if verdict is None:
            await until(ours, events.Connected)
            assert len(exchange.end.calls) == 1
        else:
            assert (await until(ours, events.Released)).reason == verdict


async def test_without_an_admission_no_setup_is_read_for_it() -> None:
    caller, exchange = End("or1"), Exchange()
    exchange.has_any = False
    async with running(caller, exchange.end):
        await until(await caller.dial(exchange.address), events.Connected)
    assert exchange.asked == []


# ---- H.235.1: three ends, each with the passwords that it has in a hospital


WARD = (Alias(AliasKind.H323_ID, "ward"),)


def signing(name: str, **passwords: str) -> End:
    return End(name, signatures=Signatures(LOOPBACK, Book(**passwords)))


async def test_signatures_are_checked_on_one_leg_and_made_for_the_other() -> None:
    """The caller signs what it sends to "ward" with its own password, the called terminal knows the gatekeeper's."""
    exchange = Exchange(Book(or1="theatre", ward="recovery"))
    caller, called = signing("or1", ward="theatre"), signing("ward", drumtower="recovery")
    async with running(caller, called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        ours = await caller.signalling.connect(exchange.address, called=WARD)
        ours.control.prepare(CAPABILITIES)
        ours.place(SetupRequest(called=WARD, tokens=(TOKEN,)), caller.signalling.new_identity())
        await eventually(lambda: called.calls)
        (theirs,) = called.calls
        assert theirs.account == "drumtower"
        await until(ours, events.Connected)
        assert ours.account == "ward"
        ours.keypad("1")
        await until(theirs, events.KeypadDigits)
        ours.release()
        await until(theirs, events.Released)
    assert exchange.asked[0][2] == "or1"
    assert exchange.end.signalling.counters["signature-refused"] == 0


async def test_a_wrong_signature_of_the_called_terminal_ends_the_call() -> None:
    exchange = Exchange(Book(or1="theatre", ward="recovery"))
    caller, called = End("or1"), signing("ward", drumtower="recovery")
    called.answers = False
    guess = Signatures(LOOPBACK, Book(drumtower="guess"))
    async with running(caller, called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        ours = await caller.dial(exchange.address, called=WARD)
        await eventually(lambda: called.calls)
        (theirs,) = called.calls
        theirs._core._core._seal = guess.seal(guess.signer_named("drumtower", "drumtower"), time.time)
        theirs.alert()
        for call in (ours, theirs):
            assert (await until(call, events.Released)).reason == "securityDenied"
    assert exchange.end.signalling.counters["signature-refused"] == 1


async def test_a_terminal_that_signs_its_calls_is_not_called_for_by_others() -> None:
    """Its Setup is signed, or not its own, once it has signed one."""
    exchange = Exchange(Book(or1="theatre", ward="recovery"))
    caller, stranger, called = signing("or1", ward="theatre"), End("or1"), End("ward")
    async with running(caller, stranger, called, exchange.end):
        exchange.leads_to(called.signalling.addresses[0])
        first = await stranger.dial(exchange.address, called=WARD)
        await until(first, events.Connected)
        signed = await caller.signalling.connect(exchange.address, called=WARD)
        signed.place(SetupRequest(called=WARD), caller.signalling.new_identity())
        await until(signed, events.Connected)
        second = await stranger.dial(exchange.address, called=WARD)
        assert (await until(second, events.Released)).reason == "securityDenied"
    assert exchange.end.signalling.counters["not-signed"] == 1
