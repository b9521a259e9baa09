"""tshark reads every message of a routed call, on both legs, as it was meant."""

from __future__ import annotations

import pytest

from signaling.h323 import tpkt
from signaling.h323.call.message import encode_fast_start
from signaling.h323.h2351 import token
from signaling.h323.q931 import Element, Id, MessageType
from signaling.h323.q931_elements import cause
from signaling.h323.routing.effects import Side
from tests.signaling.h323.call.peer import CHANNEL, DESTINATION, ROOM, SETUP, TOKEN, TRANSPORT, octets
from tests.signaling.h323.dissection import dissect, tcp
from tests.signaling.h323.routing.ends import Talk

pytestmark = pytest.mark.interop

ENDS = {
    Side.CALLER: (("192.0.2.10", 40_000), ("192.0.2.1", 1720)),
    Side.CALLED: (("192.0.2.20", 1720), ("192.0.2.1", 41_000)),
}
HASHED = token(1, 2, "drumtower", "or1", bytes(range(12)))


def signed(encode):
    return encode([token(3, 4, "ward", "drumtower", bytes(range(12)))])


def packets(talk: Talk) -> list[bytes]:
    """What we send, each leg a connection."""
    made = []
    for side, (there, here) in ENDS.items():
        sequence = 1
        for unit in talk.sent[side]:
            made.append(tcp(here, there, tpkt.frame(unit), sequence))
            sequence += len(tpkt.frame(unit))
    return made


def converse() -> Talk:
    setup = SETUP | {
        "destinationAddress": [("dialledDigits", "702")], "cryptoTokens": [HASHED], "hopCount": 5,
        "fastStart": encode_fast_start([CHANNEL]), "tokens": [TOKEN], "endpointIdentifier": "EP1",
    }  # fmt: skip
    talk = Talk(
        setup=octets(MessageType.SETUP, setup, is_caller=True, carries=(1,)), is_signed=True, is_open=False,
        called={"seal": signed},
    )  # fmt: skip
    talk.waits(3)
    talk.open()
    news = {"h245Address": TRANSPORT, "fastStart": encode_fast_start([CHANNEL])}
    talk.says(Side.CALLED, MessageType.CALL_PROCEEDING, DESTINATION | news, carries=(2,))
    talk.says(Side.CALLED, MessageType.ALERTING, DESTINATION | {"cryptoTokens": [HASHED]})
    talk.says(Side.CALLED, MessageType.PROGRESS, DESTINATION)
    talk.says(Side.CALLED, MessageType.CONNECT, DESTINATION | {"conferenceID": ROOM, "multipleCalls": True})
    for side in Side:
        talk.says(side, MessageType.INFORMATION, {}, elements=(Element(Id.KEYPAD, b"2468#"),))
        talk.says(side, MessageType.FACILITY, None, carries=(3,))
        talk.says(side, MessageType.STATUS_ENQUIRY, {})
        talk.says(side, MessageType.NOTIFY, {}, elements=(Element(Id.NOTIFICATION_INDICATOR, b"\xe0"),))
    talk.says(Side.CALLER, MessageType.RELEASE_COMPLETE, {"reason": ("undefinedReason", 0)}, elements=(cause(16),))
    return talk


def test_both_legs_are_read(tmp_path):
    talk = converse()
    assert talk.call.is_over
    frames = dissect(packets(talk), tmp_path)
    text = "\n".join(frames)
    for said in (
        "Message type: SETUP (0x05)",
        "Message type: CALL PROCEEDING (0x02)",
        "Message type: CONNECT (0x07)",
        "provisionalRespToH245Tunnelling",
        "forwardedElements",
        "transportedInformation",
        "hopCount: 4",
        "cryptoHashedToken",
        "Keypad facility: 2468#",
        "Message type: RELEASE COMPLETE (0x5a)",
    ):
        assert said in text, said
    assert "endpointIdentifier" not in text


def test_what_we_say_ourselves_is_read(tmp_path):
    talk = Talk(called={"seal": signed}, caller={"seal": signed})
    talk.waits(10)
    frames = dissect(packets(talk), tmp_path)
    released = [frame for frame in frames if "RELEASE COMPLETE" in frame]
    assert len(released) == 2
    assert all("No user responding (18)" in frame for frame in released)
