"""Which encoded output a leg can take."""

import pytest

from mcu.media import Codec, Format, Kind, StreamSpec
from mcu.rendition import LADDER, SLICE_BYTES, RenditionKey, h264_limits, rendition_for


def stream(codec: Codec, **fmtp: object) -> StreamSpec:
    bitrate = int(fmtp.pop("bitrate", 0))  # type: ignore[call-overload]
    return StreamSpec("1", Kind.VIDEO, send=Format(codec, 96, 90_000, **fmtp), max_bitrate_bps=bitrate)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fmtp", "size"),
    [
        ({"profile_level_id": "42e01f"}, (1280, 720)),
        ({"profile_level_id": "640028"}, (1280, 720)),
        ({"profile_level_id": "42e01e"}, (640, 360)),
        ({"profile_level_id": "42800d"}, (320, 180)),
        ({"profile_level_id": "42e00d", "max_fs": 3600}, (320, 180)),
        ({"profile_level_id": ""}, (176, 96)),
        ({"profile_level_id": "zz"}, (176, 96)),
        ({"profile_level_id": "42e01f", "bitrate": 512_000}, (640, 360)),
        ({"profile_level_id": "42e01f", "bitrate": 1}, (176, 96)),
    ],
)
def test_h264_level_and_rate_are_honoured(fmtp, size):
    key = rendition_for(stream(Codec.H264, packetization_mode=1, **fmtp), "main")
    assert key is not None
    assert (key.rung.width, key.rung.height) == size
    max_fs, max_mbps = h264_limits(key.profile_level_id)
    assert key.rung.macroblocks <= max_fs
    assert key.rung.macroblocks_per_s <= max_mbps


def test_packetization_mode_0_gets_small_slices_of_its_own():
    key = rendition_for(stream(Codec.H264, profile_level_id="42e01f"), "main")
    assert key == RenditionKey("main", Codec.H264, LADDER[0], SLICE_BYTES)


def test_vp8_max_fs():
    assert rendition_for(stream(Codec.VP8), "main") == RenditionKey("main", Codec.VP8, LADDER[0])
    assert rendition_for(stream(Codec.VP8, max_fs=1200), "main") == RenditionKey("main", Codec.VP8, LADDER[1])


def test_nothing_to_send():
    assert rendition_for(StreamSpec("1", Kind.VIDEO), "main") is None


def test_what_fits_in_the_place_of_what():
    big, small = RenditionKey("main", Codec.H264, LADDER[0]), RenditionKey("main", Codec.H264, LADDER[1])
    sliced = RenditionKey("main", Codec.H264, LADDER[1], SLICE_BYTES)
    assert small.fits(big)
    assert sliced.fits(big)
    assert not big.fits(small)
    assert not small.fits(sliced)
    assert not RenditionKey("audience", Codec.H264, LADDER[1]).fits(big)
    assert not RenditionKey("main", Codec.VP8, LADDER[1]).fits(big)
