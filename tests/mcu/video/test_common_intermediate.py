from __future__ import annotations

import pytest

from config.media import VideoSettings
from mcu.media import Codec, Format, Kind, StreamSpec
from mcu.rendition import CIF_LADDER, rendition_for
from mcu.rtp import h263_picture
from mcu.video.common_intermediate import coded_size
from mcu.video.decoder import Decoder
from mcu.video.encoder import Encoder, RenditionError
from mcu.video.labels import BACKGROUND
from mcu.worker.messages import OpenRendition
from tests.mcu.video.media import BLUE, GREEN, RED, YELLOW, Room, Sender, is_near
from tests.mcu.video.test_plane import A, B, C, D, grid

H263 = [Codec.H263, Codec.H263_1996]


@pytest.mark.parametrize("rung", CIF_LADDER)
@pytest.mark.parametrize("codec", H263)
def test_a_scene_is_seen_between_two_bands(codec, rung):
    room = Room(*grid(A, B, C, D), codec=codec, size=(rung.width, rung.height))
    for stream, colour in ((A, RED), (B, GREEN), (C, BLUE), (D, YELLOW)):
        room.feed(Sender(stream, colour).frame())
    room.tick(25)
    assert room.viewer.rgb.shape[1::-1] == coded_size(rung.width, rung.height)
    for (x, y), colour in {(0.25, 0.3): RED, (0.75, 0.3): GREEN, (0.25, 0.7): BLUE, (0.75, 0.7): YELLOW}.items():
        assert is_near(room.viewer.at(x, y), colour)
    for y in (0.06, 0.94):
        assert is_near(room.viewer.at(0.5, y), BACKGROUND)


@pytest.mark.parametrize("codec", H263)
def test_groups_begin_where_packets_may_and_keyframes_come_when_asked_for(codec):
    encoder = Encoder(OpenRendition(1, "", "", codec, 384, 216, 15, 320_000), VideoSettings())
    room = Room(*grid(A, B), size=(384, 216))
    room.feed(Sender(A, RED).frame(), Sender(B, GREEN).frame())
    room.tick(2)
    surface = next(iter(room.plane._stages._stages.values())).compositor._canvases[0].surface
    frames = [encoder.encode(surface, number * 66_667) for number in range(20)]
    assert [number for number, frame in enumerate(frames) if frame.is_keyframe] == [0]
    encoder.request_keyframe()
    again = encoder.encode(surface, 20 * 66_667)
    assert again.is_keyframe
    assert h263_picture.picture_info(again.payload) == (True, (352, 288))
    runs = h263_picture.runs_of_groups(again.payload, 1196, cuts_groups=False)
    assert max(end - start for start, end in runs) < 1400, (
        "a row that is longer than a piece still fits an Ethernet frame"
    )
    assert len(runs) > 1


def test_other_sizes_are_refused():
    with pytest.raises(RenditionError, match=r"H\.263"):
        Encoder(OpenRendition(1, "", "", Codec.H263, 640, 360, 15, 320_000), VideoSettings())


@pytest.mark.parametrize("codec", H263)
@pytest.mark.parametrize(("limit_bps", "rung"), [(0, CIF_LADDER[0]), (384_000, CIF_LADDER[0]), (64_000, CIF_LADDER[1])])
def test_terminals_get_the_size_that_their_rate_carries(codec, limit_bps, rung):
    stream = StreamSpec("v", Kind.VIDEO, send=Format(codec, 34, 90_000), max_bitrate_bps=limit_bps)
    assert rendition_for(stream, "all").rung == rung


@pytest.mark.parametrize("codec", [Codec.H261, Codec.H263_1996])
def test_pixels_of_cif_are_wider_than_high(codec):
    decoder = Decoder(codec, VideoSettings())
    picture = decoder.decode(Sender(A, RED, codec).frame().payload)
    assert (picture.width, picture.height) == (352, 288)
    assert decoder.pixel_ratio == pytest.approx(12 / 11)


@pytest.mark.parametrize("codec", [Codec.H261, Codec.H263_1996])
def test_a_picture_of_cif_is_shown_as_4_to_3(codec):
    room = Room(*grid(A), size=(1280, 720))
    room.feed(Sender(A, RED, codec).frame())
    room.tick(3)
    line = room.viewer.rgb[360].astype(int)
    assert (abs(line - RED).max(axis=1) < 24).sum() == pytest.approx(960, abs=24)
