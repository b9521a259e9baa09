"""Everything that we can say in H.245, read by a dissector that is not ours. No network: a file and a program."""

from __future__ import annotations

import pytest

from crypto.h235.algorithm import Algorithm
from mcu.media import Kind
from signaling.h323.capabilities import channel, own, remote
from signaling.h323.capabilities.capability import H264
from signaling.h323.capabilities.choice import choose
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.h245.conference import Label
from signaling.h323.h245.events import ChannelOffered, PictureRequest
from signaling.h323.h245.logical_channel import ChannelAnswer
from tests.peers import needs_programs
from tests.signaling.h323.dissection import Dissection
from tests.signaling.h323.h245.talk import Talk, control

OURS = OwnMedia(algorithms=(Algorithm.AES_256_CBC, Algorithm.AES_128_CBC), h264=H264(100, 31, 216_000, 5_120))
SYNC = {"synchFlag": 110, "h235Key": bytes.fromhex("801d3009608648016503040102001000112233445566778899aabbccddeeff")}
MODE = [{"type": ("audioMode", ("g711Ulaw64k", 0))}]


def whole_call() -> list[bytes]:
    """Two ends that use every verb of Control once at least."""
    ends = (control(1, capability_set=own.capability_set(OURS)), control(9, capability_set=own.capability_set(OURS)))
    talk = Talk(*ends).start()
    left, right = ends
    (told,) = [each for each in talk.events(left) if hasattr(each, "capability_set")]
    talk.events(right)
    for kind, medium in choose(remote.read(told.capability_set), OURS, Kind).items():
        number = left.new_channel_number()
        session = left.new_session_id() if kind is Kind.CONTENT else None
        ours = channel.write(number, medium, ("192.0.2.1", 5001), session, encryption_sync=SYNC)
        talk.say(left, left.open(ours, 0.0))
        offer = talk.events(right)[-1]
        assert isinstance(offer, ChannelOffered)
        answer = ChannelAnswer(("2001:db8::2", 7000), ("2001:db8::2", 7001), medium.payload_type, encryption_sync=SYNC)
        talk.say(right, right.accept(number, answer, 0.0))
    _commands(talk)
    _conference(talk)
    talk.say(right, right.ask_close(1, 0.0))
    talk.say(left, left.close(2, 0.0))
    talk.say(left, left.open(channel.write(9, medium, ("2001:db8::1", 5001)), 0.0))
    talk.say(right, right.reject(9))
    talk.say(right, [*right.hold(0.0)])
    talk.say(right, [*right.resume(0.0)])
    talk.say(left, left.end_session())
    return talk.line


def _commands(talk: Talk) -> None:
    left, right = talk.left, talk.right
    for picture in PictureRequest:
        talk.say(right, right.fast_update(2, picture))
    talk.say(right, [*right.flow_control(2, 384_000), *right.flow_control(None, None)])
    talk.say(right, right.ask_encryption_update(1, is_ours=False, synch_flag=110))
    talk.say(left, left.update_encryption(1, is_ours=True, encryption_sync=SYNC))
    talk.say(right, right.acknowledge_encryption(1, is_ours=False, synch_flag=110))
    talk.say(left, [*left.user_input("2468#"), *left.signal("5", 90), *left.signal_update(200)])
    talk.say(left, left.measure_round_trip(0.0))
    talk.say(left, left.request_mode([MODE], 0.0))
    talk.say(right, right.answer_mode(0))
    talk.say(right, right.request_content(3, 0.0))
    talk.say(left, left.grant_content())
    talk.say(right, right.release_content())


def _conference(talk: Talk) -> None:
    left, right = talk.left, talk.right
    people = {Label(1, 2): "Ward 3", Label(1, 3): "Theatre"}
    talk.say(left, [*left.assign_terminal(1, 2), *left.ask_password(), *left.set_terminals(people)])
    talk.say(right, right.answer_password(b"2468"))
    for question in ("terminalListRequest", "requestAllTerminalIDs", "makeMeChair", "enterExtensionAddress"):
        effects = left.receive(("request", ("conferenceRequest", (question, 0))), 0.0)
        talk.say(left, effects)


@pytest.fixture(scope="module")
def dissection(tmp_path_factory):
    needs_programs("tshark")
    return Dissection(whole_call(), tmp_path_factory.mktemp("h245"))


@pytest.fixture(scope="module")
def text(dissection):
    return dissection.text()


@pytest.mark.interop
@pytest.mark.shares
def test_nothing_is_malformed(text):
    assert "Malformed" not in text
    assert "Expert Info" not in text
    assert text.count("H.245\n") == len(whole_call())


@pytest.mark.interop
@pytest.mark.shares
def test_every_message_has_its_name(dissection):
    said = dissection.summaries()
    assert len(said) == len(whole_call())
    for name in (
        "terminalCapabilitySet", "masterSlaveDeterminationAck", "openLogicalChannel (g722-64k)",
        "openLogicalChannel (genericVideoCapability)", "openLogicalChannel (extendedVideoCapability)",
        "openLogicalChannel (h224)", "openLogicalChannelAck", "openLogicalChannelReject", "closeLogicalChannel",
        "requestChannelClose", "miscellaneousCommand", "flowControlCommand", "userInput", "roundTripDelayRequest",
        "requestMode", "presentationTokenRequestgenericRequest", "presentationTokenResponsegenericResponse",
        "presentationTokenIndicateOwnergenericIndication", "presentationTokenReleasegenericCommand",
        "conferenceRequest", "conferenceIndication", "conferenceRequest functionNotUnderstood", "endSessionCommand",
    ):  # fmt: skip
        assert name in [line.strip() for line in said], name


@pytest.mark.interop
@pytest.mark.shares
@pytest.mark.parametrize(
    "line",
    [
        "unsignedMin: 71 - Level 3.1",
        "Profile: 0x08, High Profile",
        "standard: 3 - CustomMaxMBPS",
        "unsignedMin: 432\n",
        "standard: 4 - CustomMaxFS",
        "unsignedMin: 20\n",
        "standard: 0.0.8.239.1.2 (h239ExtendedVideoCapability)",
        "standard: 0.0.8.239.1.1 (h239ControlCapability)",
        "algorithm: 2.16.840.1.101.3.4.1.42 (id-aes256-CBC)",
        "terminalType: 240",
        "signalType: 5",
        "password: 32343638",
        "direction: masterToSlave (0)",
        "network: 2001:db8::2",
        "network: 192.0.2.1",
    ],
)
def test_what_the_dissector_reads(text, line):
    """Facts in which a mistake made twice would not show between two ends of ours."""
    assert line in text


def test_the_whole_call_is_said():
    assert len(whole_call()) > 60
