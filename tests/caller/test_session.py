"""The media of a call between its signalling and its sockets."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from caller.media import Programme, Unit
from caller.options import CallOptions
from caller.report import CallReport
from caller.session import MediaSession, now_us
from mcu.media import Codec, Format, Grade, H235Keys, Kind, LegMedia, StreamSpec

PCMA = Format(Codec.PCMA, 8, 8000)
VP8 = Format(Codec.VP8, 96, 90_000)
OPTIONS = CallOptions("sip:1@h", decodes=False)


def programme(sound=b"sound", picture=b"\x10\0\0\x9d\x01\x2a\x10\0\x10\0 picture"):
    made = Programme(25)
    made.audio += [sound] * 50
    made.video += [Unit(picture, True)] * 25
    made.finish()
    return made


def media(*specs):
    return LegMedia(specs, False, Grade.CLEAR)


def towards(peer, kind, form, **more):
    rtp, rtcp = peer.ports[kind]
    return StreamSpec(
        kind.value, kind, (form,), form, remote=("127.0.0.1", rtp), remote_rtcp=("127.0.0.1", rtcp), **more
    )


@pytest.fixture
async def pair():
    left, right = (MediaSession(OPTIONS, programme(), "127.0.0.1", programme(picture=VP8_SLIDE)) for _ in range(2))
    for session in (left, right):
        await session.open((Kind.AUDIO, Kind.VIDEO, Kind.CONTENT))
        session.begin((Kind.AUDIO, Kind.VIDEO))
    yield left, right
    for session in (left, right):
        session.goodbye()
        await session.close(CallReport())


VP8_SLIDE = b"\x10\0\0\x9d\x01\x2a\x20\0\x20\0 slide"


async def step(pair, seconds):
    until = now_us() + int(seconds * 1_000_000)
    while now_us() < until:
        for session in pair:
            session.step(now_us())
        await asyncio.sleep(0.005)


async def test_ports_are_pairs_as_rtp_wants_them(pair) -> None:
    for session in pair:
        for rtp, rtcp in session.ports.values():
            assert (rtp % 2, rtcp) == (0, rtp + 1)


async def test_streams_come_rest_and_come_back(pair) -> None:
    left, right = pair
    sound = [media(towards(other, Kind.AUDIO, PCMA)) for other in (right, left)]
    both = [
        media(
            towards(other, Kind.AUDIO, PCMA), towards(other, Kind.VIDEO, VP8), towards(other, Kind.CONTENT, VP8)
        )
        for other in (right, left)
    ]  # fmt: skip
    counts = []
    for phase in (sound, both, sound, both):
        for session, agreed in zip(pair, phase, strict=True):
            session.update(agreed)
        await step(pair, 0.25)
        counts.append({kind: stream.frames for kind, stream in right._streams.items()})
    assert list(counts[0]) == [Kind.AUDIO]
    assert set(counts[1]) == {Kind.AUDIO, Kind.VIDEO, Kind.CONTENT}
    assert counts[0][Kind.AUDIO] < counts[1][Kind.AUDIO] < counts[2][Kind.AUDIO] < counts[3][Kind.AUDIO]
    assert counts[2][Kind.VIDEO] - counts[1][Kind.VIDEO] <= 1 < counts[3][Kind.VIDEO] - counts[2][Kind.VIDEO]
    report = CallReport()
    right.goodbye()
    await right.close(report)
    assert (report.outcome, set(report.streams)) == ("ok", {"audio", "video", "content"})
    assert report.streams["content"].frames_received > 0


async def test_silence_counts_once_something_has_come_and_while_something_is_to_come(pair) -> None:
    left, right = pair
    later = 21_000_000
    agreed = [media(towards(other, Kind.AUDIO, PCMA)) for other in (right, left)]
    right.update(agreed[1])
    assert not right.is_cut_off(now_us() + later), "there is no way for media"
    left.update(agreed[0])
    await step(pair, 0.25)
    assert not right.is_cut_off(now_us())
    assert right.is_cut_off(now_us() + later)
    held = structs.replace(agreed[1].streams[0], receive=())
    right.update(media(held))
    assert not right.is_cut_off(now_us() + later), "nothing is to come"
    right.update(agreed[1])
    await step(pair, 0.1)
    assert right.is_cut_off(now_us() + later)


async def test_keys_may_change_and_nothing_is_lost(pair) -> None:
    left, right = pair
    keys = [bytes((number,)) * 16 for number in range(4)]
    there, back = towards(right, Kind.AUDIO, PCMA), towards(left, Kind.AUDIO, PCMA)
    for number in range(3):
        # The receiver knows a key before the sender uses it, each by a payload type of its own.
        told = tuple((100 + each, keys[each]) for each in range(number + 1))
        types = tuple(structs.replace(PCMA, payload_type=each) for each, _ in told)
        right.update(media(structs.replace(back, receive=types, send=None, h235=H235Keys(b"", told))))
        left.update(media(structs.replace(there, receive=(), send=types[-1], h235=H235Keys(keys[number]))))
        await step(pair, 0.2)
    report = CallReport()
    right.goodbye()
    await right.close(report)
    audio = report.streams["audio"]
    assert (audio.suite, audio.peer_keys, audio.own_keys, audio.lost_packets) == ("AES-128-CBC", 3, 0, 0)
    assert audio.received_packets >= 20
    assert audio.dropped == {}


async def test_what_signalling_is_to_ask_for(pair) -> None:
    left, right = pair
    left._programme.video[:] = [Unit(b"\x11\0\0 no keyframe", False)] * 25
    for session, other in ((left, right), (right, left)):
        session.update(media(towards(other, Kind.VIDEO, VP8)))
    await step(pair, 0.2)
    assert right.keyframe_wishes() == [Kind.VIDEO]
    assert right.keyframe_wishes() == []
    left.keyframe_asked(Kind.VIDEO)
    left.keyframe_asked(Kind.CAMERA)
    assert left._streams[Kind.VIDEO].keyframes_asked == 1
