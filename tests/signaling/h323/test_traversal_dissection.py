"""tshark, which has its own H.460.18 and H.460.19, reads what we say of firewalls as we meant it."""

from __future__ import annotations

import pytest

from signaling.h323 import per, tpkt, traversal
from signaling.h323.call import events
from signaling.h323.call.call import Call
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.setup import SetupRequest
from signaling.h323.transport import call_backs
from tests.signaling.h323.call.peer import IDENTITY
from tests.signaling.h323.call_media.test_traversal import MULTIPLEXED, SERVER, call
from tests.signaling.h323.dissection import Dissection, dissect, tcp, udp
from tests.signaling.h323.h245.talk import control

pytestmark = [pytest.mark.interop, pytest.mark.shares]

OURS, TERMINAL = ("192.0.2.1", 1720), ("198.51.100.7", 40_000)
CALL = bytes(range(16))
CALL_TEXT = "00010203-0405-0607-0809-0a0b0c0d0e0f"


def setup() -> bytes:
    placed = Call(LocalEndpoint(display="MCU", traversal=SERVER), control(1)).place(
        SetupRequest(has_hidden_callee=True), IDENTITY, 0.0
    )
    return next(effect.octets for effect in placed if isinstance(effect, events.SendSignalling))


def test_a_call_to_a_terminal_that_opens_its_connection(tmp_path):
    indication = ("serviceControlIndication", {"requestSeqNum": 1, "serviceControl": [],
                                               "genericData": [traversal.call_indication(OURS, CALL)]})  # fmt: skip
    facility = tpkt.frame(call_backs.answer(CALL))
    sci, named, asked = dissect(
        [
            udp(("192.0.2.1", 1719), TERMINAL, per.encode(per.Type.RAS, indication)),
            tcp(TERMINAL, OURS, facility),
            tcp(OURS, TERMINAL, tpkt.frame(setup()), acknowledged=1 + len(facility)),
        ],
        tmp_path,
    )
    for said in ("Signalling Traversal", "IncomingCallIndication", "ip: 192.0.2.1", "port: 1720", CALL_TEXT):
        assert said in sci, said
    for said in ("Message type: FACILITY (0x62)", "reason: undefinedReason", CALL_TEXT, "Call reference value: 0000"):
        assert said in named, said
    for said in ("mediaNATFWTraversal", "supportTransmitMultiplexedMedia", "mediaTraversalServer"):
        assert said in asked, said


def test_channels_and_the_connection_of_a_call(tmp_path):
    _, _, pair = call(MULTIPLEXED)
    told = traversal.correlation(CALL, is_answer=True)
    first = per.encode(per.Type.H245, ("indication", ("genericIndication", told)))
    dissection = Dissection([first, *(octets for _, octets in pair.line)], tmp_path)
    text = dissection.text()
    assert "Malformed" not in text
    for said in (
        "Signalling Traversal", "subMessageIdentifier: 1", "1 - callIdentifier", "2 - answerCall",
        "mediaNATFWTraversal", "Traversal Parameters", "keepAlivePayloadType: 127", "keepAliveInterval: 19",
        "multiplexID: 100", "multiplexID: 201", "multiplexedMediaChannel: unicastAddress",
        "multiplexedMediaControlChannel: unicastAddress", "keepAliveChannel: unicastAddress",
    ):  # fmt: skip
        assert said in text, said
