from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.h235.algorithm import Algorithm
from crypto.h235.diffie_hellman import DH_1024, DH_2048
from mcu.media import Codec, Grade, Kind
from mcu.rtp.h235_pair import H235Pair
from signaling.h323.call import events as call
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.h245.events import (
    ChannelOffered,
    EncryptionUpdate,
    EncryptionUpdated,
    EncryptionUpdateWanted,
    Send,
)
from signaling.h323.h245.logical_channel import LogicalChannel
from signaling.h323.media_security import MediaSecurity
from tests.signaling.h323.call_media.pair import LEFT, MCU, RIGHT, TERMINAL, End, Pair, Scripted, agreed, flows
from tests.signaling.h323.capabilities import terminals
from tests.signaling.h323.capabilities.terminals import AES_128, ROOM_SYSTEM, secured, table

SENT = (Kind.AUDIO, Kind.VIDEO, Kind.CAMERA)
REQUIRED = Wishes(OwnMedia(), must_encrypt=True)
ULAW = ("audioData", ("g711Ulaw64k", 20))
PACKET = bytes.fromhex("80096d01000003e8cafe0001") + bytes(range(160))
"""RTP of 20 ms of sound, sequence number 27905, timestamp 1000."""


def secret(*types, groups=(DH_2048,), left=None, right=None):
    """Two of ours that have agreed on a key; the left one is of the first type."""
    caller, called = agreed(*groups)
    left = End(LEFT, types[0], wishes=left, security=caller)
    return Pair(left, End(RIGHT, types[1], wishes=right, security=called)).start()


def against(capabilities, terminal_type=TERMINAL, wishes=None):
    """Our end, and a peer that is the test with its half of the key."""
    ours, theirs = agreed(DH_1024)
    kind = MCU if terminal_type == TERMINAL else TERMINAL
    pair = Pair(End(LEFT, kind, wishes=wishes, security=ours), Scripted(capabilities, terminal_type))
    return pair, pair.left, pair.right, theirs


def encrypted(data_type, oid=AES_128):
    body = {"encryptionAuthenticationAndIntegrity": {"encryptionCapability": [("algorithm", oid)]}}
    return ("h235Media", body | {"mediaType": data_type})


def theirs(number=1, data_type=ULAW, **more):
    return LogicalChannel(number, 1, data_type, media_control=(RIGHT, 7_001), **more)


# ---- keys and payload types


@pytest.mark.parametrize("types", [(MCU, TERMINAL), (TERMINAL, MCU)])
@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_media_are_encrypted_in_both_directions(types, algorithm):
    wishes = Wishes(OwnMedia(algorithms=(algorithm,)))
    pair = secret(*types, left=wishes)
    for end in (pair.left, pair.right):
        media = end.media.media
        assert (media.is_encrypted, media.grade, end.media.is_settled) == (True, Grade.OPPORTUNISTIC, True)
    keys = []
    for kind in SENT:
        for sender, receiver in ((pair.left, pair.right), (pair.right, pair.left)):
            assert flows(sender, receiver, kind).payload_type in range(96, 128)
            keys.append(sender.stream(kind).h235.local)
    assert {len(key) for key in keys} == {algorithm.key_bytes}
    assert len(set(keys)) == 6, "every channel has a key of its own"


def test_the_best_that_the_group_allows():
    assert len(secret(MCU, TERMINAL).left.stream(Kind.AUDIO).h235.local) == 32
    assert len(secret(MCU, TERMINAL, groups=(DH_1024,)).left.stream(Kind.AUDIO).h235.local) == 16


@pytest.mark.parametrize("types", [(MCU, TERMINAL), (TERMINAL, MCU)])
def test_packets_are_read_at_the_other_end(types):
    pair = secret(*types)
    for sender, receiver in ((pair.left, pair.right), (pair.right, pair.left)):
        sent = sender.stream(Kind.AUDIO)
        packet = bytes((PACKET[0], sent.send.payload_type)) + PACKET[2:]
        ciphertext = H235Pair(sent.h235).protect(packet)
        assert ciphertext[12:] != PACKET[12:]
        assert H235Pair(receiver.stream(Kind.AUDIO).h235).unprotect(ciphertext) == packet


@pytest.mark.parametrize("types", [(MCU, TERMINAL), (TERMINAL, MCU)])
def test_only_the_master_makes_keys(types):
    """Its own in openLogicalChannel, those of the slave in its acknowledgements (H.235.6 8.6)."""
    pair = secret(*types)
    master, slave = (pair.left, pair.right) if types[0] == MCU else (pair.right, pair.left)
    assert all("encryptionSync" in body for body in pair.bodies("openLogicalChannel", master))
    assert all("encryptionSync" not in body for body in pair.bodies("openLogicalChannel", slave))
    assert all("encryptionSync" in body for body in pair.bodies("openLogicalChannelAck", master))
    assert all("encryptionSync" not in body for body in pair.bodies("openLogicalChannelAck", slave))
    for body in pair.bodies("openLogicalChannel", master):
        parameters = body["forwardLogicalChannelParameters"]["multiplexParameters"][1]
        assert parameters["dynamicRTPPayloadType"] == body["encryptionSync"]["synchFlag"]
    for body in pair.bodies("openLogicalChannelAck", master):
        parameters = body["forwardMultiplexAckParameters"][1]
        assert parameters["dynamicRTPPayloadType"] == body["encryptionSync"]["synchFlag"]


def test_no_telephone_events_beside_encrypted_sound():
    """Their payload would be in clear; digits come by H.245."""
    pair = secret(MCU, TERMINAL)
    stream = pair.left.stream(Kind.AUDIO)
    assert stream.send_dtmf is None
    assert [each.codec for each in stream.receive] == [Codec.G722]
    told = pair.bodies("terminalCapabilitySet")
    names = {each["capability"][0] for body in told for each in body["capabilityTable"]}
    assert "receiveRTPAudioTelephonyEventCapability" not in names


@pytest.mark.parametrize("wanted", [101, 8, 120])
def test_payload_types_of_the_slave(wanted):
    """What it asks for, unless that is none, or that of telephone events."""
    entries = {2: ("receiveAudioCapability", ULAW[1]), 3: secured(2, AES_128)}
    pair, end, peer, security = against(table(entries))
    pair.start()
    pair.say(peer, peer.control.open(theirs(3, encrypted(ULAW), payload_type=wanted), pair.now))
    sync = pair.bodies("openLogicalChannelAck", end)[0]["encryptionSync"]
    key, payload_type = security.read_key(sync, Algorithm.AES_128_CBC)
    assert (payload_type == wanted) is (wanted == 120)
    assert payload_type in range(96, 128)
    assert end.stream(Kind.AUDIO).h235.remote == ((payload_type, key),)
    assert end.stream(Kind.AUDIO).receive[0].payload_type == payload_type
    pair.say(peer, peer.control.open(theirs(4, encrypted(ULAW), payload_type=wanted), pair.now))
    first, second = (number for number, _ in end.stream(Kind.AUDIO).h235.remote)
    assert first != second


def test_the_payload_type_of_the_master_holds():
    """It tells another one in its acknowledgement than we asked for."""
    entries = {2: ("receiveAudioCapability", ULAW[1]), 3: secured(2, AES_128)}
    pair, end, peer, security = against(table(entries), MCU)
    key, peer.answer["encryption_sync"] = security.new_key(Algorithm.AES_128_CBC, 119)
    pair.start()
    stream = end.stream(Kind.AUDIO)
    assert (stream.send.payload_type, stream.h235.local) == (119, key)


# ---- who does not


def test_a_room_system_gets_what_it_decrypts():
    """Sound and pictures by AES-128, its camera in clear: the lock speaks of sound and pictures."""
    pair, end, peer, _ = against(ROOM_SYSTEM)
    pair.start()
    names = {each.session_id: each.data_type[0] for each in peer.offers}
    assert names == {1: "h235Media", 2: "h235Media", 3: "data"}
    assert (end.media.media.is_encrypted, end.stream(Kind.CAMERA).h235) == (True, None)


def test_a_peer_that_sends_in_clear_is_sent_in_clear():
    """A stream is encrypted in both directions or in none."""
    pair, end, peer, _ = against(ROOM_SYSTEM)
    pair.start()
    assert end.stream(Kind.AUDIO).h235 is not None
    pair.say(peer, peer.control.open(theirs(), pair.now))
    stream = end.stream(Kind.AUDIO)
    assert stream.h235 is None
    assert (stream.send.codec, stream.send.payload_type) == (Codec.G722, 9)
    assert not end.media.media.is_encrypted
    assert end.media.media.grade is Grade.CLEAR
    assert end.stream(Kind.VIDEO).h235 is not None
    pair.say(peer, peer.control.open(theirs(2, encrypted(ULAW), payload_type=120), pair.now))
    pair.say(peer, peer.control.close(1, pair.now))
    assert dict(end.stream(Kind.AUDIO).h235.remote).keys() == {120}
    assert end.stream(Kind.AUDIO).h235.local


def test_a_peer_that_refuses_encrypted_channels():
    pair, end, peer, _ = against(ROOM_SYSTEM)
    peer.refuses.append("securityDenied")
    pair.start()
    assert end.stream(Kind.AUDIO).h235 is None
    assert end.stream(Kind.AUDIO).send.codec is Codec.G722
    assert [each.session_id for each in peer.offers] == [1, 2, 3, 1]


def test_a_master_without_key():
    """Nothing is sent on a channel whose key is missing; in clear where that may be."""
    pair, end, peer, _ = against(ROOM_SYSTEM, MCU)
    pair.start()
    assert end.stream(Kind.AUDIO).h235 is None
    assert end.stream(Kind.AUDIO).send.codec is Codec.G722
    pair, end, peer, _ = against(ROOM_SYSTEM, MCU, REQUIRED)
    pair.start()
    assert end.media.media.streams == ()
    assert {each.data_type[0] for each in peer.offers} == {"h235Media"}


@pytest.mark.parametrize("broken", [{}, {"synchFlag": 97, "h235Key": b"\0"}, {"synchFlag": 200}])
def test_a_slave_needs_the_key_of_the_master(broken):
    pair, end, peer, security = against(table({1: ("receiveUserInputCapability", ("dtmf", 0))}), MCU)
    pair.start()
    key, good = security.new_key(Algorithm.AES_128_CBC, 97)
    sync = {**good, **broken} if broken else None
    pair.say(peer, peer.control.open(theirs(3, encrypted(ULAW), payload_type=97, encryption_sync=sync), pair.now))
    (body,) = pair.bodies("openLogicalChannelReject", end)
    assert body["cause"][0] == "securityDenied"
    pair.say(peer, peer.control.open(theirs(4, encrypted(ULAW), payload_type=97, encryption_sync=good), pair.now))
    assert end.stream(Kind.AUDIO).h235.remote == ((97, key),)


@pytest.mark.parametrize(
    ("data_type", "cause"),
    [
        (encrypted(ULAW, terminals.AES_256), "dataTypeNotSupported"),
        (encrypted(ULAW, terminals.DES), "dataTypeNotSupported"),
    ],
)
def test_algorithms_that_were_not_agreed(data_type, cause):
    pair, end, peer, _ = against(ROOM_SYSTEM)
    pair.start()
    pair.say(peer, peer.control.open(theirs(3, data_type, payload_type=97), pair.now))
    assert [body["cause"][0] for body in pair.bodies("openLogicalChannelReject", end)] == [cause]


def test_nothing_is_encrypted_without_agreement():
    """A peer without half key hears and is heard in clear."""
    left = End(LEFT, MCU, security=MediaSecurity((DH_2048,)))
    pair = Pair(left, End(RIGHT)).start()
    assert flows(pair.left, pair.right, Kind.AUDIO).payload_type == 9
    assert left.stream(Kind.AUDIO).h235 is None


# ---- encryption required


def test_the_lock_before_there_are_channels():
    """Where nothing may be clear nothing will be; elsewhere nobody knows."""
    assert End(LEFT, wishes=REQUIRED).media.media.grade is Grade.OPPORTUNISTIC
    assert End(LEFT).media.media.grade is Grade.CLEAR


def test_required_encryption_is_met():
    pair = secret(MCU, TERMINAL, left=replace(REQUIRED, grade=Grade.AUTHENTICATED), right=REQUIRED)
    for kind in SENT:
        flows(pair.left, pair.right, kind)
        flows(pair.right, pair.left, kind)
    assert (pair.left.media.media.is_encrypted, pair.left.media.media.grade) == (True, Grade.AUTHENTICATED)
    assert pair.bodies("openLogicalChannelReject") == []


def test_required_encryption_refuses_clear_media():
    pair = Pair(End(LEFT, MCU, wishes=REQUIRED), Scripted(ROOM_SYSTEM)).start()
    assert pair.right.offers == []
    pair.say(pair.right, pair.right.control.open(theirs(), pair.now))
    (body,) = pair.bodies("openLogicalChannelReject")
    assert body["cause"][0] == "securityDenied"
    assert pair.left.media.media.streams == ()
    assert pair.left.media.is_settled
    (told,) = pair.bodies("terminalCapabilitySet", pair.left)
    names = {each["capability"][0] for each in told["capabilityTable"]}
    assert names == {"receiveUserInputCapability"}


def test_required_encryption_leaves_out_what_the_peer_has_in_clear_only():
    pair, end, peer, _ = against(ROOM_SYSTEM, wishes=REQUIRED)
    pair.start()
    assert {each.session_id: each.data_type[0] for each in peer.offers} == {1: "h235Media", 2: "h235Media"}
    assert end.media.media.is_encrypted


# ---- as caller, before the answer to the half keys


def calling(groups, wishes=None):
    """A caller whose Setup is out, and the called end that has answered."""
    ours, theirs = MediaSecurity(groups), MediaSecurity((DH_1024,))
    tokens = theirs.answer(ours.offer())
    left = End(LEFT, TERMINAL, wishes=wishes, security=ours)
    return Pair(left, End(RIGHT, MCU, security=theirs)), tokens


@pytest.mark.parametrize("groups", [(DH_1024,), (DH_1024, DH_2048)])
def test_a_caller_that_learns_the_key_when_h245_runs_already(groups):
    """What may come is told at once, and corrected where less has come of it."""
    pair, tokens = calling(groups)
    pair.start()
    assert pair.bodies("openLogicalChannel", pair.left) == []
    assert pair.left.media.media.streams == ()
    pair.say(pair.left, pair.left.media.handle(call.TokensReceived(0, tuple(tokens)), pair.now))
    pair.say(pair.left, pair.left.media.handle(call.Connected(bytes(16)), pair.now))
    for kind in SENT:
        flows(pair.left, pair.right, kind)
        flows(pair.right, pair.left, kind)
    assert pair.left.stream(Kind.AUDIO).h235.local
    assert pair.bodies("openLogicalChannelReject") == []
    assert len(pair.bodies("terminalCapabilitySet", pair.left)) == len(groups)


def test_a_caller_that_learns_the_key_before():
    pair, tokens = calling((DH_1024, DH_2048), REQUIRED)
    assert pair.left.media.handle(call.TokensReceived(0, tuple(tokens)), pair.now) == []
    pair.start()
    for kind in SENT:
        flows(pair.left, pair.right, kind)
        flows(pair.right, pair.left, kind)
    assert len(pair.bodies("terminalCapabilitySet", pair.left)) == 1
    assert pair.left.media.media.is_encrypted


def test_a_caller_whose_peer_does_not_encrypt():
    ours = MediaSecurity((DH_2048,))
    ours.offer()
    pair = Pair(End(LEFT, TERMINAL, security=ours), End(RIGHT, MCU)).start()
    assert pair.left.stream(Kind.AUDIO).send is None
    pair.say(pair.left, pair.left.media.handle(call.Connected(bytes(16)), pair.now))
    assert flows(pair.left, pair.right, Kind.AUDIO) == flows(pair.right, pair.left, Kind.AUDIO)
    told = pair.bodies("terminalCapabilitySet", pair.left)[-1]["capabilityTable"]
    assert {each["capabilityTableEntryNumber"] for each in told if "capability" not in each} >= {101, 102, 103}
    found = pair.right.control.machines.exchange._table
    assert not any(name == "h235SecurityCapability" for name, _ in found.values())


# ---- new keys


@pytest.mark.parametrize("types", [(MCU, TERMINAL), (TERMINAL, MCU)])
@pytest.mark.parametrize("by_left", [True, False])
def test_new_keys_while_media_flow(types, by_left):
    """By the master's wish and by the slave's, again and again; what is under way can still be read."""
    pair = secret(*types)
    ends = (pair.left, pair.right)
    seen = set()
    for _ in range(20):
        before = {(end, kind): end.stream(kind) for end in ends for kind in SENT}
        who = pair.left if by_left else pair.right
        pair.say(who, who.media.renew_keys(pair.now))
        for kind in SENT:
            for sender, receiver in (ends, ends[::-1]):
                now = sender.stream(kind)
                flows(sender, receiver, kind)
                old = before[sender, kind]
                assert now.h235.local != old.h235.local
                assert now.send.payload_type != old.send.payload_type
                assert dict(receiver.stream(kind).h235.remote)[old.send.payload_type] == old.h235.local
                assert len(receiver.stream(kind).h235.remote) <= 3
                seen.add(now.h235.local)
    assert len(seen) == 120


def test_a_peer_that_takes_no_new_keys():
    """As master: nothing changes over, whatever is asked (H.235.6 8.6.2)."""
    pair, end, peer, _ = against(ROOM_SYSTEM)
    pair.start()
    pair.say(peer, peer.control.open(theirs(3, encrypted(ULAW), payload_type=120), pair.now))
    before = end.stream(Kind.AUDIO)
    for _ in range(3):
        pair.say(end, end.media.renew_keys(pair.now))
    assert len(pair.bodies("miscellaneousCommand", end)) == 3, "one for each encrypted channel"
    now = end.stream(Kind.AUDIO)
    assert (now.send, now.h235.local) == (before.send, before.h235.local)
    assert dict(now.h235.remote)[120] == dict(before.h235.remote)[120]
    assert len(now.h235.remote) == 2


def test_a_wish_for_a_new_key_that_is_none():
    pair, end, _, security = against(ROOM_SYSTEM)
    pair.start()
    _, sync = security.new_key(Algorithm.AES_128_CBC, 99)
    (number,) = end.numbers(Kind.AUDIO)[0]
    assert end.media.handle(EncryptionUpdateWanted(99, is_ours=True), pair.now) == []
    assert end.media.handle(EncryptionUpdate(number, is_ours=True, encryption_sync=sync), pair.now) == [], "no slave"
    camera = end.numbers(Kind.CAMERA)[0][0]
    assert end.media.handle(EncryptionUpdateWanted(camera, is_ours=True), pair.now) == []


def test_a_slave_is_given_what_it_cannot_read():
    entries = {2: ("receiveAudioCapability", ULAW[1]), 3: secured(2, AES_128)}
    pair, end, peer, security = against(table(entries), MCU)
    _, peer.answer["encryption_sync"] = security.new_key(Algorithm.AES_128_CBC, 119)
    pair.start()
    before = end.media.generation
    (number,) = end.numbers(Kind.AUDIO)[0]
    broken = {"synchFlag": 98, "h235Key": b"\x00"}
    assert end.media.handle(EncryptionUpdate(number, is_ours=True, encryption_sync=broken), pair.now) == []
    assert end.media.generation == before
    key, sync = security.new_key(Algorithm.AES_128_CBC, 98)
    effects = end.media.handle(EncryptionUpdate(number, is_ours=True, encryption_sync=sync), pair.now)
    assert [isinstance(each, Send) for each in effects] == [True]
    assert (end.stream(Kind.AUDIO).send.payload_type, end.stream(Kind.AUDIO).h235.local) == (98, key)
    assert [each for each in end.media.renew_keys(pair.now) if isinstance(each, Send)]


def test_an_encrypted_channel_without_agreement():
    end = End(LEFT, MCU, security=MediaSecurity((DH_1024,)))
    pair = Pair(end, Scripted(ROOM_SYSTEM)).start()
    pair.say(pair.right, pair.right.control.open(theirs(3, encrypted(ULAW), payload_type=120), pair.now))
    (body,) = pair.bodies("openLogicalChannelReject")
    assert body["cause"][0] == "dataTypeNotSupported"
    assert any(isinstance(each, ChannelOffered) for each in end.events)


def test_content_is_encrypted_as_well():
    pair = secret(MCU, TERMINAL)
    for end, other in ((pair.right, pair.left), (pair.left, pair.right)):
        pair.say(end, end.media.open_content(pair.now))
        assert flows(end, other, Kind.CONTENT).payload_type in range(96, 128)
    keys = [end.stream(kind).h235.local for end in (pair.left, pair.right) for kind in (Kind.CONTENT, Kind.VIDEO)]
    assert len(set(keys)) == 4


def test_new_keys_after_a_hold():
    pair = secret(MCU, TERMINAL)
    before = pair.left.stream(Kind.AUDIO)
    pair.say(pair.right, pair.right.control.hold(pair.now))
    assert pair.left.stream(Kind.AUDIO).h235.local == b""
    pair.say(pair.right, pair.right.control.resume(pair.now))
    flows(pair.left, pair.right, Kind.AUDIO)
    assert pair.left.stream(Kind.AUDIO).h235.local != before.h235.local


def test_the_payload_type_of_telephone_events_is_not_ours_to_use():
    events = ("receiveRTPAudioTelephonyEventCapability", {"dynamicRTPPayloadType": 110, "audioTelephoneEvent": "0-16"})
    entries = {1: events, 2: ("receiveAudioCapability", ULAW[1]), 3: secured(2, AES_128)}
    pair, end, peer, _ = against(table(entries))
    pair.start()
    assert [each.payload_type for each in peer.offers] == [111]
    assert end.stream(Kind.AUDIO).send.payload_type == 111


def test_a_key_for_a_channel_that_is_not_there():
    pair, end, _, security = against(ROOM_SYSTEM, MCU)
    pair.start()
    _, sync = security.new_key(Algorithm.AES_128_CBC, 98)
    for number in (77, *end.numbers(Kind.CAMERA)[0]):
        assert end.media.handle(EncryptionUpdate(number, is_ours=True, encryption_sync=sync), pair.now) == []
        assert end.media.handle(EncryptionUpdate(number, is_ours=False, encryption_sync=sync), pair.now) == []


def test_a_peer_that_refuses_every_codec_encrypted():
    """It gets them in clear, dearest first; once its capabilities change it is asked again."""
    pair, end, peer, _ = against(table({1: ("receiveAudioCapability", ULAW[1]), 3: secured(1, AES_128)}))
    peer.refuses.append("dataTypeNotSupported")
    pair.start()
    assert [each.data_type[0] for each in peer.offers] == ["h235Media", "audioData"]
    assert end.stream(Kind.AUDIO).h235 is None
    more = table({1: ("receiveAudioCapability", ULAW[1]), 4: ("receiveVideoCapability", terminals.h264(71))})
    pair.say(peer, peer.control.set_capabilities(more, pair.now))
    assert [each.data_type[0] for each in peer.offers[2:]] == ["videoData", "h235Media"]
    assert end.stream(Kind.AUDIO).h235.local


def test_acknowledgements_of_keys_that_nobody_gave():
    pair, end, _, _ = against(ROOM_SYSTEM)
    pair.start()
    before = end.stream(Kind.AUDIO)
    (number,) = end.numbers(Kind.AUDIO)[0]
    for is_renewed in (False, True):
        for synch_flag in (0, before.send.payload_type):
            event = EncryptionUpdated(number, is_ours=True, synch_flag=synch_flag)
            assert end.media.handle(event, pair.now) == []
            assert end.stream(Kind.AUDIO) == before
        if not is_renewed:
            pair.say(end, end.media.renew_keys(pair.now))


def test_clear_and_encrypted_channels_are_never_in_one_stream():
    """The newer one holds; the plane would take clear packets for ciphertext, or the other way round."""
    pair, end, peer, _ = against(ROOM_SYSTEM)
    pair.start()
    pair.say(peer, peer.control.open(theirs(1, encrypted(ULAW), payload_type=120), pair.now))
    pair.say(peer, peer.control.open(theirs(2), pair.now))
    stream = end.stream(Kind.AUDIO)
    assert (stream.h235, [each.payload_type for each in stream.receive]) == (None, [0])
    pair.say(peer, peer.control.close(2, pair.now))
    stream = end.stream(Kind.AUDIO)
    assert [each.payload_type for each in stream.receive] == [120]
    assert stream.h235.local


def test_an_offer_that_is_withdrawn_before_there_is_a_key():
    ours, called = MediaSecurity((DH_1024,)), MediaSecurity((DH_1024,))
    tokens = called.answer(ours.offer())
    pair = Pair(End(LEFT, TERMINAL, security=ours), Scripted(ROOM_SYSTEM, MCU)).start()
    _, sync = called.new_key(Algorithm.AES_128_CBC, 97)
    channel = theirs(3, encrypted(ULAW), payload_type=97, encryption_sync=sync)
    pair.say(pair.right, pair.right.control.open(channel, pair.now))
    pair.say(pair.right, pair.right.control.close(3, pair.now))
    pair.say(pair.left, pair.left.media.handle(call.TokensReceived(0, tuple(tokens)), pair.now))
    assert pair.left.numbers(Kind.AUDIO)[1] == []
    assert pair.bodies("openLogicalChannelAck", pair.left) == []
