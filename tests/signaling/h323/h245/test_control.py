from __future__ import annotations

import random

import pytest

from signaling.h323 import per
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245.events import (
    EncryptionUpdate,
    EncryptionUpdated,
    EncryptionUpdateWanted,
    EndSession,
    FastUpdate,
    FlowControl,
    ModeAnswered,
    ModeRequested,
    PictureRequest,
    Ready,
    RoundTrip,
    Send,
    UserInput,
    UserInputUpdate,
)
from signaling.h323.h245.logical_channel import LogicalChannel
from signaling.h323.h245.mode_request import T109_S
from signaling.h323.h245.round_trip import T105_S
from tests.signaling.h323.h245.talk import SOUND, Talk, control, names, told

SYNC = {"synchFlag": 98, "h235Key": b"opaque"}
MODE = [{"type": ("audioMode", ("g711Ulaw64k", 0))}]


@pytest.fixture
def talk():
    talk = Talk(control(1), control(9)).start()
    talk.events(talk.left), talk.events(talk.right)
    return talk


def test_both_ends_agree_who_is_master():
    talk = Talk(control(1), control(9, terminal_type=50)).start()
    assert talk.events(talk.left)[-1] == Ready(is_master=True)
    assert talk.events(talk.right)[-1] == Ready(is_master=False)
    assert talk.left.next_timeout() is talk.right.next_timeout() is None


def test_a_peer_that_waits_for_our_questions():
    """Some gateways answer, and send their own set only after ours is acknowledged."""
    end = control(1)
    end.start(0.0)
    end.receive(("response", ("masterSlaveDeterminationAck", {"decision": ("master", 0)})), 0.0)
    assert told(end.receive(("response", ("terminalCapabilitySetAck", {"sequenceNumber": 1})), 0.0)) == []
    theirs = {"sequenceNumber": 1, "protocolIdentifier": (0, 0, 8, 245, 0, 3), **SOUND}
    assert names(end.receive(("request", ("terminalCapabilitySet", theirs)), 0.0)) == [
        "terminalCapabilitySetAck", "CapabilitiesReceived", "Ready",
    ]  # fmt: skip


@pytest.mark.parametrize("picture", list(PictureRequest))
def test_pictures_are_asked_for(talk, picture):
    talk.say(talk.left, talk.left.fast_update(5, picture))
    assert talk.events(talk.right) == [FastUpdate(5, picture)]


@pytest.mark.parametrize(
    ("number", "rate", "heard"),
    [(5, 64_050, 64_000), (None, 0, 0), (5, None, None), (None, 2_000_000_000, 1_677_721_500)],
)
def test_rates_are_told(talk, number, rate, heard):
    talk.say(talk.left, talk.left.flow_control(number, rate))
    assert talk.events(talk.right) == [FlowControl(number, heard)]


def test_digits_go_both_ways(talk):
    talk.say(talk.left, talk.left.user_input("24x68#*d"))
    talk.say(talk.left, talk.left.signal("5", 90))
    talk.say(talk.left, talk.left.signal("!"))
    talk.say(talk.left, talk.left.signal_update(70_000))
    assert talk.events(talk.right) == [
        UserInput("2468#*D"), UserInput("5", 90), UserInput("!"), UserInputUpdate(65_535),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="one of"):
        talk.left.signal("12")


def test_octets_of_a_gateway():
    """What a router of Cisco printed beside `signalType "9"`, `duration 100` (debug h245 asn1)."""
    octets = bytes.fromhex("6D810447200063")
    assert control(1).receive(per.decode(per.Type.H245, octets), 0.0) == [UserInput("9", 100)]
    (ours,) = control(1).signal("9", 100)
    assert per.encode(per.Type.H245, ours.message) == octets


@pytest.mark.parametrize(
    "said",
    [
        ("alphanumeric", ""), ("alphanumeric", "\u00e4 "), ("userInputSupportIndication", ("basicString", 0)),
        ("nonStandard", {"nonStandardIdentifier": ("object", (1, 2)), "data": b""}),
    ],
)  # fmt: skip
def test_user_input_without_keys(said):
    end = control(1)
    assert end.receive(("indication", ("userInput", said)), 0.0) == []
    assert end.machines.ignored == 1


def test_other_ways_to_say_keys():
    end = control(1)
    signal = {"signalType": "7", "duration": 200, "rtp": {"logicalChannelNumber": 1, "timestamp": 9}}
    assert end.receive(("indication", ("userInput", ("signal", signal))), 0.0) == [UserInput("7", 200)]
    extended = ("extendedAlphanumeric", {"alphanumeric": "12"})
    assert end.receive(("indication", ("userInput", extended)), 0.0) == [UserInput("12")]


def test_the_way_there_and_back_is_measured(talk):
    asked = talk.left.measure_round_trip(10.0)
    answered = talk.right.receive(asked[0].message, 10.1)
    assert talk.left.receive(answered[0].message, 10.25) == [RoundTrip(0.25)]
    talk.left.measure_round_trip(20.0)
    assert talk.left.receive(answered[0].message, 20.1) == []
    assert talk.left.on_timeout(20.0 + T105_S) == [RoundTrip(None)]


@pytest.mark.parametrize(("chosen", "verdict"), [(0, True), (1, True), (None, False)])
def test_modes_are_asked_for(talk, chosen, verdict):
    talk.say(talk.left, talk.left.request_mode([MODE, MODE], 0.0))
    assert talk.events(talk.right) == [ModeRequested((tuple(MODE), tuple(MODE)))]
    talk.say(talk.right, talk.right.answer_mode(chosen))
    assert talk.events(talk.left) == [ModeAnswered(verdict)]
    assert talk.right.answer_mode(0) == []


def test_a_mode_nobody_answers(talk):
    talk.say(talk.left, talk.left.request_mode([MODE], 0.0))
    effects = talk.left.on_timeout(T109_S)
    assert names(effects) == ["requestModeRelease", "ModeAnswered"]
    talk.say(talk.left, effects)
    assert talk.right.answer_mode(0) == []


@pytest.mark.parametrize("is_left_ours", [True, False])
def test_keys_are_changed(talk, is_left_ours):
    """The left end is master; each end says of whom the channel is, and the direction is as H.245 has it."""
    talk.say(talk.right, talk.right.ask_encryption_update(5, not is_left_ours, 97))
    assert talk.events(talk.left) == [EncryptionUpdateWanted(5, is_left_ours)]
    update = talk.left.update_encryption(5, is_left_ours, SYNC)
    direction = "masterToSlave" if is_left_ours else "slaveToMaster"
    assert update[0].message[1][1]["direction"] == (direction, 0)
    talk.say(talk.left, update)
    assert talk.events(talk.right) == [EncryptionUpdate(5, not is_left_ours, SYNC)]
    talk.say(talk.right, talk.right.acknowledge_encryption(5, not is_left_ours, 98))
    assert talk.events(talk.left) == [EncryptionUpdated(5, is_left_ours, 98)]


def test_a_key_of_the_second_version():
    command = ("miscellaneousCommand", {"logicalChannelNumber": 5, "type": ("encryptionUpdate", SYNC)})
    assert control(1).receive(("command", command), 0.0) == [EncryptionUpdate(5, False, SYNC)]


@pytest.mark.parametrize(
    "message",
    [
        ("indication", ("jitterIndication", {
            "scope": ("wholeMultiplex", 0), "estimatedReceivedJitterMantissa": 0,
            "estimatedReceivedJitterExponent": 0})),
        ("indication", ("vendorIdentification", {"vendor": ("object", (1, 2))})),
        ("indication", ("functionNotUnderstood", ("command", ("maintenanceLoopOffCommand", {})))),
        ("indication", ("miscellaneousIndication", {"logicalChannelNumber": 1, "type": ("logicalChannelActive", 0)})),
        ("command", ("miscellaneousCommand", {"logicalChannelNumber": 1, "type": ("zeroDelay", 0)})),
        ("request", ("nonStandard", {
            "nonStandardData": {"nonStandardIdentifier": ("object", (1, 2)), "data": b"x"}})),
    ],
)  # fmt: skip
def test_what_asks_for_nothing_is_counted(message):
    end = control(1)
    assert end.receive(message, 0.0) == []
    assert end.machines.ignored == 1


@pytest.mark.parametrize(
    "message",
    [
        ("request", ("maintenanceLoopRequest", {"type": ("systemLoop", 0)})),
        ("request", ("communicationModeRequest", {})),
        ("command", ("maintenanceLoopOffCommand", {})),
        ("response", ("multilinkResponse", ("addConnection", {"sequenceNumber": 1, "responseCode": ("accepted", 0)}))),
    ],
)
def test_what_we_do_not_do_goes_back(message):
    (answer,) = control(1).receive(message, 0.0)
    assert answer.message == ("indication", ("functionNotUnderstood", message))
    assert per.decode(per.Type.H245, per.encode(per.Type.H245, answer.message)) == answer.message


@pytest.mark.parametrize(
    "message",
    [
        ("_ext_4", b"\0"),
        ("request", ("_ext_9", b"\0")),
        ("request", ("conferenceRequest", ("_ext_31", b"\0"))),
        ("request", ("maintenanceLoopRequest", {"type": ("_ext_3", b"\0")})),
    ],
)
def test_what_a_later_version_says(message):
    (answer,) = control(1).receive(message, 0.0)
    assert answer.message == ("indication", ("functionNotSupported", {"cause": ("unknownFunction", 0)}))


def test_a_long_message_is_not_repeated():
    element = {"type": ("logicalChannelNumber", 1), "repeatCount": ("untilClosingFlag", 0)}
    descriptors = [{"multiplexTableEntryNumber": n, "elementList": [element] * 200} for n in range(1, 9)]
    message = ("request", ("multiplexEntrySend", {"sequenceNumber": 1, "multiplexEntryDescriptors": descriptors}))
    assert names(control(1).receive(message, 0.0)) == ["functionNotSupported"]


def test_the_end(talk):
    talk.say(talk.left, talk.left.end_session())
    assert talk.events(talk.right) == [EndSession()]
    assert talk.events(talk.left) == []
    for end in (talk.left, talk.right):
        assert end.is_ended
        assert end.end_session() == end.user_input("1") == end.on_timeout(1e9) == []
        assert end.receive(("indication", ("userInput", ("alphanumeric", "1"))), 0.0) == []
        assert end.next_timeout() is None


def test_a_failure_is_the_end_too():
    end = control(1)
    end.start(0.0)
    effects = end.on_timeout(30.0)
    assert names(effects)[-1] == "Failed"
    assert names(effects).count("Failed") == 1
    assert end.is_ended


def test_verbs_are_ours_alone(talk):
    """Each verb gives what the codec takes."""
    ours = LogicalChannel(3, 1, ("audioData", ("g711Alaw64k", 20)))
    for effect in [*talk.left.open(ours, 0.0), *talk.left.set_capabilities(SOUND, 0.0)]:
        assert isinstance(effect, Send)
        per.encode(per.Type.H245, effect.message)


def test_whatever_octets_come_nothing_is_raised_and_all_answers_can_be_sent(talk):
    """Messages of a whole call with octets changed: they are malformed, or taken."""
    talk.say(talk.left, [*talk.left.user_input("1"), *talk.left.request_content(5, 0.0), *talk.left.ask_password()])
    talk.say(talk.left, talk.left.open(LogicalChannel(3, 1, ("audioData", ("g711Alaw64k", 20))), 0.0))
    talk.say(talk.left, [*talk.left.fast_update(3), *talk.left.flow_control(3, 1), *talk.left.measure_round_trip(0.0)])
    unknown = ("request", ("maintenanceLoopRequest", {"type": ("systemLoop", 0)}))
    line = [*talk.line, per.encode(per.Type.H245, unknown)]
    dice = random.Random(4)
    end = control(5)
    taken = 0
    for _ in range(1500):
        octets = bytearray(dice.choice(line))
        for _ in range(dice.randint(1, 3)):
            octets[dice.randrange(len(octets))] = dice.randrange(256)
        try:
            message = per.decode(per.Type.H245, bytes(octets))
        except MalformedPduError:
            continue
        taken += 1
        if end.is_ended:
            end = control(5)
        for effect in end.receive(message, 0.0):
            if isinstance(effect, Send):
                per.encode(per.Type.H245, effect.message)
    assert taken > 200
