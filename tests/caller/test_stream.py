"""The core of one stream: two of them on a virtual clock, hostile bytes, repeats, a change of source."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caller.stream import MAX_WAITING, Identity, Stream
from mcu.media import Codec, Format, Kind, SdesKeys, StreamSpec
from mcu.rtp import rtcp
from mcu.rtp.capture import LegClock
from mcu.rtp.ntp import NtpClock
from tests.mcu.rtp.media_samples import encoded

H264 = Format(Codec.H264, 97, 90_000, "42e01f", 1)
OPUS = Format(Codec.OPUS, 96, 48_000)
KEYS = bytes(range(28)), bytes(range(60, 88))


def stream(form=H264, ssrc=1, keys=None, **more):
    sdes = SdesKeys("AEAD_AES_128_GCM", *keys) if keys else None
    kind = Kind.VIDEO if form.codec.is_video else Kind.AUDIO
    spec = StreamSpec("", kind, (form,), form, sdes=sdes, has_nack=True, has_pli=True, **more)
    return Stream(spec, Identity(ssrc, "test", 32_760, 5), NtpClock(1_700_000_000_000_000), LegClock())


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
