"""One call to several contacts: who wins, who is cancelled, what the result is."""

import pytest

from signaling.placed import Outcome
from signaling.sip.dialling.fork import Fork, outcome_of


def test_the_first_answer_wins_and_cancels_the_others():
    fork = Fork(3)
    assert fork.rings(1)
    assert not fork.rings(2)
    assert fork.answered(2)
    assert (fork.winner, fork.is_over, fork.to_cancel) == (2, True, {0, 1})
    assert not fork.answered(0)
    assert fork.winner == 2


@pytest.mark.parametrize(
    ("statuses", "result"),
    [
        ([486, 503], Outcome.BUSY),
        ([404, 486, 480], Outcome.BUSY),
        ([503, 404], Outcome.UNKNOWN_TARGET),
        ([408, 503], Outcome.UNREACHABLE),
        ([480, 488], Outcome.NO_ANSWER),
        ([500], Outcome.UNREACHABLE),
        ([399, 302], Outcome.UNREACHABLE),
    ],
)
def test_the_best_refusal_is_the_result(statuses, result):
    fork = Fork(len(statuses))
    for branch, status in enumerate(statuses):
        assert not fork.is_over
        fork.refused(branch, status)
    assert (fork.is_over, fork.winner, fork.result) == (True, None, result)


def test_silence_after_ringing_is_no_answer():
    fork = Fork(1)
    fork.rings(0)
    fork.refused(0, 408)
    assert fork.result is Outcome.NO_ANSWER


def test_a_global_refusal_speaks_for_all():
    fork = Fork(3)
    fork.refused(0, 486)
    fork.refused(1, 603)
    assert (fork.is_over, fork.to_cancel, fork.result) == (True, {2}, Outcome.DECLINED)
    assert not fork.answered(2)  # a 2xx that crossed our CANCEL gets a BYE
    assert fork.winner is None


def test_without_branches_nobody_is_reached():
    fork = Fork(0)
    assert (fork.is_over, fork.result) == (True, Outcome.UNREACHABLE)


def test_every_status_means_something():
    assert {outcome_of(status) for status in range(300, 700)} <= set(Outcome)
    assert outcome_of(699) is Outcome.DECLINED
