from __future__ import annotations

import pytest

from signaling.h323.h245.capability_exchange import MOST_DESCRIPTORS, MOST_ENTRIES, T101_S, CapabilityExchange
from signaling.h323.h245.events import CapabilitiesReceived, Held, Resumed
from tests.signaling.h323.h245.talk import SOUND, Talk, control, names

TCS, ACK, REJECT, RELEASE = (f"terminalCapabilitySet{end}" for end in ("", "Ack", "Reject", "Release"))


def entry(number, name="g711Ulaw64k"):
    return {"capabilityTableEntryNumber": number, "capability": ("receiveAudioCapability", (name, 20))}


def said(sequence, *entries, **parts):
    table = {"capabilityTable": list(entries)} if entries else {}
    return {"sequenceNumber": sequence, "protocolIdentifier": (0, 0, 8, 245, 0, 3), **table, **parts}


def received(effects):
    (found,) = [each for each in effects if isinstance(each, CapabilitiesReceived)]
    return {
        each["capabilityTableEntryNumber"]: each["capability"][1][0] for each in found.capability_set["capabilityTable"]
    }


def test_our_set_goes_out_and_is_acknowledged():
    exchange = CapabilityExchange(SOUND)
    (sent,) = exchange.send(0.0)
    assert sent.message[1][1]["capabilityTable"] == SOUND["capabilityTable"]
    assert exchange.deadline == T101_S
    assert exchange.receive(ACK, {"sequenceNumber": 99}, 0.0) == []
    assert exchange.deadline is not None
    exchange.receive(ACK, {"sequenceNumber": sent.message[1][1]["sequenceNumber"]}, 0.0)
    assert exchange.deadline is None
    assert not exchange.is_complete


def test_sequence_numbers_go_round():
    exchange = CapabilityExchange(SOUND)
    for turn in range(1, 300):
        (sent,) = exchange.send(0.0)
        assert sent.message[1][1]["sequenceNumber"] == turn % 256
        exchange.receive(ACK, {"sequenceNumber": turn % 256}, 0.0)


def test_a_change_waits_for_the_answer_to_the_last_set():
    exchange = CapabilityExchange(SOUND)
    exchange.send(0.0)
    assert exchange.hold(1.0) == exchange.hold(1.0) == []
    (sent,) = exchange.receive(ACK, {"sequenceNumber": 1}, 2.0)
    assert sent.message[1] == (TCS, {"sequenceNumber": 2, "protocolIdentifier": (0, 0, 8, 245, 0, 15)})


def test_no_answer_and_a_refusal():
    exchange = CapabilityExchange(SOUND)
    exchange.send(0.0)
    assert names(exchange.expire(T101_S)) == [RELEASE, "Failed"]
    exchange.send(0.0)
    assert names(exchange.receive(REJECT, {"sequenceNumber": 2, "cause": ("unspecified", 0)}, 0.0)) == ["Failed"]
    assert exchange.receive(REJECT, {"sequenceNumber": 2, "cause": ("unspecified", 0)}, 0.0) == []


def test_entries_come_go_and_change():
    exchange = CapabilityExchange(SOUND)
    assert received(exchange.receive(TCS, said(1, entry(1), entry(2)), 0.0)) == {1: "g711Ulaw64k", 2: "g711Ulaw64k"}
    gone = {"capabilityTableEntryNumber": 1}
    change = exchange.receive(TCS, said(2, gone, entry(2, "g711Alaw64k"), entry(3)), 0.0)
    assert received(change) == {2: "g711Alaw64k", 3: "g711Ulaw64k"}
    assert names(change)[0] == ACK


def test_the_peers_table_is_bounded():
    exchange = CapabilityExchange(SOUND)
    exchange.receive(TCS, said(1, *(entry(number) for number in range(1, MOST_ENTRIES + 1))), 0.0)
    (refusal,) = exchange.receive(TCS, said(2, entry(MOST_ENTRIES + 1)), 0.0)
    assert refusal.message[1][0] == REJECT
    assert names(exchange.receive(TCS, said(3, entry(1, "g711Alaw64k")), 0.0)) == [ACK, "CapabilitiesReceived"]


def test_descriptors_are_bounded():
    exchange = CapabilityExchange(SOUND)
    many = [{"capabilityDescriptorNumber": n, "simultaneousCapabilities": [[1]]} for n in range(MOST_DESCRIPTORS + 1)]
    (refusal,) = exchange.receive(TCS, said(1, entry(1), capabilityDescriptors=many), 0.0)
    assert refusal.message[1][1]["cause"] == ("descriptorCapacityExceeded", 0)
    assert names(exchange.receive(TCS, said(2, entry(1), capabilityDescriptors=many[:9]), 0.0))[0] == ACK
    gone = [{"capabilityDescriptorNumber": 3}]
    (_, changed) = exchange.receive(TCS, said(3, capabilityDescriptors=gone), 0.0)
    assert len(changed.capability_set["capabilityDescriptors"]) == 8


@pytest.mark.parametrize("parts", [{}, {"genericInformation": []}])
def test_an_empty_set_holds_and_the_next_one_resumes(parts):
    exchange = CapabilityExchange(SOUND)
    exchange.receive(TCS, said(1, entry(1)), 0.0)
    assert Held() in exchange.receive(TCS, said(2, **parts), 0.0)
    assert names(exchange.receive(TCS, said(3), 0.0)) == [ACK]
    effects = exchange.receive(TCS, said(4, entry(5)), 0.0)
    assert Resumed() in effects
    assert received(effects) == {5: "g711Ulaw64k"}


def test_two_ends_hold_and_resume_and_agree_again():
    talk = Talk(control(1), control(9)).start()
    assert [names(talk.events(end)) for end in (talk.left, talk.right)] == [["CapabilitiesReceived", "Ready"]] * 2
    talk.say(talk.right, talk.right.hold(talk.now))
    assert names(talk.events(talk.left)) == ["Held"]
    assert not talk.left.is_ready
    talk.say(talk.right, talk.right.resume(talk.now))
    assert names(talk.events(talk.left)) == ["Resumed", "CapabilitiesReceived", "Ready"]
    assert names(talk.events(talk.right)) == ["CapabilitiesReceived", "Ready"]
    assert (talk.left.is_master, talk.right.is_master) == (True, False)


def test_the_peer_may_ask_for_our_set_again():
    talk = Talk(control(1), control(9)).start()
    talk.events(talk.left)
    effects = talk.right.receive(("command", ("sendTerminalCapabilitySet", ("genericRequest", 0))), 0.0)
    assert names(effects) == [TCS]
