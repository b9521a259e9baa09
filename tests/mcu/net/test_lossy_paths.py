"""Calls over bad paths, on our own cores at both ends and a clock of their own: minutes take a second.

The paths: 5 % random loss at 50 ms round trip; a far site with 600 ms, 2 % loss in bursts and 1 Mbit/s.
"""

from __future__ import annotations

import pytest

from mcu.media import Kind
from tests.link import Path
from tests.mcu.net.lossy_call import LossyCall

LOSSY = Path(loss=0.05, delay_ms=25)
FAR_UP = Path(loss=0.02, burst=4, delay_ms=300)
FAR = Path(loss=0.02, burst=4, delay_ms=300, rate_bps=1_000_000, queue_bytes=40_000)


@pytest.mark.parametrize("has_rtx", [True, False], ids=["rtx", "same-numbers"])
def test_random_loss_freezes_no_picture_for_half_a_second(has_rtx: bool) -> None:
    call = LossyCall(LOSSY, LOSSY, has_rtx=has_rtx)
    call.run(30)
    assert call.longest_freeze_ms() < 500
    assert call.pictures_per_s(last_s=25) > 24
    assert call.height == 720, "random loss is no reason for a smaller picture"
    assert call.plis <= 3, "what is lost is repeated"
    lost, lost_in_spite_of_fec = call.sound_lost()
    assert 0.035 < lost < 0.065
    assert lost_in_spite_of_fec < 0.01


@pytest.mark.parametrize("has_rtx", [True, False], ids=["rtx", "same-numbers"])
def test_a_far_site_gets_the_size_that_fits_and_no_storm(has_rtx: bool) -> None:
    call = LossyCall(FAR, FAR_UP, has_rtx=has_rtx)
    call.run(12)
    assert call.height == 360
    assert call.routes[1][0] < 6
    nacks = call.nacks
    call.run(10)
    assert call.height == 360
    assert call.longest_freeze_ms(since_s=12) < 1000
    assert call.pictures_per_s(last_s=10) > 22
    assert call.nacks - nacks < 40, "no more than a few a second"


def test_a_path_that_carries_more_again_is_found_out_by_filling_it_not_by_a_picture_that_does_not_fit() -> None:
    call = LossyCall(Path(delay_ms=30, rate_bps=1_000_000, queue_bytes=40_000), Path(delay_ms=30))
    call.run(40)
    assert [height for _, height in call.routes] == [720, 360]
    assert call.room_leg._counters["fill-packets-sent"] > 0
    assert call.longest_freeze_ms(since_s=8) < 500, "whoever watches sees nothing of it"
    call.links[0].path = call.links[1].path
    call.run(60)
    assert [height for _, height in call.routes] == [720, 360, 720]
    assert not call.person.bandwidth[Kind.VIDEO]


def test_a_keyframe_does_not_flood_a_path_of_two_megabits() -> None:
    call = LossyCall(Path(delay_ms=20, rate_bps=2_000_000, queue_bytes=25_000), Path(delay_ms=20))
    call.run(10)
    for _ in range(10):
        before = call.links[0].overflowed
        call.room_end.keyframes_wanted += 1
        call.run(3)
        assert call.links[0].overflowed == before
        assert call.height == 720
    assert call.longest_freeze_ms(since_s=10) < 250
