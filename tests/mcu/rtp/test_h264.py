"""H.264 payloads: cutting, joining, parameter sets, sizes; FFmpeg encodes and decodes, aiortc reads."""

import time

import pytest
from aiortc.codecs.h264 import H264PayloadDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.rtp import h264, h264_sps
from mcu.rtp.h264_sps import picture_size
from tests.mcu.rtp.media_samples import HEIGHT, WIDTH, decoded, encoded


def units(access_unit):
    return [access_unit[start:end] for start, end in h264.nal_units(access_unit)]


def wanted(access_unit):
    return [unit for unit in units(access_unit) if unit[0] & 0x1F not in (h264.AUD, h264.FILLER)]


@pytest.mark.parametrize("max_bytes", [100, 1200, 60_000])
def test_frames_survive_cutting_and_joining(max_bytes) -> None:
    depacketizer = h264.Depacketizer()
    for access_unit in encoded("libx264"):
        pieces = h264.cut(access_unit, max_bytes)
        assert all(len(piece.payload) <= max_bytes for piece in pieces)
        assert [piece.marker for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        joined = depacketizer.join([piece.payload for piece in pieces])
        assert units(joined.payload) == wanted(access_unit)
        assert joined.is_keyframe == h264.is_keyframe(access_unit)
        assert (joined.width, joined.height) == ((WIDTH, HEIGHT) if joined.is_keyframe else (0, 0))
    assert depacketizer.malformed == 0


def test_fragments_are_equal_except_the_last() -> None:
    keyframe = encoded("libx264")[0]
    fragments = [p.payload for p in h264.cut(keyframe, 1200) if p.payload[0] & 0x1F == h264.FU_A]
    assert len(fragments) > 2
    assert {len(fragment) for fragment in fragments[:-1]} == {1200}


def test_parameter_sets_share_a_stap_a() -> None:
    first = h264.cut(encoded("libx264")[0])[0].payload
    assert first[0] & 0x1F == h264.STAP_A
    assert first[3] & 0x1F == h264.SPS


def test_mode_0_has_one_unit_a_packet_and_the_encoder_keeps_it_small() -> None:
    frames = encoded("libx264", slice_bytes=1100)
    joined = []
    depacketizer = h264.Depacketizer()
    for access_unit in frames:
        pieces = h264.cut(access_unit, mode=0)
        assert all(1 <= piece.payload[0] & 0x1F <= 23 and len(piece.payload) <= 1200 for piece in pieces)
        joined.append(depacketizer.join([piece.payload for piece in pieces]).payload)
    assert decoded("libx264", joined) == decoded("libx264", frames)


def test_pictures_are_the_same_after_the_trip() -> None:
    frames = encoded("libx264")
    depacketizer = h264.Depacketizer()
    joined = [depacketizer.join([piece.payload for piece in h264.cut(frame)]).payload for frame in frames]
    assert decoded("libx264", joined) == decoded("libx264", frames)


def test_aiortc_joins_our_payloads() -> None:
    for access_unit in encoded("libx264")[:5]:
        theirs = b"".join(H264PayloadDescriptor.parse(piece.payload)[1] for piece in h264.cut(access_unit))
        assert units(theirs) == wanted(access_unit)


def test_keyframe_without_parameter_sets_gets_the_remembered_ones() -> None:
    keyframe = encoded("libx264")[0]
    sets = [unit for unit in units(keyframe) if unit[0] & 0x1F in (h264.SPS, h264.PPS)]
    slices = b"".join(h264.START_CODE + unit for unit in units(keyframe) if unit[0] & 0x1F == h264.IDR)
    depacketizer = h264.Depacketizer()
    lonely = [piece.payload for piece in h264.cut(slices)]
    assert not depacketizer.join(lonely).is_keyframe
    assert depacketizer.join(sets) is None
    joined = depacketizer.join(lonely)
    assert joined.is_keyframe
    assert units(joined.payload)[:2] == sets
    assert len(decoded("libx264", [joined.payload])) == 1


def test_starts_are_told_from_the_rest() -> None:
    for access_unit in encoded("libx264", slice_bytes=900)[:25]:
        for mode in (0, 1):
            starts = [h264.starts_frame(p.payload) for p in h264.cut(access_unit, 1000, mode)]
            assert starts[0]
            assert sum(starts) <= 3  # SPS, then perhaps the first slice again


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=30), max_size=6))
def test_any_payloads_are_safe(payloads) -> None:
    depacketizer = h264.Depacketizer()
    depacketizer.join(payloads)
    for payload in payloads:
        h264.starts_frame(payload)
    h264.cut(b"\0\0\1".join(payloads), 20)


def test_parameter_sets_are_bounded() -> None:
    depacketizer = h264.Depacketizer()
    depacketizer.join([b"\x67" + bytes(9)])
    for index in range(100):
        depacketizer.join([b"\x68" + index.to_bytes(2, "big")])
    depacketizer.join([b"\x68" + bytes(5000)])
    assert len(depacketizer._pps) == h264.MAX_PARAMETER_SETS


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (352, 288), (320, 178), (8, 8192)])
@pytest.mark.parametrize("profile", ["baseline", "high"])
def test_sizes_of_x264(width, height, profile) -> None:
    assert picture_size(sps_of(width, height, profile)) == (width, height)


def sps_of(width, height, profile):
    import av

    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt, context.thread_count = width, height, "yuv420p", 1
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": profile}
    packets = context.encode(av.VideoFrame(width, height, "yuv420p"))
    return next(unit for unit in units(bytes(packets[0])) if unit[0] & 0x1F == h264.SPS)


def test_sps_truncation_and_noise() -> None:
    sps = sps_of(1280, 720, "high")
    for size in range(len(sps)):
        assert picture_size(sps[:size]) in (None, (1280, 720), (1280, 736))
    assert picture_size(bytes(600)) is None
    assert picture_size(b"\x67\x42\0\x1f" + b"\0" * 40) is None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([66, 77, 100, 244]))
def test_any_sps_is_bounded(noise, profile) -> None:
    size = picture_size(bytes((0x67, profile)) + noise)
    assert size is None or (0 < size[0] <= 8192 and 0 < size[1] <= 8192)


def test_small_units_without_number_are_cut_off_and_counted() -> None:
    joiner = h264.Depacketizer()
    joined = joiner.join([b"\x18" + b"\0\1\x41" * 480] * 20)
    assert joined is not None
    assert joined.payload.count(b"\x41") <= h264.MAX_UNITS + 480
    assert joiner.malformed > 10


def test_parameter_sets_are_read_only_where_a_keyframe_needs_them(monkeypatch) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(h264, "picture_size", lambda unit: read.append(unit) or (320, 176))
    joiner = h264.Depacketizer()
    for number in range(50):
        joiner.join([b"\x67\x42\xe0\x1f" + bytes((number,)), b"\x41\x9a"])
    assert read == []
    assert joiner.join([b"\x65\x88"]).width == 320
    assert joiner.join([b"\x65\x88"]).height == 176
    assert len(read) == 1


def test_the_longest_parameter_set_costs_little() -> None:
    lists = b"\x67\x64\0\x1f\xad" + b"\0\0\0\1\xff" * 800  # profile 100: scaling lists of the longest numbers
    started = time.process_time()
    for _ in range(50):
        h264_sps.parse(lists)
    assert time.process_time() - started < 0.25
