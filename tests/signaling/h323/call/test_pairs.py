"""Both ends are ours, H.245 and all: every way of H.245 leads to the same call."""

from __future__ import annotations

import itertools

import pytest

from crypto.h235.password_key import PasswordKey
from signaling.h323 import h2351, q931
from signaling.h323.call import events, message
from signaling.h323.h245 import events as h245
from signaling.h323.q931_elements import CallState
from tests.signaling.h323.call.peer import CHANNEL, ROOM, TOKEN
from tests.signaling.h323.call.wire import Wire, accepting

WAYS = list(itertools.product((True, False), (True, False), (True, False)))


@pytest.mark.parametrize(("caller_tunnels", "called_tunnels", "is_fast"), WAYS)
def test_every_way_leads_to_ready_and_back(caller_tunnels, called_tunnels, is_fast):
    channels = (CHANNEL,) if is_fast else ()
    wire = Wire(accepting(fast_start=channels, tokens=[TOKEN]), (caller_tunnels, called_tunnels))
    wire.dial(fast_start=channels, tokens=(TOKEN,))
    caller, called = wire.ends
    for end in wire.ends:
        assert end.call.state is CallState.ACTIVE
        assert end.call.is_tunnelling == (caller_tunnels and called_tunnels)
        assert end.find(h245.Ready).is_master == (end is called)  # 51 against 50 (H.245 C.2)
        assert "Released" not in end.names()
    assert caller.find(events.Connected).conference_id == ROOM
    assert caller.find(events.TokensReceived).tokens == called.find(events.Incoming).setup.tokens == (TOKEN,)
    assert ("FastStartAnswered" in caller.names()) == is_fast
    wire.do(called, called.call.carry(called.control.user_input("42"), wire.now))
    wire.run()
    assert caller.find(h245.UserInput).digits == "42"
    wire.do(caller, caller.call.release(wire.now))
    wire.run()
    assert [end.names().count("Released") for end in wire.ends] == [1, 1]
    assert caller.find(events.Released) == events.Released(16, "undefinedReason")
    assert called.find(events.Released) == events.Released(16, "undefinedReason", True)
    assert [end.call.next_timeout() for end in wire.ends] == [None, None]


@pytest.mark.parametrize(("caller_tunnels", "called_tunnels", "is_fast"), WAYS)
def test_both_may_hang_up_at_once(caller_tunnels, called_tunnels, is_fast):
    channels = (CHANNEL,) if is_fast else ()
    wire = Wire(accepting(fast_start=channels), (caller_tunnels, called_tunnels))
    wire.dial(fast_start=channels)
    for end in wire.ends:
        wire.do(end, end.call.release(wire.now, reason="undefinedReason"))
    wire.run()
    for end in wire.ends:
        assert end.names().count("Released") == 1
        assert end.find(events.Released) == events.Released(31, "undefinedReason", False)


@pytest.mark.parametrize("tunnels", [True, False])
def test_every_message_can_be_signed(tunnels):
    key = PasswordKey.of("secret")
    counter = itertools.count(1)

    def seal(encode):
        number = next(counter)
        return h2351.sign(key, lambda digest: encode([h2351.token(1000, number, "them", "us", digest)]))

    wire = Wire(accepting(tokens=[TOKEN]), (tunnels, True), seal)
    wire.dial()
    called = wire.ends[1]
    wire.do(called, called.call.keep_alive(0))
    wire.do(called, called.call.carry(called.control.user_input("42"), wire.now))
    wire.do(called, called.call.release(0))
    wire.run()
    assert len(wire.signalling) >= next(counter) - 1 >= 6
    for octets in wire.signalling:
        signed = h2351.find(message.parse(octets).crypto_tokens)
        information = q931.parse(octets).user_information
        assert h2351.is_genuine(key, signed, information)
        assert not h2351.is_genuine(key, signed, information[:-1] + b"\x55")
    assert wire.ends[0].find(h245.UserInput).digits == "42"


def test_a_refused_call_is_told_to_both():
    def refuse(wire, end, event):
        if isinstance(event, events.Incoming):
            wire.do(end, end.call.release(wire.now, reason="securityDenied"))

    wire = Wire(refuse)
    wire.dial()
    assert wire.ends[0].find(events.Released) == events.Released(31, "securityDenied", True)


def test_a_peer_that_answers_status_is_there():
    wire = Wire(accepting())
    wire.dial()
    for end in wire.ends:
        wire.do(end, end.call.ask_status(wire.now))
    wire.run()
    assert [end.find(events.StatusReceived).state for end in wire.ends] == [10, 10]
