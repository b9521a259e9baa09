"""The newest answers of the gate."""

from __future__ import annotations

import pytest

from auth8021x.gate import recent
from auth8021x.gate.recent import RecentAnswers
from auth8021x.gate.verdict import Question, Reason, Verdict


def test_one_answer_a_caller_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MAX_ANSWERS", 3)
    times = iter(range(100))
    answers = RecentAnswers(lambda: float(next(times)))
    for number in (1, 2, 1, 3, 4):
        question = Question(f"10.0.0.{number}", "sip", ("vt\x1b1", "7001"), operation="call")
        answers.answered(question, Verdict(False, Reason.NO_SESSION, "north"))
    found = answers.newest()
    assert [(answer.source, answer.at) for answer in found] == [("10.0.0.4", 4.0), ("10.0.0.3", 3.0), ("10.0.0.1", 2.0)]
    assert (found[0].aliases, found[0].is_allowed, found[0].mac) == ("vt?1,7001", False, b"")


@pytest.mark.parametrize("reason", [Reason.OFF, Reason.NOT_ASKED])
def test_where_nothing_is_asked_nothing_is_kept(reason: Reason) -> None:
    answers = RecentAnswers(lambda: 0.0)
    answers.answered(Question("10.0.0.1", "sip"), Verdict(True, reason))
    assert answers.newest() == []


def test_who_looks_on_is_told_of_each_answer_until_it_stops() -> None:
    answers, told = RecentAnswers(lambda: 0.0), []
    stop = answers.observe(lambda: told.append(len(answers.newest())))
    answers.answered(Question("10.0.0.1", "sip"), Verdict(True, Reason.OFF))
    answers.answered(Question("10.0.0.1", "sip"), Verdict(False, Reason.NO_SESSION, "north"))
    stop()
    stop()
    answers.answered(Question("10.0.0.2", "sip"), Verdict(False, Reason.NO_SESSION, "north"))
    assert told == [1]
