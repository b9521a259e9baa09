from __future__ import annotations

import random

import pytest

from crypto.h235.diffie_hellman import DH_1024
from mcu.media import Kind
from signaling.h323 import per
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245.events import Send
from tests.signaling.h323.call_media.pair import LEFT, MCU, RIGHT, TERMINAL, End, Pair, agreed


def spoken(security=(None, None)):
    """All that two ends say to each other in a call with content, a hold and new keys, as octets of the right one."""
    pair = Pair(End(LEFT, MCU, security=security[0]), End(RIGHT, TERMINAL, security=security[1])).start()
    right = pair.right
    pair.say(right, right.media.open_content(pair.now))
    pair.say(right, right.media.renew_keys(pair.now))
    pair.say(right, right.control.flow_control(None, 384_000))
    pair.say(right, right.control.request_mode([[{"type": ("audioMode", ("g711Ulaw64k", 0))}]], pair.now))
    pair.say(right, right.control.hold(pair.now))
    pair.say(right, right.control.resume(pair.now))
    pair.say(right, right.control.ask_close(right.numbers(Kind.AUDIO)[1][0], pair.now, "reopen"))
    return [octets for end, octets in pair.line if end is right]


def hear(end, octets, now):
    """All that one message does, to the last effect."""
    try:
        message = per.decode(per.Type.H245, octets)
    except MalformedPduError:
        return
    waiting = list(end.control.receive(message, now)) if isinstance(message[1], tuple) else []
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, Send):
            per.encode(per.Type.H245, each.message)
        else:
            waiting += end.hear(each, now)


@pytest.mark.exhaustive
def test_changed_messages_do_no_harm():
    """Whatever comes: no exception, and what is known of channels stays bounded."""
    dice = random.Random(7)
    lines = [spoken(), spoken(agreed(DH_1024))]
    for round_number in range(24):
        security = agreed(DH_1024)[0] if round_number % 2 else None
        end = End(LEFT, MCU if round_number % 3 else TERMINAL, security=security)
        end.control.start(0.0)
        for octets in lines[round_number % 2]:
            hear(end, octets, 0.0)
            changed = bytearray(octets)
            for _ in range(dice.randint(1, 3)):
                changed[dice.randrange(len(changed))] = dice.randrange(256)
            hear(end, bytes(changed), 0.0)
        assert len(end.media._negotiation.incoming) <= 8
        assert len(end.media._negotiation.outgoing) <= 4


@pytest.mark.exhaustive
def test_messages_in_any_order_do_no_harm():
    dice = random.Random(8)
    line = spoken(agreed(DH_1024))
    for _ in range(20):
        end = End(LEFT, MCU, security=agreed(DH_1024)[0])
        end.control.start(0.0)
        for octets in dice.choices(line, k=40):
            hear(end, octets, 0.0)
        assert len(end.media._negotiation.incoming) <= 8
