"""What rooms cost and what newcomers get, with costs that can be added up by hand."""

from __future__ import annotations

import pytest

from mcu.capacity import HD, ROOM_SIZE, SMALL_SEEN, Allowance, Capacity, Costs, Demand, Limits, Picture, newcomer
from mcu.media import Codec
from mcu.rendition import LADDER

MS = 0.001
COSTS = Costs(
    decode={"H264": ((1280 * 720, 2 * MS), (640 * 360, 0.5 * MS), (320 * 180, 0.2 * MS))},
    encode={"H264": ((1280 * 720, 6 * MS), (640 * 360, 2 * MS))},
    compose=((1280 * 720, 2 * MS), (640 * 360, 1 * MS)),
    sound_decode=0.02 * MS,
    sound_encode=0.1 * MS,
    packet=0.0,
)
CAPACITY = Capacity(COSTS, cores=2.0)


def picture(width: int, height: int, codec: Codec = Codec.H264, scene: str = "main") -> Picture:
    return Picture(codec, width, height, 600_000, scene)


def test_a_room_costs_its_senders_and_its_renditions_and_little_for_who_listens() -> None:
    mix = picture(1280, 720)
    nothing = CAPACITY.cost(Demand())
    assert nothing == 0
    decoding = CAPACITY.cost(Demand(senders=(picture(640, 360),) * 4))
    assert decoding == pytest.approx(4 * 25 * 0.5 * MS)
    encoding = CAPACITY.cost(Demand(outputs=(mix,)))
    assert encoding == pytest.approx(25 * (6 + 2) * MS)
    two = CAPACITY.cost(Demand(outputs=(mix, Picture(Codec.VP8, 1280, 720, 600_000, "main"))))
    assert two == pytest.approx(25 * (2 * 6 + 2) * MS), "one canvas for both codecs"
    fifty, hundred = (CAPACITY.cost(Demand(people=people)) for people in (50, 100))
    assert hundred == pytest.approx(fifty), "who listens shares decoders and mixes"


@pytest.mark.parametrize(
    ("width", "height", "milliseconds"),
    [(1280, 720, 2), (640, 360, 0.5), (160, 90, 0.05), (1920, 1080, 4.5), (960, 540, 1.125)],
)
def test_sizes_between_and_beyond_those_measured(width: int, height: int, milliseconds: float) -> None:
    cost = CAPACITY.cost(Demand(senders=(picture(width, height),)))
    assert cost == pytest.approx(25 * milliseconds * MS, rel=0.01)


def test_so_many_fit_and_one_more_does_not() -> None:
    people = CAPACITY.about(HD)
    rooms, rest = divmod(people, ROOM_SIZE)

    def meeting(size: int) -> float:
        mix = picture(1280, 720)
        return CAPACITY.cost(Demand((mix,) * size, (mix,) if size else (), size))

    budget = CAPACITY.cores * CAPACITY.limits.full
    assert people > ROOM_SIZE
    assert rooms * meeting(ROOM_SIZE) + meeting(rest) <= budget < rooms * meeting(ROOM_SIZE) + meeting(rest + 1)
    assert CAPACITY.about_sound() > CAPACITY.about(LADDER[1]) > people


@pytest.mark.parametrize("people", [1, 8, 9, 10, 100])
def test_the_number_can_be_set_by_hand(people: int) -> None:
    assert CAPACITY.with_participants(people).about(HD) == people


@pytest.mark.parametrize(
    ("used", "given"),
    [
        (0.0, Allowance.FULL), (1.35, Allowance.FULL), (1.45, Allowance.SMALL), (1.65, Allowance.SOUND),
        (1.79, Allowance.SOUND), (1.81, Allowance.NONE),
    ],
)  # fmt: skip
def test_full_then_small_then_sound_then_nothing(used: float, given: Allowance) -> None:
    extra = {Allowance.FULL: 0.04, Allowance.SMALL: 0.03, Allowance.SOUND: 0.0}
    capacity = Capacity(COSTS, 2.0, Limits(0.7, 0.8, 0.9))
    assert capacity.room_for(used, extra) is given


def test_a_newcomer_brings_a_picture_and_the_first_one_an_encoder() -> None:
    first = newcomer(Demand(), Allowance.FULL)
    assert [(output.width, output.height) for output in first.outputs] == [(1280, 720)]
    second = newcomer(first, Allowance.FULL)
    assert second.outputs == first.outputs
    assert (len(second.senders), second.people) == (2, 2)
    small = newcomer(second, Allowance.SMALL)
    assert (small.outputs[-1].width, small.senders[-1].width) == (SMALL_SEEN.width, 320)
    assert newcomer(small, Allowance.SMALL).outputs == small.outputs
    assert newcomer(second, Allowance.SOUND) == Demand(second.senders, second.outputs, 3, second.sent_bps)
