"""Whatever terminals say: no exception, nothing that the other cannot read, and an end to every call."""

from __future__ import annotations

import random

from signaling.h323.call import message
from signaling.h323.call import setup as setups
from signaling.h323.errors import MalformedPduError
from signaling.h323.h2351 import token
from signaling.h323.q931 import MAX_BYTES, MessageType
from signaling.h323.q931_elements import CallState
from signaling.h323.routing.effects import Answered, Ended, Side
from tests.signaling.h323.call.peer import CHANNEL, DESTINATION, ROOM, SETUP, TOKEN, TRANSPORT, octets
from tests.signaling.h323.routing.ends import SAME_CALL, Talk
from tests.signaling.h323.test_mutations import damaged

HASHED = token(1, 2, "drumtower", "or1", bytes(range(12)))
KEYS = {"tokens": [TOKEN], "cryptoTokens": [HASHED], "multipleCalls": True}
SETUPS = [
    octets(MessageType.SETUP, SETUP | KEYS | {"fastStart": message.encode_fast_start([CHANNEL])}, is_caller=True),
    octets(MessageType.SETUP, SETUP | {"h245Address": TRANSPORT, "hopCount": 3}, is_caller=True, carries=(1,)),
]
ANY_TIME = [
    (MessageType.FACILITY, None),
    (MessageType.FACILITY, {"reason": ("startH245", 0), "h245Address": TRANSPORT}),
    (MessageType.INFORMATION, {}),
    (MessageType.STATUS_ENQUIRY, {}),
    (MessageType.RELEASE_COMPLETE, {"reason": ("inConf", 0)}),
]
ANSWERS = [
    (MessageType.CALL_PROCEEDING, DESTINATION | KEYS),
    (MessageType.ALERTING, DESTINATION),
    (MessageType.CONNECT, DESTINATION | KEYS | {"conferenceID": ROOM}),
]
SAID = {
    Side.CALLER: [octets(kind, body, is_caller=True, carries=(2,)) for kind, body in ANY_TIME],
    Side.CALLED: [octets(kind, body, is_caller=False, identity=SAME_CALL) for kind, body in ANY_TIME + ANSWERS],
}


def signed(encode):
    return encode([token(3, 4, "ward", "drumtower", bytes(range(12)))])


def begin(dice: random.Random) -> Talk | None:
    setup = damaged(dice, SETUPS) if dice.randrange(2) else dice.choice(SETUPS)
    try:
        signal = message.parse(setup)
        if signal.type != MessageType.SETUP:
            return None
        setups.parse(signal)
    except MalformedPduError:
        return None
    seals = {side: {"seal": signed} for side in ("caller", "called") if dice.randrange(2)}
    return Talk(setup=setup, is_open=dice.randrange(4) > 0, is_signed=bool(dice.randrange(2)), **seals)


def test_damaged_messages():
    dice = random.Random(9)
    calls = passed = 0
    for _ in range(250):
        talk = begin(dice)
        if talk is None:
            continue
        calls += 1
        for _ in range(12):
            side = dice.choice(list(Side)) if talk.sent[Side.CALLED] else Side.CALLER
            unit = damaged(dice, SAID[side]) if dice.randrange(3) else dice.choice(SAID[side])
            talk.take(talk.call.receive(side, unit, talk.now))
            talk.waits(dice.random())
        for side in Side:
            passed += len(talk.heard(side))
        talk.waits(400)
        # While there is no connection, its timeout ends the call.
        assert talk.call.is_over or Answered() in talk.told or talk.call.state is CallState.NULL
    assert calls > 125
    assert passed > 3 * calls


def longest(control_bytes: int) -> bytes:
    """A Facility most of which stands in another codeset, shifted to once (Q.931 4.5.3)."""
    unit = message.serialize(
        MessageType.FACILITY, SAME_CALL, None, is_from_destination=True, is_tunnelling=True,
        control=[bytes(control_bytes)],
    )  # fmt: skip
    return unit[:5] + b"\x95" + (b"\x01\xff" + bytes(255)) * 61 + b"\x90" + unit[5:]


def test_what_grows_too_long_on_its_way_ends_the_call():
    """Each element of another codeset gets a shift of its own."""
    talk = Talk()
    unit = longest(4000 + MAX_BYTES - len(longest(4000)))
    assert len(unit) == MAX_BYTES
    talk.take(talk.call.receive(Side.CALLED, unit, 0))
    assert talk.ended() == Ended(100, "undefinedReason", None)


def test_what_is_as_long_as_may_be_is_passed_on():
    talk = Talk()
    talk.take(talk.call.receive(Side.CALLED, longest(4000), 0))
    assert [len(signal.control[0]) for signal in talk.heard(Side.CALLER)] == [4000]
