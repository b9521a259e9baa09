"""tshark reads every message of a call as we meant it."""

from __future__ import annotations

import pytest

from signaling.h323.call import events
from signaling.h323.ras.alias import Alias, AliasKind
from tests.signaling.h323.call.peer import ADDRESS, CHANNEL, ROOM, TOKEN
from tests.signaling.h323.call.wire import Wire, accepting
from tests.signaling.h323.dissection import dissect

pytestmark = [pytest.mark.interop, pytest.mark.shares]


def test_a_tunnelled_call_with_fast_start_is_read(tmp_path):
    wire = Wire(accepting(fast_start=[CHANNEL], tokens=[TOKEN]))
    wire.dial(fast_start=(CHANNEL,), tokens=(TOKEN,), endpoint_identifier="EP1", called_address=ADDRESS)
    caller, called = wire.ends
    for end, effects in (
        (caller, caller.call.keypad("2468#", 0)),
        (caller, caller.call.ask_status(0)),
        (caller, caller.call.keep_alive(0)),
        (called, called.call.redirect("routeCallToMC", 0, address=ADDRESS, aliases=[Alias(AliasKind.H323_ID, "x")],
                                      conference_id=ROOM)),
    ):  # fmt: skip
        wire.do(end, effects)
        wire.run()
    wire.do(caller, caller.call.release(0))
    wire.run()
    frames = dissect(wire.packets, tmp_path)
    assert all("Q.931" in frame and "H.225.0 CS" in frame for frame in frames)
    text = "\n".join(frames)
    for said in (
        "Message type: SETUP (0x05)",
        "Message type: CALL PROCEEDING (0x02)",
        "Message type: ALERTING (0x01)",
        "Message type: CONNECT (0x07)",
        "Message type: FACILITY (0x62)",
        "Message type: INFORMATION (0x7b)",
        "Message type: STATUS ENQUIRY (0x75)",
        "Message type: STATUS (0x7d)",
        "Message type: RELEASE COMPLETE (0x5a)",
        "Keypad facility: 2468#",
        "Display information: End 1",
        "Called party number digits: 777",
        "Cause value: Normal call clearing (16)",
        "Call state: Active (0x0a)",
        "h323-ID: end0",
        "dialledDigits: 777",
        "h245Tunnelling: True",
        "terminalCapabilitySet",
        "masterSlaveDetermination",
        "endSessionCommand: disconnect (1)",
        "routeCallToMC",
        "endpointIdentifier: EP1",
        "0.0.8.235.0.3.24",
        "g711Ulaw64k",
    ):
        assert said in text, said
    setup = frames[0]
    assert "conferenceGoal: create (0)" in setup
    assert "Call reference flag: Message sent from originating side" in setup
    assert "fastStart: 1 item" in setup


@pytest.mark.parametrize("tunnels", [(True, False), (False, True)])
def test_a_call_with_h245_on_its_own_connection_is_read(tunnels, tmp_path):
    wire = Wire(accepting(), tunnels)
    wire.dial()
    caller, called = wire.ends
    wire.do(called, called.call.carry(called.control.user_input("1"), 0))
    wire.run()
    wire.do(called, called.call.release(0, reason="inConf"))
    wire.run()
    frames = dissect(wire.packets, tmp_path)
    text = "\n".join(frames)
    for said in ("h245Address: ipAddress", "h245Tunnelling: False", "User busy (17)", "reason: inConf"):
        assert said in text, said
    control = [frame for frame in frames if "MULTIMEDIA-SYSTEM-CONTROL" in frame or "H.245" in frame]
    assert any("PDU Type: request (0)" in frame and "terminalCapabilitySet" in frame for frame in control)
    assert any("userInput" in frame for frame in control)
    assert any("endSessionCommand" in frame for frame in control)
    assert caller.find(events.Released).is_by_peer
