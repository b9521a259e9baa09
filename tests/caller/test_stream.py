"""The core of one stream: two of them on a virtual clock, hostile bytes, repeats, a change of source."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from caller.media import make_programme
from caller.options import CallOptions
from caller.stream import MAX_WAITING, Identity, Stream
from mcu.media import Codec, Format, H235Keys, Kind, SdesKeys, StreamSpec
from mcu.rtp import rtcp
from mcu.rtp.capture import LegClock
from mcu.rtp.ntp import NtpClock
from tests.mcu.rtp.media_samples import encoded

H264 = Format(Codec.H264, 97, 90_000, "42e01f", 1)
OPUS = Format(Codec.OPUS, 96, 48_000)
KEYS = bytes(range(28)), bytes(range(60, 88))


def stream(form=H264, ssrc=1, keys=None, steals=False, **more):
    sdes = SdesKeys("AEAD_AES_128_GCM", *keys) if keys else None
    kind = Kind.VIDEO if form.codec.is_video else Kind.AUDIO
    found = {"send": form, "sdes": sdes, "has_nack": True, "has_pli": True} | more
    spec = StreamSpec("", kind, (form,), **found)
    return Stream(spec, Identity(ssrc, "test", 32_760, 5), NtpClock(1_700_000_000_000_000), LegClock(), steals)


def carry(sender, receiver, now, lost=()):
    for number, (_, data) in enumerate(sender.packets_to_send()):
        if number not in lost:
            receiver.receive(data, now)


@pytest.mark.parametrize("keys", [None, KEYS])
def test_two_ends_with_loss_and_repair(keys) -> None:
    alice, bob = stream(ssrc=1, keys=keys), stream(ssrc=2, keys=keys[::-1] if keys else None)
    frames = encoded("libx264")
    got = []
    for index, frame in enumerate(frames):
        now = 1_000_000 + index * 40_000
        alice.send(frame, index * 3600, now)
        carry(alice, bob, now, lost=(1,) if index % 5 == 0 else ())
        for step in range(0, 40_000, 10_000):
            bob.handle_timeout(now + step)
            carry(bob, alice, now + step)
            alice.handle_timeout(now + step)
            carry(alice, bob, now + step)
            got += bob.frames_received()
    assert len(got) == 40
    assert [frame.is_keyframe for frame in got].count(True) == bob.keyframes == 2
    assert (got[0].width, got[0].height) == (320, 176)
    assert bob.keyframe_requests == alice.keyframes_asked <= 2
    assert alice.sender.round_trip_us > 0
    assert [b.capture_us - a.capture_us for a, b in pairwise(got[20:])] == [40_000] * 19
    assert "srtp-auth" not in bob.dropped


def test_a_new_source_takes_over_after_silence() -> None:
    bob = stream(OPUS, 9)
    for ssrc, start in ((1, 0), (2, 1_000_000)):
        alice = stream(OPUS, ssrc)
        for tick in range(10):
            alice.send(b"sound", tick * 960, start + tick * 20_000)
            carry(alice, bob, start + tick * 20_000)
    assert bob.reception.ssrc == 2
    assert bob.frames == 19  # the first packet of the newcomer only announces it
    assert bob.lost_packets == 0


def test_what_does_not_belong_here_is_counted() -> None:
    bob = stream(OPUS, 9, KEYS)
    for alice in (stream(OPUS, 1, (bytes(28), bytes(28))), stream(OPUS, 2)):
        alice.send(b"sound", 0, 0)
        carry(alice, bob, 0)
    other = stream(Format(Codec.PCMU, 0, 8000), 3, KEYS[::-1])
    other.send(b"sound", 0, 0)
    carry(other, bob, 0)
    assert bob.frames == 0
    assert bob.dropped["not-understood"] == 3
    assert bob.dropped["srtp-auth"] + bob.dropped.get("srtp-malformed", 0) == 2


def test_frames_that_nobody_takes_are_bounded() -> None:
    alice, bob = stream(OPUS, 1), stream(OPUS, 2)
    for tick in range(MAX_WAITING + 10):
        alice.send(b"sound", tick * 960, tick * 20_000)
        carry(alice, bob, tick * 20_000)
    assert len(bob.frames_received()) == MAX_WAITING
    assert bob.dropped["undelivered"] == 10


def test_goodbye_ends_with_bye() -> None:
    alice = stream(OPUS, 1)
    alice.send(b"sound", 0, 0)
    alice.packets_to_send()
    alice.goodbye(20_000)
    ((is_rtcp, data),) = alice.packets_to_send()
    packets, errors = rtcp.parse_compound(data)
    assert is_rtcp
    assert errors == 0
    assert [type(packet) for packet in packets] == [rtcp.SenderReport, rtcp.SourceDescription, rtcp.Goodbye]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=8), st.sampled_from([b"", b"\x80\x61", b"\x80\xc8", b"\x81\xce"]))
def test_any_datagrams_are_safe(noise, head) -> None:
    for form in (H264, OPUS):
        core = stream(form)
        for index, data in enumerate(noise):
            core.receive(head + data, index * 30_000)
            core.handle_timeout(index * 30_000)
            core.frames_received()


def media_keys(payload_type, *keys):
    """Ours, and of the peer one after the other, by payload types that count up."""
    return H235Keys(keys[0], tuple((payload_type + number, key) for number, key in enumerate(keys[1:])))


@pytest.mark.parametrize("key_bytes", [16, 24, 32])
@pytest.mark.parametrize("steals", [False, True])
def test_two_ends_encrypted_by_h235(key_bytes, steals) -> None:
    to_bob, to_alice = bytes(range(key_bytes)), bytes(range(100, 100 + key_bytes))
    alice = stream(keys=None, ssrc=1, steals=steals, h235=media_keys(97, to_bob, to_alice))
    bob = stream(keys=None, ssrc=2, h235=media_keys(97, to_alice, to_bob))
    frames, wire = encoded("libx264"), b""
    for index, frame in enumerate(frames):
        alice.send(frame, index * 3600, index * 40_000)
        for _, data in alice.packets_to_send():
            wire += data[12:]
            bob.receive(data, index * 40_000)
    got = bob.frames_received()
    assert len(got) == len(frames)
    assert [frame.is_keyframe for frame in got].count(True) == 2
    assert alice.suite == bob.suite == f"AES-{8 * key_bytes}-CBC"
    assert not any(frame[at : at + 16] in wire for frame in frames for at in range(100, len(frame) - 16, 50))
    assert bob.dropped == {}


def test_what_is_in_the_clear_is_dropped_where_keys_were_agreed() -> None:
    bob = stream(OPUS, 2, h235=media_keys(96, bytes(16), bytes(16)))
    other = stream(Format(Codec.OPUS, 110, 48_000), 1)
    other.send(b"sound", 0, 0)
    carry(other, bob, 0)
    assert bob.frames == 0
    assert bob.dropped == {"not-understood": 1, "h235-payload-type": 1}


def test_keys_are_renewed_while_packets_run() -> None:
    first, second = bytes(16), bytes(range(16))
    renewed = Format(Codec.OPUS, 97, 48_000)
    alice, bob = stream(OPUS, 1, h235=media_keys(96, first)), stream(OPUS, 2, h235=media_keys(96, b"", first))
    for tick in range(30):
        if tick == 10:  # the receiver takes both for a while
            bob.update(structs.replace(bob.spec, receive=(OPUS, renewed), h235=media_keys(96, b"", first, second)))
        if tick == 15:
            alice.update(structs.replace(alice.spec, send=renewed, h235=H235Keys(second)))
        if tick == 25:
            bob.update(structs.replace(bob.spec, receive=(renewed,), h235=H235Keys(b"", ((97, second),))))
        alice.send(b"sound %d" % tick, tick * 960, tick * 20_000)
        carry(alice, bob, tick * 20_000)
    assert [frame.payload for frame in bob.frames_received()] == [b"sound %d" % tick for tick in range(30)]
    assert (alice.own_keys, bob.peer_keys) == ({first, second}, {first, second})
    assert bob.dropped == {}


def test_the_other_direction_may_come_later_and_a_stream_may_rest() -> None:
    alice, bob = stream(OPUS, 1), stream(OPUS, 2)
    whole = alice.spec
    alice.update(structs.replace(whole, send=None))
    alice.send(b"sound", 0, 0)
    assert alice.packets_to_send() == []
    alice.update(structs.replace(whole, receive=()))
    bob.send(b"sound", 0, 0)
    carry(bob, alice, 0)
    assert (alice.frames, alice.not_understood) == (0, 1)
    alice.update(whole)
    bob.send(b"sound", 960, 20_000)
    carry(bob, alice, 20_000)
    assert alice.frames == 1
    assert alice.carries(whole)
    assert not alice.carries(structs.replace(whole, send=Format(Codec.PCMA, 8, 8000)))


def test_without_rtcp_for_it_signalling_asks_for_a_keyframe() -> None:
    alice, bob = stream(ssrc=1, has_pli=False), stream(ssrc=2, has_pli=False, has_nack=False)
    for index, frame in enumerate(encoded("libx264")[1:4]):
        alice.send(frame, index * 3600, index * 40_000)
        carry(alice, bob, index * 40_000)
    bob.handle_timeout(200_000)
    assert bob.take_keyframe_wish()
    assert not bob.take_keyframe_wish()
    assert bob.keyframe_requests == 1
    for _, data in bob.packets_to_send():
        packets, _ = rtcp.parse_compound(data)
        assert not any(isinstance(packet, rtcp.PictureLoss) for packet in packets)
    alice.keyframe_asked()
    assert alice.keyframes_asked == 1


def test_what_is_sent_may_be_of_another_codec_than_what_comes() -> None:
    """A terminal of H.261 in a room that has no encoder for it."""
    h261, h263 = Format(Codec.H261, 31, 90_000), Format(Codec.H263, 96, 90_000)
    terminal = stream(h263, ssrc=1, send=h261)
    room = stream(h261, ssrc=2, send=h263)
    options = CallOptions("h323:1@h", audio=None, width=176, height=144)
    for sender, receiver, codec in ((terminal, room, Codec.H261), (room, terminal, Codec.H263)):
        (picture, *_) = make_programme(replace(options, video=codec)).video
        sender.send(picture.payload, 0, 1_000_000)
        carry(sender, receiver, 1_000_000)
        (frame,) = receiver.frames_received()
        assert (frame.codec, frame.payload, frame.is_keyframe) == (codec, picture.payload, True)
    assert terminal.carries(terminal.spec)
    assert not terminal.carries(room.spec)


@pytest.mark.parametrize("has_nack", [True, False])
def test_lost_sound_comes_again_where_both_ends_know_how(has_nack) -> None:
    alice, bob = (stream(OPUS, ssrc, has_nack=has_nack) for ssrc in (1, 2))
    got = []
    for tick in range(210):
        now = 1_000_000 + tick * 20_000
        alice.send(b"%03d" % tick, tick * 960, now)
        carry(alice, bob, now, lost=(0,) if tick % 20 == 5 and tick >= 100 else ())
        bob.send(b"there", tick * 960, now)
        for step in range(0, 20_000, 10_000):
            for sender, receiver in ((bob, alice), (alice, bob)):
                sender.handle_timeout(now + step)
                carry(sender, receiver, now + step + 2_000)
        got += [int(frame.payload) for frame in bob.frames_received()]
    assert got == sorted(got)
    assert len([number for number in got if number < 205]) == (205 if has_nack else 200)
    assert bob.lost_packets == (0 if has_nack else 6)
