"""What a room sends to terminals that have nothing better than H.263, and shows of those that send H.261."""

from __future__ import annotations

import pytest

from mcu.capacity import Allowance
from mcu.media import Codec, Format, Grade, Kind, LegMedia, StreamSpec, stream_id
from mcu.participant import Participant, Role
from mcu.rendition import CIF_LADDER, LADDER, RenditionKey, rendition_for
from mcu.stage import View
from mcu.worker.messages import LimitSource, Panel, SetScene
from tests.mcu.fakes import H264, VP8, FakeLeg, media
from tests.mcu.test_stage_downlinks import VIEW, House, person

CIF, QCIF = ((rung.width, rung.height) for rung in CIF_LADDER)
H263 = Format(Codec.H263, 96, 90_000, max_fs=396)
H263_SMALL = Format(Codec.H263, 96, 90_000, max_fs=99)
H263_1996 = Format(Codec.H263_1996, 34, 90_000, max_fs=396)
H261 = Format(Codec.H261, 31, 90_000, max_fs=396)


def sizes(house: House) -> list[tuple[int, int]]:
    """Of the renditions that run."""
    opened = house.opened()
    return sorted((opened[number].width, opened[number].height) for number in house.running())


def size(house: House, leg: int) -> tuple[int, int]:
    shown = house.opened()[house.rendition(leg)]
    return shown.width, shown.height


def test_all_terminals_of_h263_share_one_cif_output_and_the_others_lose_nothing() -> None:
    house = House(person(1), person(2, VP8), person(3, H263), person(4, H263), person(5, H263))
    assert sizes(house) == [CIF, (1280, 720), (1280, 720)]
    assert len({house.rendition(leg) for leg in (3, 4, 5)}) == 1
    shown = house.opened()[house.rendition(3)]
    assert (shown.codec, shown.frame_rate, shown.bitrate_bps) == (Codec.H263, 15, 320_000)


def test_a_small_terminal_gets_qcif() -> None:
    house = House(person(1), person(2, H263_SMALL))
    assert [size(house, leg) for leg in (1, 2)] == [(1280, 720), QCIF]


def test_terminals_of_either_payload_format_share_it() -> None:
    house = House(person(1, H263), person(2, H263_1996))
    assert house.rendition(1) == house.rendition(2)
    assert house.opened()[house.rendition(1)].codec is Codec.H263


@pytest.mark.parametrize(("bandwidth_bps", "expected"), [(420_000, CIF), (350_000, QCIF), (0, CIF)])
def test_a_thin_downlink_gets_qcif_where_it_does_not_carry_cif(bandwidth_bps: int, expected: tuple[int, int]) -> None:
    house = House(person(1), person(2, H263))
    house.bandwidth(2, 100_000)
    assert size(house, 2) == QCIF
    house.bandwidth(2, bandwidth_bps)
    assert size(house, 2) == expected


def test_what_a_terminal_asks_to_be_sent_at_most_is_kept_to() -> None:
    wanting, small = person(1, H263), person(2, H263)
    wanting.limits[Kind.VIDEO] = 250_000
    small.allowance = Allowance.SMALL
    house = House(wanting, small)
    assert [size(house, leg) for leg in (1, 2)] == [QCIF, CIF]


def test_a_panel_is_seen_in_cif_too() -> None:
    house = House(person(1), person(2, H263))
    house.stage.show(house.people, View(VIEW.layout, panels={2: Panel("Volume")}))
    shown = house.opened()[house.rendition(2)]
    assert (shown.codec, shown.width, shown.scene) == (Codec.H263, CIF[0], "panel-2")


def test_who_sends_h261_is_shown_and_is_sent_what_it_takes_or_nothing() -> None:
    streams = (StreamSpec("video", Kind.VIDEO, (H261,)),)
    sender = Participant(FakeLeg(1, LegMedia(streams, is_encrypted=False, grade=Grade.CLEAR)), "Old", Role.GUEST)
    house = House(sender, person(2, H264))
    scene = [each for each in house.worker.told(SetScene) if isinstance(each, SetScene)][-1]
    assert [tile.stream for tile in scene.tiles] == [stream_id(1, Kind.VIDEO), stream_id(2, Kind.VIDEO)]
    (asked,) = [each for each in house.worker.told(LimitSource) if each.stream == stream_id(1, Kind.VIDEO)]
    assert (asked.width, asked.height) == (640, 360), "a tile of the picture of who sees it"
    assert list(house.opened()) == [house.rendition(2)]
    assert rendition_for(media(H261).streams[1], "main") is None


def test_a_tile_is_no_larger_than_the_largest_output_that_shows_it() -> None:
    house = House(person(1, H263), person(2, H263_SMALL))
    wishes = [each for each in house.worker.told(LimitSource) if each.stream == stream_id(1, Kind.VIDEO)]
    assert (wishes[-1].width, wishes[-1].height) == (CIF[0] // 2, CIF[1] // 2)


def test_the_ladder_of_h263_is_that_of_its_sizes() -> None:
    stream = media(H263).stream(Kind.VIDEO)
    assert stream is not None
    for ladder in (LADDER, LADDER[1:], LADDER[-1:]):
        key = rendition_for(stream, "main", ladder)
        assert key is not None
        assert key.rung == CIF_LADDER[0]
    key = rendition_for(stream, "main", CIF_LADDER[1:])
    assert key is not None
    assert key.rung == CIF_LADDER[1]


@pytest.mark.parametrize(
    ("form", "limit_bps", "expected"),
    [
        (H264, 0, (1280, 1_500_000)),
        (H264, 1_500_000, (1280, 1_500_000)),
        (H264, 1_400_000, (1280, 900_000)),
        (H264, 704_000, (640, 600_000)),
        (H264, 448_000, (640, 360_000)),
        (H264, 320_000, (320, 200_000)),
        (H263, 320_000, (384, 320_000)),
        (H263, 256_000, (384, 192_000)),
        (H263, 64_000, (192, 64_000)),
        (H263, 48_000, (192, 38_400)),
    ],
)
def test_a_channel_never_carries_more_than_it_was_opened_with(form, limit_bps, expected) -> None:
    stream = StreamSpec("video", Kind.VIDEO, send=form, max_bitrate_bps=limit_bps, has_firm_bitrate=True)
    key = rendition_for(stream, "main")
    assert key is not None
    assert (key.rung.width, key.rung.bitrate_bps) == expected


def test_a_lean_output_is_shared_with_nobody_who_gets_more_while_there_is_room() -> None:
    stream = StreamSpec("video", Kind.VIDEO, (H264,), H264, max_bitrate_bps=448_000, has_firm_bitrate=True)
    lean = Participant(FakeLeg(2, LegMedia((stream,), is_encrypted=False, grade=Grade.CLEAR)), "Ward", Role.GUEST)
    house = House(person(1), lean)
    house.bandwidth(1, 800_000)
    opened = [house.opened()[house.rendition(leg)] for leg in (1, 2)]
    assert [(each.width, each.bitrate_bps) for each in opened] == [(640, 600_000), (640, 360_000)]
    both = RenditionKey("main", Codec.H264, LADDER[1]).below(RenditionKey("main", Codec.H264, LADDER[1].lean))
    assert both is not None
    assert both.rung == LADDER[1].lean
