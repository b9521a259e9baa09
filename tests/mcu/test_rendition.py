"""Which encoded output a leg can take."""

import pytest

from mcu.media import Codec, Format, Kind, StreamSpec
from mcu.rendition import LADDER, SLICE_BYTES, RenditionKey, h264_limits, outputs_for, rendition_for


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
        ({"profile_level_id": "42e00b"}, (176, 96)),
        ({"profile_level_id": "42f00b", "max_fs": 396}, (176, 96)),
        ({"profile_level_id": "64100c"}, (320, 180)),
        ({"profile_level_id": ""}, (176, 96)),
        ({"profile_level_id": "42e01f00"}, (176, 96)),
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


BIG, SMALL, TINY = (RenditionKey("main", Codec.H264, rung) for rung in LADDER[:3])
SLICED = RenditionKey("main", Codec.H264, LADDER[0], SLICE_BYTES)
SMALL_SLICED = RenditionKey("main", Codec.H264, LADDER[1], SLICE_BYTES)
VP8, VP8_SMALL, VP8_TINY = (RenditionKey("main", Codec.VP8, rung) for rung in LADDER[:3])
AUDIENCE = RenditionKey("audience", Codec.H264, LADDER[0])


@pytest.mark.parametrize(
    ("wishes", "kept", "expected"),
    [
        ([BIG, SMALL, SLICED, VP8], [], [BIG, SMALL, SLICED, VP8]),
        # What costs nobody a line of his picture comes first.
        ([BIG, SLICED, SMALL, VP8, VP8_SMALL], [], [SLICED, SLICED, SMALL, VP8, VP8_SMALL]),
        ([BIG, SMALL, TINY, VP8, VP8_SMALL], [], [BIG, TINY, TINY, VP8, VP8_SMALL]),
        # The recorder's stays what it is, whoever else shares it.
        ([BIG, SLICED, SMALL, VP8, VP8_SMALL], [BIG], [BIG, SMALL_SLICED, SMALL_SLICED, VP8, VP8_SMALL]),
        ([SLICED, SMALL, VP8, VP8_SMALL], [BIG], [SMALL_SLICED, SMALL_SLICED, VP8, VP8_SMALL]),
        ([SLICED, TINY, VP8, VP8_SMALL, AUDIENCE], [BIG],
         [RenditionKey("main", Codec.H264, LADDER[2], SLICE_BYTES)] * 2 + [VP8_SMALL] * 2 + [AUDIENCE]),
    ],
)  # fmt: skip
def test_too_many_outputs_become_four_and_nobody_goes_without(wishes, kept, expected):
    outputs = outputs_for(wishes, frozenset(kept))
    assert [outputs[wish] for wish in wishes] == expected
    assert len({*outputs.values(), *kept}) <= 4


def test_outputs_are_for_who_can_decode_them():
    everything = [RenditionKey("main", codec, rung, size) for codec in (Codec.H264, Codec.VP8) for rung in LADDER
                  for size in ((0, SLICE_BYTES) if codec is Codec.H264 else (0,))]  # fmt: skip
    for wish, output in outputs_for(everything, frozenset({BIG})).items():
        assert (output.scene, output.codec) == (wish.scene, wish.codec)
        assert output.rung.macroblocks_per_s <= wish.rung.macroblocks_per_s
        assert not wish.max_slice_bytes or 0 < output.max_slice_bytes <= wish.max_slice_bytes


@pytest.mark.parametrize(
    ("wishes", "kept", "thin", "expected"),
    [
        # There is room: everybody gets what fits, and equal wishes are one output.
        ([BIG, VP8], [], [SMALL, VP8_SMALL], {SMALL: SMALL, VP8_SMALL: VP8_SMALL}),
        ([BIG, SMALL], [], [SMALL], {SMALL: SMALL}),
        # Thin ones share among themselves.
        ([BIG, VP8], [], [SMALL, TINY, VP8_SMALL], {SMALL: TINY, TINY: TINY, VP8_SMALL: VP8_SMALL}),
        # Two outputs that are one but for the slices make room.
        ([BIG, SLICED, VP8, AUDIENCE], [], [SMALL], {SMALL: SMALL}),
        # What is open below is taken; else what is open above, before others would be given less.
        ([BIG, TINY, VP8, AUDIENCE], [], [SMALL], {SMALL: TINY}),
        ([BIG, VP8, VP8_SMALL, AUDIENCE], [], [TINY], {TINY: BIG}),
        # The recorder's is one of the others.
        ([VP8], [BIG], [SMALL, TINY, VP8_SMALL], {SMALL: TINY, TINY: TINY, VP8_SMALL: VP8_SMALL}),
    ],
)  # fmt: skip
def test_who_has_a_thin_path_never_costs_others_a_line(wishes, kept, thin, expected):
    outputs = outputs_for(wishes, frozenset(kept), thin)
    assert {wish: outputs[wish] for wish in thin} == expected
    assert len({*outputs.values(), *kept}) <= 4
    for wish in wishes:
        assert outputs[wish].rung == wish.rung
