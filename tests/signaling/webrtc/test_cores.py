import pytest

from mcu.media import Grade, Kind
from mcu.tile_rates import HIDDEN, Need
from signaling.webrtc.limits import MAX_STRIKES, MessageBudget
from signaling.webrtc.negotiation import Agreed, Negotiation, Rejected, State
from signaling.webrtc.patience import Patience
from signaling.webrtc.protocol import Answer, Wanted
from signaling.webrtc.wanted import wanted_picture
from tests.signaling.webrtc.fakes import answer_of, opened

FIRST, SHARE = answer_of("chromium_camera_first"), answer_of("chromium_camera_share")


def negotiation():
    return Negotiation(1, Grade.OPPORTUNISTIC, opened(1))


def test_one_offer_at_a_time():
    core = negotiation()
    offer = core.next_offer()
    assert offer.id == 1
    assert core.next_offer() is None
    core.share(is_on=True)
    assert core.next_offer() is None
    result = core.receive_answer(Answer(1, FIRST))
    assert isinstance(result, Agreed)
    assert result.media.grade is Grade.OPPORTUNISTIC
    assert result.media.stream(Kind.CONTENT) is None
    again = core.next_offer()
    assert again.id == 2
    assert "o=- 1 2 IN" in again.sdp
    assert core.receive_answer(Answer(2, SHARE)).media.stream(Kind.CONTENT) is not None
    assert core.next_offer() is None


def test_what_was_offered_counts_not_what_is_wanted_meanwhile():
    core = negotiation()
    core.next_offer()
    core.receive_answer(Answer(1, FIRST))
    core.share(is_on=True)
    core.next_offer()
    core.share(is_on=False)
    assert core.receive_answer(Answer(2, SHARE)).media.stream(Kind.CONTENT) is not None
    assert "a=inactive" in core.next_offer().sdp


def test_pictures_that_were_left_out_are_offered_when_they_are_allowed():
    core = Negotiation(1, Grade.OPPORTUNISTIC, opened(1), has_video=False)
    assert core.next_offer().sdp.count("a=inactive") == 2
    core.allow_video()
    media = core.receive_answer(Answer(1, FIRST)).media
    assert media.stream(Kind.VIDEO) is None or not media.stream(Kind.VIDEO).receive
    assert core.next_offer().sdp.count("a=inactive") == 1
    assert core.receive_answer(Answer(2, FIRST)).media.stream(Kind.VIDEO).receive
    core.allow_video()
    assert core.next_offer() is None


@pytest.mark.parametrize("number", [0, 2, 99])
def test_answers_to_other_offers_are_stale(number):
    core = negotiation()
    assert core.receive_answer(Answer(number, FIRST)) is None
    core.next_offer()
    assert core.receive_answer(Answer(number, FIRST)) is None
    assert core.state is State.HAVE_OFFER
    assert isinstance(core.receive_answer(Answer(1, FIRST)), Agreed)
    assert core.receive_answer(Answer(1, FIRST)) is None


def test_a_bad_answer_is_rejected_and_the_next_one_counts():
    core = negotiation()
    core.next_offer()
    assert isinstance(core.receive_answer(Answer(1, "v=0")), Rejected)
    core.restart_ice(opened(1, 5))
    assert "a=ice-ufrag:frag0005" in core.next_offer().sdp
    assert isinstance(core.receive_answer(Answer(2, FIRST)), Agreed)


def test_an_offer_lost_with_its_socket_is_made_again():
    core = negotiation()
    core.next_offer()
    core.abandon()
    assert core.next_offer().id == 2
    core.receive_answer(Answer(2, FIRST))
    core.abandon()
    assert core.next_offer() is None


def test_budget_refills():
    budget = MessageBudget(rate_per_s=2, burst=3)
    assert [budget.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert budget.take(10.5)
    assert not budget.take(10.6)
    assert [budget.take(1000.0) for _ in range(4)] == [True, True, True, False]


def test_three_strikes():
    budget = MessageBudget()
    assert [budget.strike() for _ in range(MAX_STRIKES)] == [False, False, True]


PATIENCE = [
    # what happens, when the seat is given up
    ([], None),
    ([("socket_lost", 100.0)], 160.0),
    ([("media_silent", 90.0)], None),
    ([("media_silent", 90.0), ("socket_lost", 100.0)], 130.0),
    ([("socket_lost", 100.0), ("media_silent", 110.0)], 140.0),
    ([("socket_lost", 100.0), ("media_silent", 155.0)], 160.0),
    ([("socket_lost", 100.0), ("media_silent", 110.0), ("media_heard",)], 160.0),
    ([("socket_lost", 100.0), ("socket_lost", 120.0)], 160.0),
    ([("socket_lost", 100.0), ("socket_back",)], None),
    ([("media_silent", 50.0), ("media_silent", 90.0), ("socket_lost", 60.0)], 90.0),
]


@pytest.mark.parametrize(("events", "deadline"), PATIENCE)
def test_how_long_a_seat_is_kept(events, deadline):
    patience = Patience(socket_s=60.0, silence_s=30.0)
    for name, *arguments in events:
        getattr(patience, name)(*arguments)
    assert patience.next_timeout() == deadline
    if deadline is not None:
        assert not patience.is_over(deadline - 0.1)
        assert patience.is_over(deadline)


def test_the_picture_that_is_of_use():
    assert wanted_picture(Need(427, 240, 320_000)) == Wanted(427, 240, 25, 320_000)
    least = wanted_picture(HIDDEN)
    assert (least.width, least.height) == (160, 90)
    assert least.max_bitrate_bps <= 60_000
