from __future__ import annotations

import pytest

from mcu.media import Codec, Format, Grade, Kind
from signaling.h323 import per
from signaling.h323.call_media import modes
from signaling.h323.call_media.receiving import MOST_OF_A_KIND
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.own import OwnMedia, capability_set
from signaling.h323.h245.events import ChannelOpened, ChannelRefused, EndSession, ModeAnswered, ModeRequested
from signaling.h323.h245.logical_channel import ChannelAnswer, LogicalChannel
from signaling.h323.h245.outgoing_channel import T103_S
from tests.signaling.h323.call_media.pair import EVERY, LEFT, MCU, RIGHT, TERMINAL, End, Pair, Scripted, flows, ports
from tests.signaling.h323.capabilities import terminals
from tests.signaling.h323.capabilities.terminals import GATEWAY, ROOM_SYSTEM, table

SENT = (Kind.AUDIO, Kind.VIDEO, Kind.CAMERA)
ALAW = ("audioData", ("g711Alaw64k", 20))
ULAW = ("audioData", ("g711Ulaw64k", 20))
G722 = ("audioData", ("g722-64k", 20))
SOUNDS = table({number: ("receiveAudioCapability", each[1]) for number, each in enumerate((G722, ALAW, ULAW), 1)})
"""A peer that may receive all of ours at once, as it has no descriptors."""


def theirs(number=1, data_type=ALAW, session_id=1, **more):
    """A channel that a scripted peer opens."""
    return LogicalChannel(number, session_id, data_type, media_control=(RIGHT, 7_001), **more)


def against(capabilities, terminal_type=TERMINAL, **more):
    """Our end, master of a scripted peer."""
    pair = Pair(End(LEFT, MCU, **more), Scripted(capabilities, terminal_type)).start()
    return pair, pair.left, pair.right


def offered(peer):
    return [each.data_type for each in peer.offers]


def causes(pair):
    return [body["cause"][0] for body in pair.bodies("openLogicalChannelReject", pair.left)]


def codec(end, kind=Kind.AUDIO):
    stream = end.stream(kind)
    return None if stream is None or stream.send is None else stream.send.codec


# ---- two of ours


@pytest.mark.parametrize("types", [(MCU, TERMINAL), (TERMINAL, MCU), (MCU, MCU)])
def test_all_that_both_ends_have_stands_both_ways(types):
    pair = Pair(End(LEFT, types[0]), End(RIGHT, types[1])).start()
    for kind in SENT:
        assert flows(pair.left, pair.right, kind) == flows(pair.right, pair.left, kind)
    assert codec(pair.left) is Codec.G722
    assert codec(pair.left, Kind.VIDEO) is Codec.H264
    for end in (pair.left, pair.right):
        assert end.stream(Kind.CONTENT) is None
        assert end.media.is_settled
        assert end.media.generation > 0
        assert (end.media.media.is_encrypted, end.media.media.grade) == (False, Grade.CLEAR)
        assert Format(Codec.TELEPHONE_EVENT, 101, 8_000) in end.stream(Kind.AUDIO).receive
        assert end.stream(Kind.AUDIO).send_dtmf.payload_type == 101
    opened = pair.bodies("openLogicalChannel")
    sessions = [body["forwardLogicalChannelParameters"]["multiplexParameters"][1]["sessionID"] for body in opened]
    assert sorted(sessions) == [1, 1, 2, 2, 3, 3]
    assert pair.bodies("openLogicalChannelReject") == []


def test_nothing_is_settled_before_the_peer_has_opened_sound():
    pair, end, peer = against(SOUNDS)
    assert codec(end) is Codec.G722
    assert not end.media.is_settled
    generation = end.media.generation
    pair.say(peer, peer.control.open(theirs(), pair.now))
    assert end.media.is_settled
    assert end.media.generation == generation + 1


def test_kinds_without_ports_or_wish():
    pair = Pair(End(LEFT, MCU, kinds=(Kind.AUDIO,)), End(RIGHT)).start()
    assert {each.kind for each in pair.left.media.media.streams} == {Kind.AUDIO}
    assert {each.kind for each in pair.right.media.media.streams} == {Kind.AUDIO}
    shy = Wishes(OwnMedia(), sends=frozenset({Kind.AUDIO}))
    pair = Pair(End(LEFT, MCU, wishes=shy), End(RIGHT)).start()
    picture = pair.left.stream(Kind.VIDEO)
    assert (picture.send, picture.remote) == (None, None)
    assert flows(pair.right, pair.left, Kind.VIDEO).codec is Codec.H264
    assert pair.right.stream(Kind.VIDEO).receive == ()


def test_events_of_others():
    pair, end, _ = against(SOUNDS)
    generation = end.media.generation
    assert end.media.handle(EndSession(), pair.now) == end.media.handle(ModeAnswered(is_accepted=True), pair.now) == []
    assert end.media.generation == generation


# ---- peers that have less, or other habits


def test_a_gateway_of_sound_alone():
    pair, end, peer = against(GATEWAY)
    assert offered(peer) == [ULAW]
    pair.say(peer, peer.control.open(theirs(data_type=ULAW), pair.now))
    assert [each.kind for each in end.media.media.streams] == [Kind.AUDIO]
    assert end.stream(Kind.AUDIO).send_dtmf is None


def test_an_old_terminal_gets_cif():
    old = table(
        {
            1: ("receiveAudioCapability", ("g711Alaw64k", 60)),
            2: ("receiveVideoCapability", terminals.h263(qcifMPI=2, cifMPI=2)),
            3: ("receiveVideoCapability", terminals.h261(qcifMPI=1, cifMPI=1)),
        },
        [[1], [2, 3]],
    )
    pair, end, peer = against(old)
    picture = end.stream(Kind.VIDEO)
    assert picture.send == Format(Codec.H263_1996, 34, 90_000, max_fs=396)
    assert picture.max_bitrate_bps == 384_000
    pair.say(peer, peer.control.open(theirs(2, ("videoData", terminals.h261(cifMPI=1)), 2), pair.now))
    assert end.stream(Kind.VIDEO).receive == (Format(Codec.H261, 31, 90_000, max_fs=396),)


def test_a_terminal_of_h261_alone_is_heard_and_seen():
    """It is sent no picture."""
    pair, end, peer = against(table({3: ("receiveVideoCapability", terminals.h261(cifMPI=1))}))
    assert offered(peer) == []
    pair.say(peer, peer.control.open(theirs(2, ("videoData", terminals.h261(cifMPI=1)), 2), pair.now))
    assert [each.codec for each in end.stream(Kind.VIDEO).receive] == [Codec.H261]
    assert end.stream(Kind.VIDEO).send is None


def test_a_refused_codec_is_followed_by_the_next():
    pair = Pair(End(LEFT, MCU), Scripted(SOUNDS))
    pair.right.refuses += ["dataTypeNotSupported", "unspecified"]
    pair.start()
    assert offered(pair.right) == [G722, ALAW, ULAW]
    assert codec(pair.left) is Codec.PCMU


def test_a_peer_that_takes_nothing():
    pair = Pair(End(LEFT, MCU), Scripted(SOUNDS))
    pair.right.refuses += ["dataTypeNotSupported"] * 9
    pair.start()
    assert len(pair.right.offers) == 3
    assert pair.left.media.media.streams == ()
    pair.say(pair.right, pair.right.control.open(theirs(), pair.now))
    assert pair.left.media.is_settled
    assert [each.codec for each in pair.left.stream(Kind.AUDIO).receive][:1] == [Codec.PCMA]


def test_a_master_of_one_codec_in_both_directions():
    """masterSlaveConflict: what the master sends itself is tried next (H.245 C.4.1.3)."""
    pair = Pair(End(LEFT, TERMINAL), Scripted(SOUNDS, MCU))
    pair.right.is_silent = True
    pair.start()
    pair.say(pair.right, pair.right.control.open(theirs(data_type=ULAW), pair.now))
    pair.right.is_silent = False
    pair.say(pair.right, pair.right.control.reject(pair.right.offers[0].number, "masterSlaveConflict"))
    assert offered(pair.right) == [G722, ULAW]
    assert codec(pair.left) is Codec.PCMU


def test_a_refused_picture_leaves_a_call_of_sound():
    """H.264, then H.263; the camera has no answer yet."""
    pair = Pair(End(LEFT, MCU), Scripted(ROOM_SYSTEM))
    peer = pair.right
    peer.is_silent = True
    pair.start()
    peer.is_silent = False
    peer.refuses.append("dataTypeNotSupported")
    sound, picture, _ = peer.offers
    pair.say(peer, peer.control.reject(picture.number, "dataTypeNotAvailable"))
    pair.say(peer, peer.control.accept(sound.number, ChannelAnswer((RIGHT, 7_000)), pair.now))
    assert [each.kind for each in pair.left.media.media.streams] == [Kind.AUDIO]
    assert [each.session_id for each in peer.offers] == [1, 2, 3, 2]


def test_a_peer_that_never_answers_a_channel():
    pair = Pair(End(LEFT, MCU), Scripted(SOUNDS))
    pair.right.is_silent = True
    pair.start()
    pair.wait(T103_S)
    assert [type(each) for each in pair.left.events if isinstance(each, ChannelRefused)] == [ChannelRefused]
    assert len(pair.right.offers) == 1
    pair.say(pair.right, pair.right.control.open(theirs(), pair.now))
    assert pair.left.media.is_settled


def test_content_that_a_peer_takes_instead_of_a_picture_is_not_sent():
    entries = {
        1: ("receiveAudioCapability", ("g722-64k", 60)),
        2: ("receiveVideoCapability", terminals.h264(71)),
        3: ("receiveVideoCapability", terminals.presentation(terminals.h264(71))),
    }
    _, end, peer = against(table(entries, [[1], [2, 3]]))
    assert [each.session_id for each in peer.offers] == [1, 2]
    assert not end.media.is_content_taken
    _, end, _ = against(table(entries, [[1], [2], [3]]))
    assert end.media.is_content_taken


# ---- addresses


def test_the_addresses_of_an_answer_are_those_that_hold():
    pair = Pair(End(LEFT, MCU), Scripted(SOUNDS))
    pair.right.answer["media"] = ("198.51.100.7", 9_000)
    pair.start()
    stream = pair.left.stream(Kind.AUDIO)
    assert (stream.remote, stream.remote_rtcp) == (("198.51.100.7", 9_000), ("198.51.100.7", 7_001))


@pytest.mark.parametrize("media", [("0.0.0.0", 7_000), ("224.0.1.1", 7_000), (RIGHT, 0), ("255.255.255.255", 7_000)])
def test_channels_to_nowhere_are_closed(media):
    pair = Pair(End(LEFT, MCU), Scripted(SOUNDS))
    pair.right.answer["media"] = media
    pair.start()
    assert len(pair.bodies("closeLogicalChannel", pair.left)) == 1
    assert pair.left.media.media.streams == ()
    assert pair.left.numbers(Kind.AUDIO) == ([], [])


def test_a_channel_that_is_closed_and_opened_again():
    pair, end, peer = against(SOUNDS)
    pair.say(peer, peer.control.open(theirs(5), pair.now))
    generation = end.media.generation
    pair.say(peer, peer.control.close(5, pair.now))
    assert end.stream(Kind.AUDIO).receive == (Format(Codec.TELEPHONE_EVENT, 101, 8_000),)
    pair.say(peer, peer.control.open(theirs(6, ULAW), pair.now))
    assert end.stream(Kind.AUDIO).receive[0].codec is Codec.PCMU
    assert end.media.generation == generation + 2
    assert end.media.kind_of(5, is_ours=False) is None
    assert end.media.kind_of(6, is_ours=False) is Kind.AUDIO


# ---- what the peer opens


def test_more_channels_than_anybody_needs():
    pair, end, peer = against(SOUNDS)
    for number in range(1, 6):
        pair.say(peer, peer.control.open(theirs(number), pair.now))
    assert causes(pair) == ["dataTypeNotAvailable"] * (5 - MOST_OF_A_KIND)
    assert end.numbers(Kind.AUDIO)[1] == [1, 2]


def test_the_next_channel_before_the_last_is_closed():
    pair, end, peer = against(SOUNDS)
    pair.say(peer, peer.control.open(theirs(1), pair.now))
    pair.say(peer, peer.control.open(theirs(2, ULAW), pair.now))
    assert [each.codec for each in end.stream(Kind.AUDIO).receive][:2] == [Codec.PCMA, Codec.PCMU]
    pair.say(peer, peer.control.close(1, pair.now))
    assert [each.codec for each in end.stream(Kind.AUDIO).receive][:1] == [Codec.PCMU]


@pytest.mark.parametrize(
    ("channel", "cause"),
    [
        (theirs(data_type=("audioData", ("g729", 2))), "dataTypeNotSupported"),
        (theirs(data_type=("videoData", terminals.h264(71)), session_id=2, payload_type=97), "dataTypeNotAvailable"),
        (theirs(reverse=theirs()), "unsuitableReverseParameters"),
        (theirs(data_type=("nullData", 0)), "dataTypeNotSupported"),
    ],
)
def test_channels_that_we_do_not_take(channel, cause):
    pair, _, peer = against(SOUNDS, kinds=(Kind.AUDIO,))
    pair.say(peer, peer.control.open(channel, pair.now))
    assert causes(pair) == [cause]


def test_a_camera_channel_that_goes_both_ways():
    data_type = ("data", {"application": ("h224", ("hdlcFrameTunnelling", 0)), "maxBitRate": 48})
    way_back = LogicalChannel(9, 3, data_type, media=(RIGHT, 7_010), media_control=(RIGHT, 7_011), payload_type=100)
    pair, end, peer = against(SOUNDS)
    channel = theirs(9, data_type, 3, payload_type=100, reverse=way_back)
    pair.say(peer, peer.control.open(channel, pair.now))
    stream = end.stream(Kind.CAMERA)
    assert (stream.send.payload_type, stream.remote) == (100, (RIGHT, 7_010))
    assert [each.payload_type for each in stream.receive] == [100]


# ---- hold, and channels closed by wish


def test_a_peer_that_holds_us():
    """Our channels close, its own stay; on resuming ours are opened anew (H.323 8.4.6)."""
    pair = Pair(End(LEFT, MCU), End(RIGHT)).start()
    end, peer = pair.left, pair.right
    before = end.numbers(Kind.AUDIO)
    pair.say(peer, peer.control.hold(pair.now))
    stream = end.stream(Kind.AUDIO)
    assert stream.send is None
    assert stream.remote == ports(RIGHT)[Kind.AUDIO].media
    assert [each.codec for each in stream.receive][:1] == [Codec.G722]
    assert end.control.machines.channels.outgoing == {}
    assert end.media.is_settled
    pair.say(peer, peer.control.resume(pair.now))
    for kind in SENT:
        flows(end, peer, kind)
        flows(peer, end, kind)
    assert end.numbers(Kind.AUDIO)[0] != before[0]
    assert end.numbers(Kind.AUDIO)[1] == before[1]


def test_holds_of_both_ends():
    pair = Pair(End(LEFT, MCU), End(RIGHT)).start()
    for end in (pair.left, pair.right):
        pair.say(end, end.control.hold(pair.now))
    assert pair.left.media.media.streams == pair.right.media.media.streams == ()
    for end in (pair.left, pair.right):
        pair.say(end, end.control.resume(pair.now))
    assert flows(pair.left, pair.right, Kind.VIDEO) == flows(pair.right, pair.left, Kind.VIDEO)


@pytest.mark.parametrize(("reason", "is_back"), [("normal", False), ("reopen", True)])
def test_a_peer_that_wants_a_channel_closed(reason, is_back):
    pair, end, peer = against(SOUNDS)
    (number,) = end.numbers(Kind.AUDIO)[0]
    pair.say(peer, peer.control.ask_close(number, pair.now, reason))
    assert (codec(end) is Codec.G722) is is_back
    assert len(peer.offers) == 1 + is_back
    pair.say(peer, peer.control.set_capabilities(SOUNDS, pair.now))
    assert len(peer.offers) == 1 + is_back, "the same set again is no new wish"
    pair.say(peer, peer.control.set_capabilities(GATEWAY, pair.now))
    assert codec(end) is Codec.PCMU


def test_a_peer_whose_capabilities_change():
    pair, end, peer = against(table({1: ("receiveAudioCapability", ALAW[1])}))
    less = table({1: ("receiveAudioCapability", ULAW[1]), 2: ("receiveVideoCapability", terminals.h264(71))})
    pair.say(peer, peer.control.set_capabilities(less, pair.now))
    assert (codec(end), codec(end, Kind.VIDEO)) == (Codec.PCMU, Codec.H264)
    assert len(pair.bodies("closeLogicalChannel", end)) == 1
    faster = table({2: ("receiveVideoCapability", terminals.h264(85))})
    pair.say(peer, peer.control.set_capabilities(faster, pair.now))
    assert end.stream(Kind.VIDEO).send.profile_level_id == "42e028"
    assert len(pair.bodies("closeLogicalChannel", end)) == 2


def test_a_standing_channel_is_not_closed_for_a_dearer_codec():
    pair, end, peer = against(table({1: ("receiveAudioCapability", ALAW[1])}))
    pair.say(peer, peer.control.set_capabilities(SOUNDS, pair.now))
    assert codec(end) is Codec.PCMA
    assert pair.bodies("closeLogicalChannel") == []


# ---- modes and rates


def mode(*elements):
    return [{"type": each} for each in elements]


def test_a_mode_that_we_can_send():
    pair, end, peer = against(SOUNDS)
    g729 = mode(("audioMode", ("g729", 0)))
    pair.say(peer, peer.control.request_mode([g729, mode(("audioMode", ("g711Ulaw64k", 0)))], pair.now))
    assert codec(end) is Codec.PCMU
    assert ModeAnswered(is_accepted=True) in peer.events
    assert len(pair.bodies("closeLogicalChannel", end)) == 1
    pair.say(peer, peer.control.request_mode([mode(("audioMode", ("g711Ulaw64k", 0)))], pair.now))
    assert len(pair.bodies("closeLogicalChannel", end)) == 1


def test_modes_that_we_cannot():
    pair, end, peer = against(SOUNDS)
    picture = (
        "videoMode",
        ("h261VideoMode", {"resolution": ("cif", 0), "bitRate": 3840, "stillImageTransmission": False}),
    )
    twice = mode(("audioMode", ("g711Ulaw64k", 0)), ("audioMode", ("g711Alaw64k", 0)))
    nothing_takes_it = mode(("videoMode", GENERIC))
    pair.say(peer, peer.control.request_mode([mode(picture), twice, nothing_takes_it], pair.now))
    assert ModeAnswered(is_accepted=False) in peer.events
    assert codec(end) is Codec.G722
    assert end.media.handle(ModeRequested(()), pair.now) == [], "nobody waits for an answer"


GENERIC = ("genericVideoMode", {"capabilityIdentifier": ("standard", (0, 0, 8, 241, 0, 0, 1))})
OTHER = ("genericVideoMode", {"capabilityIdentifier": ("standard", (0, 0, 8, 241, 0, 0, 2))})
FAR = {"application": ("h224", ("hdlcFrameTunnelling", 0)), "bitRate": 64}
T120 = {"application": ("t120", ("separateLANStack", 0)), "bitRate": 64}
SECURITY = {"encryptionCapability": [("algorithm", terminals.AES_128)]}


@pytest.mark.parametrize(
    ("element", "understood"),
    [
        (("videoMode", GENERIC), {Kind.VIDEO: Codec.H264}),
        (("videoMode", OTHER), None),
        (("dataMode", FAR), {Kind.CAMERA: Codec.H224}),
        (("dataMode", T120), None),
        (("encryptionMode", ("h233Encryption", 0)), None),
        (
            (
                "h235Mode",
                {"encryptionAuthenticationAndIntegrity": SECURITY, "mediaMode": ("audioMode", ("g711Alaw64k", 0))},
            ),
            {Kind.AUDIO: Codec.PCMA},
        ),
    ],
)
def test_elements_of_modes(element, understood):
    request = ("request", ("requestMode", {"sequenceNumber": 1, "requestedModes": [mode(element)]}))
    body = per.decode(per.Type.H245, per.encode(per.Type.H245, request))[1][1]
    assert modes.read(body["requestedModes"][0]) == understood


def test_flow_control_of_one_channel():
    pair = Pair(End(LEFT, MCU), End(RIGHT)).start()
    end, peer = pair.left, pair.right
    (number,) = peer.numbers(Kind.VIDEO)[1]
    pair.say(peer, peer.control.flow_control(number, 512_000))
    assert end.stream(Kind.VIDEO).max_bitrate_bps == 512_000
    pair.say(peer, peer.control.flow_control(number, 0))
    assert end.stream(Kind.VIDEO).send is None
    assert end.stream(Kind.VIDEO).remote == ports(RIGHT)[Kind.VIDEO].media
    pair.say(peer, peer.control.flow_control(number, None))
    assert end.stream(Kind.VIDEO).max_bitrate_bps == 1_920_000
    assert end.stream(Kind.VIDEO).send is not None


def test_flow_control_of_all_channels():
    pair = Pair(End(LEFT, MCU), End(RIGHT)).start()
    end, peer = pair.left, pair.right
    for bitrate_bps, picture_bps in ((384_000, 320_000), (64_000, None), (None, 1_920_000)):
        pair.say(peer, peer.control.flow_control(None, bitrate_bps))
        stream = end.stream(Kind.VIDEO)
        assert (stream.max_bitrate_bps if stream.send else None) == picture_bps
        assert codec(end) is Codec.G722
    pair.say(peer, peer.control.flow_control(None, 0))
    assert codec(end) is None


def test_a_channel_that_is_not_to_flow_yet():
    """flowControlToZero of the acknowledgement, until a flowControlCommand (H.245 B.3.2)."""
    pair = Pair(End(LEFT, MCU), Scripted(SOUNDS))
    pair.right.answer["is_flow_zero"] = True
    pair.start()
    stream = pair.left.stream(Kind.AUDIO)
    assert (stream.send, stream.remote) == (None, (RIGHT, 7_000))
    (number,) = pair.left.numbers(Kind.AUDIO)[0]
    pair.say(pair.right, pair.right.control.flow_control(number, 64_000))
    assert codec(pair.left) is Codec.G722


def test_keyframes_are_asked_for_on_the_channel_of_the_peer():
    pair = Pair(End(LEFT, MCU), End(RIGHT)).start()
    pair.say(pair.left, pair.left.media.fast_update(Kind.VIDEO))
    (body,) = pair.bodies("miscellaneousCommand", pair.left)
    assert [body["logicalChannelNumber"]] == pair.left.numbers(Kind.VIDEO)[1]
    assert pair.right.media.kind_of(body["logicalChannelNumber"], is_ours=True) is Kind.VIDEO
    assert pair.left.media.fast_update(Kind.CONTENT) == []


def test_channels_that_control_knows_and_we_do_not():
    """They cannot be played."""
    pair, end, _ = against(SOUNDS)
    assert end.media.handle(ChannelOpened(theirs(77), is_ours=False), pair.now) == []
    assert end.media.handle(ChannelOpened(theirs(77), is_ours=True), pair.now) == []
    assert end.media.kind_of(77, is_ours=True) is end.media.kind_of(77, is_ours=False) is None


def test_the_set_that_is_told_is_that_of_the_ports():
    kinds = {Kind.AUDIO, Kind.VIDEO}
    own = End(LEFT, kinds=kinds).media.capability_set()
    assert own == capability_set(OwnMedia(content=None, has_camera=False))
    assert End(LEFT, kinds=EVERY).media.capability_set() == capability_set(OwnMedia())


@pytest.mark.parametrize("told", [None, ("0.0.0.0", 7_001), (RIGHT, 0)])
def test_rtcp_goes_one_port_above_where_the_peer_does_not_say(told):
    pair = Pair(End(LEFT, MCU), Scripted(SOUNDS))
    pair.right.answer["media_control"] = told
    pair.start()
    assert pair.left.stream(Kind.AUDIO).remote_rtcp == (RIGHT, 7_001)


def test_a_hold_ends_what_was_wished_before():
    """A channel that was closed by wish, and a mode that was asked for: on resuming everything begins anew."""
    pair, end, peer = against(ROOM_SYSTEM)
    pair.say(peer, peer.control.request_mode([mode(("audioMode", ("g711Ulaw64k", 0)))], pair.now))
    assert codec(end) is Codec.PCMU
    (picture,) = end.numbers(Kind.VIDEO)[0]
    pair.say(peer, peer.control.ask_close(picture, pair.now))
    assert end.stream(Kind.VIDEO) is None
    pair.say(peer, peer.control.hold(pair.now))
    pair.say(peer, peer.control.resume(pair.now))
    assert codec(end) is Codec.G722
    assert codec(end, Kind.VIDEO) is Codec.H264
