"""VP8 payloads: cutting, joining, descriptors; FFmpeg encodes and decodes, aiortc reads."""

import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.rtp import vp8
from tests.mcu.rtp.media_samples import HEIGHT, WIDTH, decoded, encoded


@pytest.mark.parametrize("max_bytes", [100, 1200, 60_000])
def test_frames_survive_cutting_and_joining(max_bytes) -> None:
    depacketizer = vp8.Depacketizer()
    for index, frame in enumerate(encoded("libvpx")):
        pieces = vp8.cut(frame, max_bytes, 32_760 + index)
        assert {len(piece.payload) for piece in pieces[:-1]} <= {max_bytes}
        assert len(pieces[-1].payload) <= max_bytes
        assert [piece.marker for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        assert [depacketizer.starts_frame(piece.payload) for piece in pieces] == [True] + [False] * (len(pieces) - 1)
        joined = depacketizer.join([piece.payload for piece in pieces])
        assert joined.payload == frame
        assert joined.is_keyframe == vp8.is_keyframe(frame) == (joined.width > 0)
        if joined.is_keyframe:
            assert (joined.width, joined.height) == (WIDTH, HEIGHT)
    assert len(decoded("libvpx", encoded("libvpx"))) == 40


def test_aiortc_reads_our_descriptors() -> None:
    frame = encoded("libvpx")[0]
    rest = b""
    for index, piece in enumerate(vp8.cut(frame, 1200, 0x7ABC)):
        descriptor, payload = VpxPayloadDescriptor.parse(piece.payload)
        assert (descriptor.picture_id, descriptor.partition_start) == (0x7ABC, 1 if index == 0 else 0)
        rest += payload
    assert rest == frame


@pytest.mark.parametrize(
    "descriptor",
    [
        VpxPayloadDescriptor(partition_start=1, partition_id=0),
        VpxPayloadDescriptor(partition_start=1, partition_id=0, picture_id=5),
        VpxPayloadDescriptor(partition_start=1, partition_id=0, picture_id=500, tl0picidx=7, tid=(2, 1)),
        VpxPayloadDescriptor(partition_start=1, partition_id=0, picture_id=500, tl0picidx=7, tid=(2, 1), keyidx=9),
    ],
)
def test_we_read_theirs_and_notice_truncation(descriptor) -> None:
    head = bytes(descriptor)
    assert vp8.descriptor_bytes(head + b"x") == len(head)
    for size in range(len(head) + 1):
        assert vp8.descriptor_bytes(head[:size]) == -1
    assert vp8.Depacketizer().join([head + b"frame"]).payload == b"frame"


def test_a_run_without_its_start_is_malformed() -> None:
    depacketizer = vp8.Depacketizer()
    pieces = vp8.cut(encoded("libvpx")[0])
    assert depacketizer.join([piece.payload for piece in pieces[1:]]) is None
    assert depacketizer.join([]) is None
    assert depacketizer.malformed == 2


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=30), max_size=4))
def test_any_payloads_are_safe(payloads) -> None:
    vp8.Depacketizer().join(payloads)


@pytest.mark.parametrize("size", [(0, 0), (0, 100), (9000, 100)])
def test_impossible_sizes_are_refused(size) -> None:
    frame = b"\0\0\0\x9d\x01\x2a" + size[0].to_bytes(2, "little") + size[1].to_bytes(2, "little") + b"rest"
    assert vp8.picture_size(frame) is None
