"""A call as its owner sees it; its connections are lists of what was asked of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from config.h323 import H323Settings
from signaling.h323.call import events, message
from signaling.h323.call.call import Call
from signaling.h323.call.setup import SetupRequest
from signaling.h323.call.timers import TimerSettings
from signaling.h323.call_handle import MAX_WAITING_EVENTS, CallHandle
from signaling.h323.h245 import events as h245
from signaling.h323.q931 import MessageType
from signaling.h323.q931_elements import keypad
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.signatures import Signatures
from tests.signaling.h323.call.peer import (
    ADDRESS,
    CHANNEL,
    DESTINATION,
    IDENTITY,
    OWN,
    ROOM,
    SETUP,
    TOKEN,
    TRANSPORT,
    FakeControl,
    control,
    numbers,
    octets,
)
from tests.signaling.h323.ras.terminal import Book
from tests.signaling.h323.test_signatures import signed

RELEASE = octets(MessageType.RELEASE_COMPLETE, {"reason": ("destinationRejection", 0)}, is_caller=True)
CONNECT = DESTINATION | {"conferenceID": ROOM}


class Line:
    """The call signalling connection."""

    local, remote = ("192.0.2.1", 1720), ("192.0.2.7", 40_000)

    def __init__(self) -> None:
        self.sent: list[message.Signal] = []
        self.calls: list[Any] = []
        self.left = 0

    def add(self, call, reference):
        self.calls.append((call, reference))

    def send(self, unit):
        self.sent.append(message.parse(unit))

    def leave(self, call):
        self.left += 1

    def types(self) -> list[int]:
        return [signal.type for signal in self.sent]


class Control:
    """The H.245 connection; with `fails` nothing of it comes about."""

    def __init__(self, call, fails=False) -> None:
        self.call = call
        self.fails = fails
        self.asked: list[Any] = []

    def open(self, address):
        self.asked.append(("open", address))
        if self.fails:
            self.call.control_lost()

    def listen(self):
        self.asked.append("listen")
        if self.fails:
            self.call.control_lost()
        else:
            self.call.control_listening(("192.0.2.1", 5000))

    def send(self, unit):
        self.asked.append(("send", *numbers((unit,))))

    def close(self):
        self.asked.append("close")


class Site:
    """One call."""

    def __init__(self, *, is_incoming=True, timers=None, fails=False, signatures=None, account="") -> None:
        self.line = Line()
        self.ended: list[CallHandle] = []
        self.fake = FakeControl()
        self.counters: Counter[str] = Counter()
        self.link: Control | None = None

        def link(call):
            self.link = Control(call, fails)
            return self.link

        self.call = CallHandle(
            Call(OWN, self.fake, timers), self.fake, self.line, link, self.counters, self.ended.append,
            is_incoming=is_incoming, signatures=signatures, account=account,
        )  # fmt: skip

    def hear(self, kind, body=None, **others):
        self.call.receive(octets(kind, body, is_caller=self.call.is_incoming, **others))

    async def told(self) -> list[Any]:
        """What waits to be told."""
        found = []
        while True:
            try:
                async with asyncio.timeout(0):
                    event = await self.call.next_event()
            except TimeoutError:
                return found
            found.append(event)
            if isinstance(event, events.Released):
                return found


async def test_a_call_comes_is_answered_and_released():
    site = Site()
    site.hear(MessageType.SETUP, SETUP)
    assert site.call.setup.identity == site.call.identity == IDENTITY
    assert await site.told() == []
    site.call.alert()
    site.call.accept(conference_id=ROOM)
    assert site.line.types() == [MessageType.CALL_PROCEEDING, MessageType.ALERTING, MessageType.CONNECT]
    assert site.call.is_tunnelling
    assert numbers(site.line.sent[-1].control) == [1]
    site.hear(MessageType.INFORMATION, {}, elements=(keypad("12"),))
    site.hear(MessageType.FACILITY, None, carries=(7,))
    assert await site.told() == [events.KeypadDigits("12"), h245.UserInput("7")]
    site.call.carry([h245.Send(control(42)), h245.RoundTrip(0.1)])
    assert numbers(site.line.sent[-1].control) == [42]
    assert await site.told() == [h245.RoundTrip(0.1)]
    site.call.release()
    site.call.release()
    released = events.Released(16, "undefinedReason")
    assert [await site.call.next_event() for _ in range(3)] == [released] * 3
    assert site.call.is_over
    assert (site.ended, site.line.left) == ([site.call], 1)
    assert site.line.types()[-1] == MessageType.RELEASE_COMPLETE


async def test_the_release_of_the_peer_comes_after_what_it_said_before():
    site = Site()
    site.hear(MessageType.SETUP, SETUP)
    site.hear(MessageType.INFORMATION, {}, elements=(keypad("1"),))
    site.call.receive(RELEASE)
    site.hear(MessageType.INFORMATION, {}, elements=(keypad("2"),))
    assert await site.told() == [events.KeypadDigits("1"), events.Released(16, "destinationRejection", True)]
    assert site.call.ignored == 1


async def test_who_stops_waiting_misses_nothing():
    site = Site()
    site.hear(MessageType.SETUP, SETUP)
    waiting = asyncio.ensure_future(site.call.next_event())
    await asyncio.sleep(0)
    waiting.cancel()
    site.hear(MessageType.INFORMATION, {}, elements=(keypad("1"),))
    await asyncio.sleep(0)
    assert await site.call.next_event() == events.KeypadDigits("1")
    waiting = asyncio.ensure_future(site.call.next_event())
    await asyncio.sleep(0)
    site.hear(MessageType.INFORMATION, {}, elements=(keypad("2"),))
    assert await waiting == events.KeypadDigits("2")
    site.call.release()


async def test_a_peer_that_nobody_listens_to_is_let_go():
    site = Site()
    site.hear(MessageType.SETUP, SETUP)
    for _ in range(MAX_WAITING_EVENTS + 5):
        site.hear(MessageType.INFORMATION, {}, elements=(keypad("1"),))
    told = await site.told()
    assert len(told) == MAX_WAITING_EVENTS + 1
    assert told[-1] == events.Released(47, "gatekeeperResources")
    assert site.counters == {"call-events-overflow": 1}
    assert site.line.types()[-1] == MessageType.RELEASE_COMPLETE


async def test_a_call_of_ours_is_connected():
    site = Site(is_incoming=False)
    with pytest.raises(RuntimeError):
        _ = site.call.identity
    site.call.place(SetupRequest(fast_start=(CHANNEL,)), IDENTITY)
    assert site.line.calls == [(site.call, IDENTITY.reference)]
    site.hear(MessageType.CALL_PROCEEDING, DESTINATION)
    site.hear(MessageType.CONNECT, CONNECT)
    kinds = [type(event) for event in await site.told()]
    assert kinds == [events.Proceeding, events.FastStartRefused, events.Connected]
    site.call.keypad("9")
    site.call.ask_status()
    site.call.keep_alive()
    site.call.redirect("callForwarded", aliases=[Alias(AliasKind.DIALLED_DIGITS, "8")])
    last = [MessageType.INFORMATION, MessageType.STATUS_ENQUIRY, MessageType.FACILITY, MessageType.FACILITY]
    assert site.line.types()[-4:] == last
    site.call.release()


async def test_a_call_that_was_never_placed_can_be_released():
    site = Site(is_incoming=False)
    site.call.release()
    site.call.place(SetupRequest(), IDENTITY)
    assert (site.line.sent, site.line.left, site.line.calls) == ([], 1, [])
    assert [type(event) for event in await site.told()] == [events.Released]


async def test_timers_run_by_the_clock_of_the_loop_and_end_with_the_call():
    site = Site(is_incoming=False, timers=TimerSettings(t303_s=0.01))
    site.call.place(SetupRequest(), IDENTITY)
    async with asyncio.timeout(5):
        assert await site.call.next_event() == events.Released(18, "unreachableDestination")
    assert site.call._timer is None
    site = Site(is_incoming=False)
    site.call.place(SetupRequest(), IDENTITY)
    armed = site.call._timer
    assert armed.when() - site.call.now() == pytest.approx(4.0, abs=0.5)
    site.call.release()
    assert armed.cancelled()


async def test_h245_gets_a_connection_of_its_own():
    site = Site()
    site.hear(MessageType.SETUP, SETUP, tunnels=False)
    assert site.link.asked == ["listen"]
    site.call.accept(conference_id=ROOM)
    connect = site.line.sent[-1]
    assert connect.control_address == ("192.0.2.1", 5000)
    site.call.control_opened()
    site.call.receive_control(
        message.parse(octets(MessageType.FACILITY, None, is_caller=True, carries=(7,))).control[0]
    )
    assert site.link.asked == ["listen", ("send", 1), ("send", 107)]
    assert await site.told() == [h245.UserInput("7")]
    site.call.release()
    assert site.link.asked[-2:] == [("send", 255), "close"]


async def test_a_failure_that_is_told_at_once_comes_in_its_turn():
    """Both ways of H.245 fail while the message that asked for them is still worked on."""
    site = Site(fails=True)
    site.hear(MessageType.SETUP, SETUP | {"h245Address": TRANSPORT}, tunnels=False)
    site.call.accept(conference_id=ROOM)
    assert site.link.asked == [("open", ADDRESS), "listen"]
    assert [type(event) for event in await site.told()] == [events.Released]
    assert site.line.types() == [MessageType.CALL_PROCEEDING, MessageType.CONNECT, MessageType.RELEASE_COMPLETE]


async def test_lost_connections_end_the_call():
    site = Site()
    site.hear(MessageType.SETUP, SETUP)
    site.call.signalling_lost()
    assert await site.told() == [events.Released(41, "adaptiveBusy", True)]
    assert (site.line.left, len(site.ended)) == (1, 1)


# ---- signatures

CALLED = (Alias(AliasKind.H323_ID, "or1"),)


def calling() -> Site:
    site = Site(is_incoming=False, signatures=Signatures(H323Settings(), Book(or1="theatre")))
    site.call.place(SetupRequest(called=CALLED), IDENTITY)
    return site


def answer(kind=MessageType.CONNECT, body=CONNECT, **others) -> bytes:
    return signed(kind, body | {"tokens": [TOKEN]}, is_from_destination=True, time_s=time.time(), **others)


async def test_a_signed_answer_vouches_for_its_keys():
    site = calling()
    site.call.receive(answer())
    assert site.call.account == "or1"
    assert [type(event) for event in await site.told()] == [events.TokensReceived, events.Connected]
    site.hear(MessageType.FACILITY, {"reason": ("undefinedReason", 0), "tokens": [TOKEN]})
    assert await site.told() == []
    assert site.counters == {"not-signed": 1}
    site.call.receive(answer(MessageType.FACILITY, {"reason": ("undefinedReason", 0)}, random=2))
    assert await site.told() == []
    assert site.counters == {"not-signed": 1, "tokens-not-vouched-for": 1}
    site.call.release()


async def test_unsigned_keys_that_came_first_are_those_of_the_call():
    """Whoever put his own before the terminal's would else be taken for it."""
    site = calling()
    site.hear(MessageType.CALL_PROCEEDING, DESTINATION | {"tokens": [TOKEN]})
    site.call.receive(answer())
    assert site.call.account == ""
    assert "Connected" in [type(event).__name__ for event in await site.told()]
    site.call.release()


async def test_an_answer_that_is_wrongly_signed_ends_the_call():
    site = calling()
    site.call.receive(answer(password="guess"))
    assert await site.told() == [events.Released(31, "securityDenied")]
    assert site.counters == {"signature-refused": 1}


async def test_keys_behind_a_signed_setup_are_not_taken():
    site = Site(account="or1")
    site.hear(MessageType.SETUP, SETUP | {"tokens": [TOKEN]})
    assert site.call.account == "or1"
    assert site.call.setup.tokens == (TOKEN,)
    site.hear(MessageType.FACILITY, {"reason": ("undefinedReason", 0), "tokens": [TOKEN]})
    assert await site.told() == []
    site.call.release()
