from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from crypto.h235.algorithm import Algorithm
from mcu.media import Codec, Format, Kind
from mcu.rendition import rendition_for
from signaling.h323 import per
from signaling.h323.capabilities import channel, fast_start, own, remote
from signaling.h323.capabilities.capability import H264, Capability, Packetization, PictureIntervals
from signaling.h323.capabilities.choice import choose
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.capabilities.streams import stream_of
from signaling.h323.h245 import open_channel
from signaling.h323.h245.logical_channel import LogicalChannel
from tests.signaling.h323.capabilities import terminals
from tests.signaling.h323.capabilities.terminals import AES_128, GATEWAY, ROOM_SYSTEM, secured, table

AES = (Algorithm.AES_256_CBC, Algorithm.AES_192_CBC, Algorithm.AES_128_CBC)
RTCP = ("192.0.2.1", 5001)
EVERY = tuple(Kind)
BASELINE = Capability(Codec.H264, Kind.VIDEO, max_bitrate_bps=1_920_000, h264=H264(66, 31))


def over_the_line(capability_set):
    head = {"sequenceNumber": 1, "protocolIdentifier": (0, 0, 8, 245, 0, 7)}
    message = ("request", ("terminalCapabilitySet", head | capability_set))
    return per.decode(per.Type.H245, per.encode(per.Type.H245, message))[1][1]


def read(capability_set):
    return remote.read(over_the_line(capability_set))


def formats(chosen):
    return {kind: medium.format.codec for kind, medium in chosen.items()}


def opened(medium, **more):
    """A channel as the other end reads it."""
    body = open_channel.write_open(channel.write(5, medium, RTCP, **more))
    kind = per.Type.OPEN_LOGICAL_CHANNEL
    return open_channel.read_open(per.decode(kind, per.encode(kind, body)))


# ---- what terminals say


def test_a_room_system_is_understood():
    found = read(ROOM_SYSTEM)
    assert [(each.number, each.codec, each.kind) for each in found.capabilities] == [
        (2, Codec.G722, Kind.AUDIO), (3, Codec.PCMU, Kind.AUDIO), (10, Codec.H264, Kind.VIDEO),
        (11, Codec.H263, Kind.VIDEO), (12, Codec.H261, Kind.VIDEO), (20, Codec.H264, Kind.CONTENT),
        (30, Codec.H224, Kind.CAMERA),
    ]  # fmt: skip
    algorithms = {each.number: each.algorithms for each in found.capabilities if each.algorithms}
    assert algorithms == dict.fromkeys((2, 10, 20), (Algorithm.AES_128_CBC,))
    assert found.packetizations == {Packetization.H264_NON_INTERLEAVED, Packetization.RFC_2429}
    assert (found.has_content, found.user_input, found.telephone_event) == (True, {"dtmf"}, None)


def test_what_it_is_sent_in_clear():
    chosen = choose(read(ROOM_SYSTEM), OwnMedia(), EVERY)
    assert formats(chosen) == {
        Kind.AUDIO: Codec.G722, Kind.VIDEO: Codec.H264, Kind.CONTENT: Codec.H264, Kind.CAMERA: Codec.H224
    }  # fmt: skip
    assert chosen[Kind.AUDIO].format == Format(Codec.G722, 9, 8000)
    picture = chosen[Kind.VIDEO].format
    assert (picture.profile_level_id, picture.packetization_mode, picture.max_fs) == ("42e01f", 1, 3840)
    assert chosen[Kind.AUDIO].capability.frames == 20
    assert not any(each.is_encrypted for each in chosen.values())


def test_what_it_is_sent_encrypted():
    """By AES-128, since it has no more; what it cannot encrypt stays clear, or stays away."""
    chosen = choose(read(ROOM_SYSTEM), OwnMedia(algorithms=AES), EVERY)
    assert {kind: each.algorithm for kind, each in chosen.items()} == {
        Kind.AUDIO: Algorithm.AES_128_CBC, Kind.VIDEO: Algorithm.AES_128_CBC, Kind.CONTENT: Algorithm.AES_128_CBC,
        Kind.CAMERA: None,
    }  # fmt: skip
    assert chosen[Kind.AUDIO].payload_type in range(96, 128)
    required = choose(read(ROOM_SYSTEM), OwnMedia(algorithms=AES, is_encryption_required=True), EVERY)
    assert Kind.CAMERA not in required
    assert choose(read(GATEWAY), OwnMedia(algorithms=AES, is_encryption_required=True), EVERY) == {}


def test_a_gateway_of_sound_alone():
    chosen = choose(read(GATEWAY), OwnMedia(), EVERY)
    assert formats(chosen) == {Kind.AUDIO: Codec.PCMU}


def test_what_may_not_be_sent_at_once_is_not():
    """This terminal shows content instead of its picture, and not beside it."""
    entries = {
        1: ("receiveAudioCapability", ("g711Alaw64k", 20)),
        2: ("receiveVideoCapability", terminals.h264(71)),
        3: ("receiveVideoCapability", terminals.presentation(terminals.h264(71))),
    }
    assert set(choose(read(table(entries, [[1], [2, 3]])), OwnMedia(), EVERY)) == {Kind.AUDIO, Kind.VIDEO}
    assert set(choose(read(table(entries, [[2, 1], [1], [3, 2]])), OwnMedia(), EVERY)) == {
        Kind.AUDIO, Kind.VIDEO, Kind.CONTENT,
    }  # fmt: skip
    assert len(choose(read(table(entries)), OwnMedia(), EVERY)) == 3


def test_the_best_of_several_h264_entries():
    entries = {
        1: ("receiveVideoCapability", terminals.h264(36)),
        2: ("receiveVideoCapability", terminals.h264(85)),
        3: ("receiveVideoCapability", terminals.h264(71, profile=8)),
    }
    chosen = {
        profile: choose(read(table(entries)), OwnMedia(h264=H264(profile, 31)), [Kind.VIDEO])[Kind.VIDEO]
        for profile in (66, 100)
    }
    assert {profile: each.capability.number for profile, each in chosen.items()} == {66: 2, 100: 3}
    assert chosen[66].format.profile_level_id == "42e028"


def test_high_profile_is_sent_to_whoever_takes_it_beside_others():
    """By terminals of ours, whose encoder makes it."""
    found = read(table({1: ("receiveVideoCapability", terminals.h264(71, profile=64 | 8))}))
    sent = choose(found, OwnMedia(h264=H264(100, 31)), [Kind.VIDEO])[Kind.VIDEO]
    assert sent.format.profile_level_id == "64001f"


@pytest.mark.parametrize(
    ("entries", "number", "profile_level_id"),
    [
        ([(8, 71), (32, 71), (64, 71)], 3, "42e01f"),
        ([(64, 36), (8, 71)], 2, "64001f"),
        ([(64 | 8, 71)], 1, "42e01f"),
        ([(32 | 8, 71)], 1, "4d401f"),
        ([(8, 71)], 1, "64001f"),
    ],
)
def test_one_encoder_for_terminals_of_all_profiles(entries, number, profile_level_id):
    """Decoders of higher profiles take constrained Baseline; the channel names what the terminal has named."""
    table_of = {
        place: ("receiveVideoCapability", terminals.h264(level, profile=bits))
        for place, (bits, level) in enumerate(entries, 1)
    }
    chosen = choose(read(table(table_of)), OwnMedia(), [Kind.VIDEO])[Kind.VIDEO]
    assert (chosen.capability.number, chosen.format.profile_level_id) == (number, profile_level_id)
    picture = stream_of(Kind.VIDEO, [], channel.write(5, chosen, RTCP))
    assert rendition_for(picture, "main") == rendition_for(
        stream_of(Kind.VIDEO, [], channel.write(5, replace(chosen, capability=BASELINE), RTCP)), "main"
    )


@pytest.mark.parametrize(
    ("told", "codec", "payload_type"),
    [
        ([("rfc-number", 2429)], Codec.H263, 109),
        ([("rfc-number", 4629)], Codec.H263, 109),
        ([("rfc-number", 2190)], Codec.H263_1996, 34),
        ([], Codec.H263_1996, 34),
    ],
)
def test_h263_as_the_terminal_unpacks_it(told, codec, payload_type):
    more = {"multiplexCapability": terminals.multiplex(*told)} if told else {}
    found = read(table({7: ("receiveVideoCapability", terminals.h263(qcifMPI=2, cifMPI=2))}, **more))
    picture = choose(found, OwnMedia(), [Kind.VIDEO])[Kind.VIDEO]
    assert picture.format == Format(codec, payload_type, 90_000, max_fs=396)
    assert opened(picture).payload_type == (109 if payload_type == 109 else None)
    assert channel.read(opened(picture)).format == picture.format


def test_a_terminal_from_before_1998_speaks_rfc_2190_alone():
    told = read(own.capability_set(OwnMedia(has_h263_plus=False)))
    assert Packetization.RFC_2190 in told.packetizations
    assert Packetization.RFC_2429 not in told.packetizations
    theirs = read(own.capability_set(OwnMedia(video=(Codec.H263,))))
    sent = choose(theirs, OwnMedia(video=(Codec.H263,), has_h263_plus=False), [Kind.VIDEO])[Kind.VIDEO]
    assert sent.format == Format(Codec.H263_1996, 34, 90_000, max_fs=396)


def test_rooms_take_h261_and_only_terminals_send_it():
    theirs = read(own.capability_set(OwnMedia(video=(Codec.H261, Codec.H263))))
    assert choose(theirs, OwnMedia(), [Kind.VIDEO])[Kind.VIDEO].format.codec is Codec.H263
    room = read(own.capability_set(OwnMedia()))
    ours = OwnMedia(video=(Codec.H261, Codec.H263), sends_h261=True)
    sent = choose(room, ours, [Kind.VIDEO])[Kind.VIDEO]
    assert sent.format == Format(Codec.H261, 31, 90_000, max_fs=396)
    assert channel.read(opened(sent)).format == sent.format


def test_h261_is_only_received():
    found = read(table({7: ("receiveVideoCapability", terminals.h261(cifMPI=1))}))
    assert found.of(Kind.VIDEO)
    assert choose(found, OwnMedia(), EVERY) == {}
    data_type = ("videoData", terminals.h261(cifMPI=1, qcifMPI=1))
    assert channel.read(LogicalChannel(1, 2, data_type)).format == Format(Codec.H261, 31, 90_000, max_fs=396)


@pytest.mark.parametrize(("role", "is_taken"), [(1, True), (2, False), (3, True)])
def test_live_pictures_are_no_content(role, is_taken):
    found = read(table({7: ("receiveVideoCapability", terminals.presentation(terminals.h264(71), role=role))}))
    assert bool(found.of(Kind.CONTENT)) is is_taken


def test_security_of_entries_that_come_later_or_not_at_all():
    entries = {1: secured(9, AES_128), 2: secured(77, AES_128), 9: ("receiveAudioCapability", ("g711Alaw64k", 20))}
    assert read(table(entries)).capabilities[0].algorithms == (Algorithm.AES_128_CBC,)


# ---- what we say


def test_our_set_is_read_as_it_was_meant():
    ours = OwnMedia(algorithms=AES, h264=H264(100, 40), content=H264(100, 31))
    found = read(own.capability_set(ours))
    assert list(found.capabilities) == ours.capabilities()
    assert found.has_content
    assert found.telephone_event == 101
    assert found.user_input == {"dtmf", "basicString"}
    assert found.allows([found.of(kind)[0] for kind in EVERY])
    assert not found.allows(found.of(Kind.AUDIO))


def test_all_profiles_are_taken_each_by_an_entry_of_its_own():
    """Dearest first, for the picture and for content, at one level."""
    found = read(own.capability_set(OwnMedia()))
    for kind in (Kind.VIDEO, Kind.CONTENT):
        entries = [each.h264 for each in found.of(kind) if each.codec is Codec.H264]
        assert entries == [H264(100, 31), H264(77, 31), H264(66, 31)]


def test_the_security_entry_of_n_is_100_and_n():
    numbers = {
        entry["capabilityTableEntryNumber"] for entry in own.capability_set(OwnMedia(algorithms=AES))["capabilityTable"]
    }
    assert {1, 101, 2, 102} < numbers


def test_required_encryption_leaves_no_clear_set():
    (descriptor,) = own.capability_set(OwnMedia(algorithms=AES, is_encryption_required=True))["capabilityDescriptors"]
    assert descriptor["simultaneousCapabilities"][:2] == [[101, 102, 103], [104, 105, 106, 107, 108]]


def test_a_call_of_sound_alone():
    found = read(own.capability_set(OwnMedia(video=())))
    assert {each.kind for each in found.capabilities} == {Kind.AUDIO}
    assert not found.has_content


# ---- channels


@pytest.mark.parametrize("algorithms", [(), AES])
def test_channels_carry_what_was_chosen(algorithms):
    chosen = choose(read(own.capability_set(OwnMedia(algorithms=algorithms))), OwnMedia(algorithms=algorithms), EVERY)
    assert set(chosen) == set(EVERY)
    for medium in chosen.values():
        found = channel.read(opened(medium))
        assert found.format == medium.format
        assert (found.is_encrypted, found.algorithm) == (bool(algorithms), medium.algorithm)


def test_an_encrypted_channel_on_the_wire():
    """H.235.6 8.5: the medium within h235Media, the algorithm beside it."""
    medium = choose(read(ROOM_SYSTEM), OwnMedia(algorithms=AES), [Kind.AUDIO])[Kind.AUDIO]
    name, body = opened(medium, encryption_sync={"synchFlag": 110, "h235Key": b"opaque"}).data_type
    assert name == "h235Media"
    assert body["mediaType"] == ("audioData", ("g722-64k", 20))
    security = body["encryptionAuthenticationAndIntegrity"]
    assert security == {"encryptionCapability": [("algorithm", AES_128)]}


@pytest.mark.parametrize(
    "data_type",
    [
        ("nullData", 0),
        ("audioData", ("g7231", {"maxAl-sduAudioFrames": 1, "silenceSuppression": False})),
        ("data", {"application": ("t120", ("separateLANStack", 0)), "maxBitRate": 1}),
        ("h235Media", {"encryptionAuthenticationAndIntegrity": {"encryptionCapability": [("algorithm", terminals.DES)]},
                       "mediaType": ("audioData", ("g711Alaw64k", 20))}),
        ("_ext_3", b"\0"),
    ],
)  # fmt: skip
def test_channels_that_we_do_not_take(data_type):
    assert channel.read(LogicalChannel(1, 1, data_type)) is None


def test_a_payload_type_told_in_the_packetization_only():
    told = {"payloadDescriptor": ("oid", (0, 0, 8, 241, 0, 0, 0, 0)), "payloadType": 97}
    picture = LogicalChannel(1, 2, ("videoData", terminals.h264(71)), packetization=("rtpPayloadType", told))
    found = channel.read(picture).format
    assert (found.payload_type, found.packetization_mode) == (97, 0)


def test_a_dynamic_codec_without_payload_type():
    assert channel.read(LogicalChannel(1, 2, ("videoData", terminals.h264(71)))) is None


def test_streams_of_channels():
    theirs = LogicalChannel(1, 1, ("audioData", ("g711Alaw64k", 20)), media_control=("192.0.2.9", 6001))
    ours = LogicalChannel(2, 1, ("audioData", ("g711Ulaw64k", 10)), media=("192.0.2.9", 6000))
    spec = stream_of(Kind.AUDIO, [theirs], ours, own_events=101, peer_events=96)
    assert [each.codec for each in spec.receive] == [Codec.PCMA, Codec.TELEPHONE_EVENT]
    assert (spec.send.codec, spec.send_dtmf.payload_type, spec.ptime_ms) == (Codec.PCMU, 96, 10)
    assert (spec.remote, spec.remote_rtcp) == (("192.0.2.9", 6000), ("192.0.2.9", 6001))
    assert stream_of(Kind.AUDIO, [theirs], None).send is None


# ---- fast start


def on_the_wire(values):
    """Items as the other end decodes them."""
    kind = per.Type.OPEN_LOGICAL_CHANNEL
    return [per.decode(kind, per.encode(kind, value)) for value in values]


CALLER = {1: fast_start.Ports(("192.0.2.1", 5000), RTCP), 2: fast_start.Ports(("192.0.2.1", 5002), ("192.0.2.1", 5003))}
CALLED = {1: fast_start.Ports(("2001:db8::2", 7000), ("2001:db8::2", 7001))}


def sound():
    """Each of our codecs as a medium to propose."""
    return [
        choose(read(own.capability_set(OwnMedia(audio=(codec,), video=()))), OwnMedia(), [Kind.AUDIO])[Kind.AUDIO]
        for codec in (Codec.G722, Codec.PCMA, Codec.PCMU)
    ]


def test_fast_start_from_end_to_end():
    proposals = fast_start.read(on_the_wire(fast_start.propose(sound(), CALLER, count(1).__next__)))
    assert [item.is_callers for item in proposals] == [True, False] * 3
    chosen = fast_start.choose(proposals, lambda medium: medium.format.codec is not Codec.G722)
    answers = fast_start.answer(chosen, CALLED, count(70).__next__)
    (theirs, ours), (sent, received) = (
        fast_start.opened_as_called(chosen, answers),
        fast_start.opened_as_caller(fast_start.read(on_the_wire(fast_start.write(answers)))),
    )
    assert [is_ours for _, is_ours in (theirs, ours, sent, received)] == [False, True, True, False]
    assert theirs[0].number == sent[0].number == 3
    assert ours[0].number == received[0].number == 70
    assert ours[0].media == CALLER[1].media
    assert theirs[0].media_control == CALLER[1].media_control
    assert (sent[0].media, sent[0].media_control) == (CALLED[1].media, CALLED[1].media_control)
    assert received[0].media_control == CALLED[1].media_control
    assert all(each.data_type == ("audioData", ("g711Alaw64k", 20)) for each, _ in (theirs, ours, sent, received))


def test_the_reverse_direction_has_no_data_forwards():
    """H.323 8.1.7: nullData, and parameters none."""
    items = fast_start.propose(sound()[:1], CALLER, count(1).__next__)
    body = on_the_wire(items)[1]
    assert body["forwardLogicalChannelParameters"] == {"dataType": ("nullData", 0), "multiplexParameters": ("none", 0)}


def test_items_are_bounded_and_those_of_other_networks_passed_over():
    items = fast_start.propose(sound(), CALLER, count(1).__next__)
    parameters = {"dataType": ("nullData", 0), "multiplexParameters": ("none", 0)}
    stray = {"forwardLogicalChannelNumber": 9, "forwardLogicalChannelParameters": parameters}
    assert len(fast_start.read([stray, *items])) == len(items)
    assert len(fast_start.read(items * 40)) == fast_start.MOST_ITEMS


@pytest.mark.parametrize(
    ("intervals", "macroblocks"),
    [
        (PictureIntervals(qcif=1, cif=2, cif4=0), 396),
        (PictureIntervals(qcif=1, cif=1, cif4=2), 1_584),
        (PictureIntervals(qcif=1, cif=2, cif4=4), 396),
        (PictureIntervals(qcif=2, cif=4), 99),
        (PictureIntervals(qcif=2), 99),
        (PictureIntervals(cif=4), 396),
        (PictureIntervals(qcif=3, cif=4), 99),
    ],
)
def test_h263_is_sent_in_the_largest_size_that_is_taken_as_often(intervals, macroblocks):
    taken = channel.Medium(Capability(Codec.H263, Kind.VIDEO, intervals=intervals), Packetization.RFC_2429, 96)
    assert taken.format == Format(Codec.H263, 96, 90_000, max_fs=macroblocks)
