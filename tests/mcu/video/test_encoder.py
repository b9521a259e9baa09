"""Encoders: profile and level, slices for packetization-mode 0, rates, stamps."""

from __future__ import annotations

import av
import numpy as np
import pytest

from config.media import VideoSettings
from mcu.media import Codec
from mcu.video.bitstream import NAL_SEI, parse_sps, split_nals
from mcu.video.encoder import Encoder, RenditionError
from mcu.video.surface import Surface
from mcu.worker.channel import Frame
from mcu.worker.messages import OpenRendition
from tests.mcu.video.media import TICK_US

RNG = np.random.default_rng(1)
CLOUDS = np.repeat(np.repeat(RNG.integers(16, 235, (60, 100), dtype=np.uint8), 8, 0), 8, 1)


def encode(rendition: OpenRendition, count: int) -> list[Frame]:
    encoder = Encoder(rendition, VideoSettings())
    surfaces = [Surface.blank(rendition.width, rendition.height, (0, 0, 0)) for _ in range(2)]
    frames = []
    for number in range(count):
        surface = surfaces[number % 2]
        surface.planes[0][:] = CLOUDS[number : number + rendition.height, 2 * number : 2 * number + rendition.width]
        frames.append(encoder.encode(surface, number * TICK_US))
    assert None not in frames, "no picture waits inside the encoder"
    return [frame for frame in frames if frame]


def rendition(codec: Codec = Codec.H264, **changes: object) -> OpenRendition:
    fields: dict[str, object] = {
        "rendition": 7, "room": "1001", "scene": "all", "codec": codec, "width": 640, "height": 360,
        "frame_rate": 25, "bitrate_bps": 800_000,
    }  # fmt: skip
    return OpenRendition(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("profile_level_id", "head"),
    [("42e01f", (66, 31)), ("42001e", (66, 30)), ("4d0028", (77, 40)), ("64001f", (100, 31)), ("junk", (66, 31)),
     ("", (66, 31)), ("7a00ff", (66, 31))],
)  # fmt: skip
def test_profile_and_level_are_those_asked_for(profile_level_id: str, head: tuple[int, int]) -> None:
    frame = encode(rendition(profile_level_id=profile_level_id), 1)[0]
    sps = next(nal for nal in split_nals(frame.payload) if nal[0] & 31 == 7)
    assert (sps[1], sps[3]) == head
    if head[0] == 66:
        assert sps[2] & 0x40, "constrained: everybody decodes it"
    assert parse_sps(sps).width == 640


def test_a_keyframe_carries_parameter_sets_and_no_chatter() -> None:
    kinds = [nal[0] & 31 for nal in split_nals(encode(rendition(), 1)[0].payload)]
    assert kinds[:2] == [7, 8]
    assert set(kinds[2:]) == {5}
    assert NAL_SEI not in kinds


@pytest.mark.parametrize("limit", [300, 1200])
def test_no_slice_is_larger_than_the_limit(limit: int) -> None:
    frames = encode(rendition(max_slice_bytes=limit, bitrate_bps=3_000_000), 30)
    sizes = [len(nal) for frame in frames for nal in split_nals(frame.payload)]
    assert max(sizes) <= limit
    assert len(sizes) > 60


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
def test_pictures_come_out_whole_and_in_step(codec: Codec) -> None:
    frames = encode(rendition(codec), 50)
    decoder = av.CodecContext.create("h264" if codec is Codec.H264 else "vp8", "r")
    assert sum(len(decoder.decode(av.Packet(frame.payload))) for frame in frames) >= 49
    assert [frame.is_keyframe for frame in frames] == [True] + [False] * 49
    assert [frame.rtp_timestamp for frame in frames[:3]] == [0, 3600, 7200]
    assert {frame.stream for frame in frames} == {7}


def test_colours_are_said_to_be_what_the_canvas_has() -> None:
    """ITU-T H.264 E.2.1: 6 is BT.601 with 525 lines; limited range is 1 in FFmpeg."""
    decoder = av.CodecContext.create("h264", "r")
    (picture, *_) = [p for frame in encode(rendition(), 5) for p in decoder.decode(av.Packet(frame.payload))]
    assert isinstance(picture, av.VideoFrame)
    assert (picture.colorspace, picture.color_primaries, picture.color_trc, picture.color_range) == (6, 6, 6, 1)


def test_the_clock_wraps_at_32_bits() -> None:
    encoder = Encoder(rendition(), VideoSettings())
    now_us = (1 << 32) * 100 // 9 + 40_000
    frame = encoder.encode(Surface.blank(640, 360, (9, 9, 9)), now_us)
    assert frame is not None
    assert frame.rtp_timestamp == now_us * 9 // 100 - (1 << 32)
    assert frame.capture_us == now_us


def test_the_rate_is_kept_within_half_a_second() -> None:
    frames = encode(rendition(bitrate_bps=600_000), 75)
    half_seconds = [sum(len(f.payload) for f in frames[i : i + 13]) * 8 for i in range(13, len(frames) - 13)]
    assert max(half_seconds) <= 600_000 * 0.5 + 600_000 * 13 / 25


def test_a_closed_world_of_codecs() -> None:
    for codec in set(Codec) - {Codec.H264, Codec.VP8}:
        with pytest.raises(RenditionError):
            Encoder(rendition(codec), VideoSettings())


def test_a_failed_codec_is_opened_anew() -> None:
    class Failing:
        def encode(self, picture: object) -> list[object]:
            raise ValueError("broken")

    encoder = Encoder(rendition(), VideoSettings())
    surface = Surface.blank(640, 360, (9, 9, 9))
    encoder.encode(surface, 0)
    encoder._context = Failing()  # type: ignore[assignment]
    with pytest.raises(RenditionError, match="broken"):
        encoder.encode(surface, TICK_US)
    frame = encoder.encode(surface, 2 * TICK_US)
    assert frame is not None
    assert frame.is_keyframe


@pytest.mark.parametrize(("codec", "bitrate_bps"), [(Codec.H264, 200_000), (Codec.H264, 800_000), (Codec.VP8, 800_000)])
def test_no_keyframe_bursts_beyond_half_a_second_of_the_rate(codec: Codec, bitrate_bps: int) -> None:
    encoder = Encoder(rendition(codec, bitrate_bps=bitrate_bps, width=320, height=180), VideoSettings())
    surface = Surface.blank(320, 180, (0, 0, 0))
    backlog_s, keyframes = [0.0], 0
    for number in range(150):
        at = number % 60
        still = np.roll(CLOUDS, 40 * (number // 60), 1)  # a new picture now and then, as when a scene changes
        surface.planes[0][:] = still[at : at + 180, 2 * at : 2 * at + 320]
        if number % 40 == 30:
            encoder.request_keyframe()
        frame = encoder.encode(surface, number * TICK_US)
        assert frame is not None
        keyframes += frame.is_keyframe
        backlog_s.append(max(0.0, backlog_s[-1] - TICK_US / 1e6) + len(frame.payload) * 8 / bitrate_bps)
    assert keyframes >= 4
    assert max(backlog_s) <= 0.5 + TICK_US / 1e6
