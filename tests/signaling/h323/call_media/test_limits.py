"""What a terminal is asked to send of its pictures, against a peer that keeps to it."""

from __future__ import annotations

import pytest

from mcu.media import Kind
from signaling.h323.call_media.limits import LEAST_BPS, LOWER_AFTER_S
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.h245.logical_channel import LogicalChannel
from tests.signaling.h323.call_media.pair import LEFT, MCU, RIGHT, End, Pair, Scripted
from tests.signaling.h323.capabilities import terminals
from tests.signaling.h323.capabilities.terminals import ROOM_SYSTEM

MOST_BPS = 1_920_000
NARROW = Wishes(OwnMedia(video_bitrate_bps=256_000))


def meeting(terminal: Wishes | None = None) -> Pair:
    """Our end, and a terminal that sends 1920 kbit/s where it may."""
    return Pair(End(LEFT, MCU), End(RIGHT, wishes=terminal)).start()


def need(pair: Pair, bitrate_bps: int, kind: Kind = Kind.VIDEO) -> None:
    """The room shows it at a size for which so much is of use."""
    pair.say(pair.left, pair.left.media.need(kind, bitrate_bps, pair.now))


def wait(pair: Pair, seconds: float) -> None:
    pair.now += seconds
    due = pair.left.media.next_timeout()
    if due is not None and due <= pair.now:
        pair.say(pair.left, pair.left.media.on_timeout(pair.now))


def rate(pair: Pair, kind: Kind = Kind.VIDEO) -> int:
    """What the terminal sends at most."""
    return pair.right.stream(kind).max_bitrate_bps


def commands(pair: Pair) -> list[tuple[str, int]]:
    """What it was told, in 100 bit/s."""
    return [body["restriction"] for body in pair.bodies("flowControlCommand", pair.left)]


def test_nothing_is_asked_for_before_it_is_known_what_is_of_use():
    pair = meeting()
    assert pair.left.media.next_timeout() is None
    assert rate(pair) == MOST_BPS
    assert commands(pair) == []


def test_a_small_tile_needs_less_once_it_has_been_small_for_a_while():
    """Half as much again as the tile, whose rate is that of a better encoder: 600 kbit/s make 900."""
    pair = meeting()
    need(pair, 600_000)
    wait(pair, LOWER_AFTER_S - 0.1)
    assert commands(pair) == []
    wait(pair, 0.1)
    assert commands(pair) == [("maximumBitRate", 9_000)]
    assert rate(pair) == 900_000
    assert pair.left.media.next_timeout() is None


def test_more_is_asked_for_at_once():
    pair = meeting()
    need(pair, 200_000)
    wait(pair, LOWER_AFTER_S)
    need(pair, 600_000)
    assert rate(pair) == 900_000
    need(pair, 1_500_000)
    assert commands(pair)[-1][0] == "noRestriction"
    assert rate(pair) == MOST_BPS


def test_who_is_shown_large_now_and_then_is_left_alone():
    """Whoever speaks is shown large: that changes every few seconds."""
    pair = meeting()
    for _ in range(20):
        need(pair, 200_000)
        wait(pair, LOWER_AFTER_S / 2)
        need(pair, 1_500_000)
        wait(pair, LOWER_AFTER_S / 2)
    assert commands(pair) == []


@pytest.mark.parametrize("other_bps", [900_000 / 1.5 * 0.76, 900_000 / 1.5 * 1.09])
def test_small_changes_are_none(other_bps):
    pair = meeting()
    need(pair, 600_000)
    wait(pair, LOWER_AFTER_S)
    need(pair, round(other_bps))
    wait(pair, 3 * LOWER_AFTER_S)
    assert len(commands(pair)) == 1


def test_a_picture_that_nobody_sees_goes_on_at_the_least():
    """Zero would stop it, and many terminals do not start again."""
    pair = meeting()
    need(pair, 0)
    wait(pair, LOWER_AFTER_S)
    assert rate(pair) == LEAST_BPS
    assert pair.right.stream(Kind.VIDEO).send is not None


def test_a_terminal_that_sends_little_anyway_is_asked_for_nothing():
    pair = meeting(NARROW)
    need(pair, 200_000)
    wait(pair, LOWER_AFTER_S)
    assert commands(pair) == []
    need(pair, 100_000)
    wait(pair, LOWER_AFTER_S)
    assert rate(pair) == 150_000
    need(pair, 200_000)
    assert commands(pair)[-1][0] == "noRestriction"


def test_a_new_channel_knows_nothing_of_what_was_asked_for():
    pair = meeting()
    need(pair, 200_000)
    wait(pair, LOWER_AFTER_S)
    assert rate(pair) == 300_000
    (number,) = pair.left.numbers(Kind.VIDEO)[1]
    pair.say(pair.left, pair.left.control.ask_close(number, pair.now, "reopen"))
    assert rate(pair) == MOST_BPS
    wait(pair, LOWER_AFTER_S)
    assert rate(pair) == 300_000
    assert len(commands(pair)) == 2


def test_a_limit_is_lifted_even_where_that_is_little_more():
    pair = meeting()
    for bitrate_bps in (600_000, 1_200_000, 1_300_000):
        need(pair, bitrate_bps)
        wait(pair, LOWER_AFTER_S)
    assert [kind for kind, _ in commands(pair)] == ["maximumBitRate", "maximumBitRate", "noRestriction"]


def test_a_number_that_comes_again_is_another_channel():
    pair = Pair(End(LEFT, MCU), Scripted(ROOM_SYSTEM)).start()
    picture = LogicalChannel(1, 2, ("videoData", terminals.h264(71)), media_control=(RIGHT, 7_001), payload_type=97)
    for _ in range(2):
        pair.say(pair.right, pair.right.control.open(picture, pair.now))
        need(pair, 200_000)
        wait(pair, LOWER_AFTER_S)
        pair.say(pair.right, pair.right.control.close(1, pair.now))
    assert commands(pair) == [("maximumBitRate", 3_000)] * 2


def test_slides_are_limited_apart_from_the_picture():
    pair = meeting()
    pair.say(pair.right, pair.right.media.open_content(pair.now))
    need(pair, 200_000)
    need(pair, 2_500_000, Kind.CONTENT)
    wait(pair, LOWER_AFTER_S)
    assert (rate(pair), rate(pair, Kind.CONTENT)) == (300_000, MOST_BPS)
    need(pair, 0, Kind.CONTENT)
    wait(pair, LOWER_AFTER_S)
    assert (rate(pair), rate(pair, Kind.CONTENT)) == (300_000, LEAST_BPS)


def test_sound_is_never_limited():
    pair = meeting()
    need(pair, 0)
    wait(pair, LOWER_AFTER_S)
    (body,) = pair.bodies("flowControlCommand", pair.left)
    assert body["scope"] == ("logicalChannelNumber", pair.left.numbers(Kind.VIDEO)[1][0])
