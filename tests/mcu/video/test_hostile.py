"""What strangers send: junk, cut and changed frames never raise, never grow, and never stop anybody else's picture."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.media import VideoSettings
from mcu.media import Codec
from mcu.video.bitstream import BitstreamError, Geometry, geometries, is_keyframe, parse_sps, split_nals, without_sei
from mcu.video.decoder import DecodeError, Decoder
from mcu.video.source import Source
from mcu.worker.channel import Frame
from mcu.worker.messages import Tile
from tests.mcu.video.media import GREEN, RED, Room, Sender, is_near, sps

A, B = 5, 9
SIDE_BY_SIDE = (Tile(0, 0, 0.5, 1, A), Tile(0.5, 0, 0.5, 1, B))
START = b"\x00\x00\x00\x01"
H264 = [Sender(A, RED).frame().payload]
CODECS = [codec for codec in Codec if codec.is_video]
SAMPLES = {codec: Sender(A, RED, codec).frame().payload for codec in CODECS}


def mutations(payload: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    changed = bytearray(payload)
    for _ in range(chance.randrange(1, 12)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.randrange(1, len(changed) + 1)] if chance.random() < 0.3 else changed)


@pytest.mark.parametrize("codec", CODECS)
def test_a_malformed_sender_stops_nobody_else(codec: Codec) -> None:
    room = Room(*SIDE_BY_SIDE)
    bad, good = Sender(A, RED, codec), Sender(B, RED)
    for seed in range(150):
        frame = bad.frame(is_key=seed % 10 == 0)
        room.feed(Frame(A, codec, mutations(frame.payload, seed), is_keyframe=seed % 3 == 0))
        room.feed(good.frame(colour=(60 + seed, 60, 200 - seed)))
        room.tick()
    assert is_near(room.viewer.at(0.75, 0.5), (209, 60, 51))
    assert room.count("decode_errors") > 0
    assert A in room.asked[2:], "its sender is asked for a keyframe"
    room.tick(25)
    room.feed(Sender(A, GREEN, codec).frame())
    room.tick(4)
    assert is_near(room.viewer.at(0.25, 0.5), GREEN), "and it comes back"


@pytest.mark.parametrize("codec", CODECS)
def test_every_truncation_is_an_error_of_that_source(codec: Codec) -> None:
    payload = SAMPLES[codec]
    for length in range(0, len(payload), max(1, len(payload) // 150)):
        decoder = Decoder(codec, VideoSettings())
        try:
            decoder.check(payload[:length])
            decoder.decode(payload[:length])
        except DecodeError:
            pass


@given(data=st.binary(max_size=300), codec=st.sampled_from(CODECS))
@settings(max_examples=100, deadline=None)
def test_headers_of_any_bytes(data: bytes, codec: Codec) -> None:
    is_keyframe(codec, data)
    without_sei(data)
    try:
        for found in geometries(codec, START + b"\x67" + data if codec is Codec.H264 else data):
            found.fits(8192, 8192)
    except BitstreamError:
        pass


@given(data=st.binary(min_size=1, max_size=64))
@settings(max_examples=60, deadline=None)
def test_decoders_take_any_bytes(data: bytes) -> None:
    source = Source(A, VideoSettings(), 0)
    for codec, head in ((codec, sample[: 60 if codec is Codec.H264 else 12]) for codec, sample in SAMPLES.items()):
        source.feed(Frame(A, codec, head + data, is_keyframe=True), 0)
        source.decode_next(0)


def test_sizes_are_read_from_parameter_sets() -> None:
    assert geometries(Codec.H264, H264[0]) == [Geometry(320, 192, 1)]
    assert geometries(Codec.VP8, SAMPLES[Codec.VP8]) == [Geometry(320, 180, 1)]
    assert geometries(Codec.H263, SAMPLES[Codec.H263]) == [Geometry(320, 180, 1)]
    assert geometries(Codec.H263_1996, SAMPLES[Codec.H263_1996]) == [Geometry(352, 288, 1)]
    assert parse_sps(sps(40, 23, references=4)) == Geometry(640, 368, 4)


@pytest.mark.parametrize(
    ("geometry", "fits"),
    [
        (Geometry(8192, 8192, 2), True),
        (Geometry(8192, 8192, 3), False),
        (Geometry(8208, 16), False),
        (Geometry(16, 8208), False),
        (Geometry(0, 16), False),
        (Geometry(1280, 720, 16), True),
        (Geometry(16384, 16384), False),
    ],
)
def test_bounds_of_size_and_references(geometry: Geometry, fits: bool) -> None:
    assert geometry.fits(8192, 8192) is fits


def test_16384_by_16384_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(*SIDE_BY_SIDE)
    monkeypatch.setattr(Decoder, "decode", lambda self, payload: pytest.fail("decoded"))
    room.feed(Frame(A, Codec.H264, START + sps(1024, 1024) + START + b"\x65" + os.urandom(500), is_keyframe=True))
    huge = bytearray(SAMPLES[Codec.VP8])
    huge[6:10] = b"\xff\x3f\xff\x3f"
    room.feed(Frame(B, Codec.VP8, bytes(huge), is_keyframe=True))
    room.tick()
    assert room.count("frames_dropped_too_large") == 2
    room.tick(8)
    assert sorted(room.asked) == [A, A, B, B]


def test_a_size_that_changes_later_is_checked_too() -> None:
    room = Room(*SIDE_BY_SIDE, max_width=640, max_height=640)
    room.feed(Sender(A, RED).frame())
    room.tick(3)
    room.feed(Sender(A, GREEN, size=(656, 360)).frame())
    room.tick(3)
    assert room.count("frames_dropped_too_large") == 1
    assert is_near(room.viewer.at(0.25, 0.5), RED)


def test_a_sender_may_change_size_and_codec() -> None:
    room = Room(*SIDE_BY_SIDE)
    for number, (codec, size) in enumerate(
        [(Codec.H264, (320, 180)), (Codec.H264, (640, 360)), (Codec.VP8, (320, 180)), (Codec.VP8, (176, 144))]
    ):
        room.feed(Sender(A, (50 * number, 90, 120), codec, size).frame())
        room.tick(3)
        assert is_near(room.viewer.at(0.25, 0.5), (50 * number, 90, 120))


def test_nals_are_bounded_and_split_on_both_start_codes() -> None:
    assert list(split_nals(b"junk\x00\x00\x01\x65a\x00\x00\x00\x01\x41b\x00")) == [b"\x65a", b"\x41b"]
    assert len(list(split_nals(b"\x00\x00\x01\x41" * 5000))) == 1024
    assert list(split_nals(b"")) == []
    assert without_sei(START + b"\x06x" + START + b"\x65y") == START + b"\x65y"


def test_large_and_uncommon_pictures_are_made_plain_by_their_decoder() -> None:
    decoder = Decoder(Codec.H264, VideoSettings())
    picture = decoder.decode(Sender(A, RED, size=(2560, 1440)).frame().payload)
    assert picture is not None
    assert (picture.width, picture.height) == (1920, 1080)


def test_a_source_never_keeps_more_than_two_pictures_waiting() -> None:
    source, sender = Source(A, VideoSettings(), 0), Sender(A, RED)
    for number in range(10):
        source.feed(sender.frame(due_us=30_000 + number), 0)
        source.decode_next(0)
        assert len(source._pictures) <= 2
    assert source.drops["overtaken"] == 8
    assert source.show(0) is None
    assert source.show(40_000) is not None


def test_a_fast_sender_that_is_held_back_is_still_seen() -> None:
    source, sender, shown = Source(A, VideoSettings(), 0), Sender(A, RED), set()
    for now_us in range(0, 1_000_000, 10_000):
        source.feed(sender.frame(due_us=now_us + 100_000), now_us)
        while source.is_ready(now_us):
            source.decode_next(now_us)
        if now_us % 40_000 == 0 and (picture := source.show(now_us)):
            shown.add(picture.serial)
    assert len(shown) >= 18


def test_a_size_behind_a_thousand_units_is_seen() -> None:
    hidden = b"\x00\x00\x01\x41x" * 2000 + START + sps(1024, 1024)
    with pytest.raises(DecodeError, match="too_large"):
        Decoder(Codec.H264, VideoSettings()).check(hidden)
    with pytest.raises(DecodeError, match="bad_header"):
        Decoder(Codec.H264, VideoSettings()).check((START + sps(20, 11)) * 1000)


@pytest.mark.parametrize("size", [(16, 16), (16, 4096), (4096, 16), (2, 2), (8192, 16), (16, 8192), (1282, 722)])
@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
def test_extreme_shapes_are_shown_or_refused(codec: Codec, size: tuple[int, int]) -> None:
    room = Room(*SIDE_BY_SIDE)
    good = Sender(B, RED)
    room.feed(Sender(A, GREEN, codec, size).frame(), good.frame())
    room.tick(3)
    assert is_near(room.viewer.at(0.75, 0.5), RED)
    assert room.count("frames_decoded") >= 1
    assert room.count("frames_dropped_unscalable") == 0


def test_a_size_that_changes_with_every_picture_keeps_no_memory() -> None:
    room, sizes = Room(*SIDE_BY_SIDE), [(320, 180), (1280, 720), (64, 720), (1920, 64), (640, 360), (16, 16)]
    coded = [Sender(A, GREEN, size=size).frame().payload for size in sizes]
    before_kib = 0
    for number in range(120):
        room.feed(Frame(A, Codec.H264, coded[number % len(coded)], is_keyframe=True))
        room.tick()
        if number == 30:
            before_kib = _resident_kib()
    assert room.count("frames_decoded") >= 115
    assert _resident_kib() - before_kib < 40_000
    assert is_near(room.viewer.at(0.25, 0.5), GREEN)


def _resident_kib() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4
