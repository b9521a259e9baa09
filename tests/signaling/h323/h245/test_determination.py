from __future__ import annotations

import pytest

from signaling.h323.h245.determination import N100, T106_S, Determination, State
from signaling.h323.h245.events import Failed, Send
from tests.signaling.h323.h245.talk import names, numbers

ASK, ACK, REJECT, RELEASE = (f"masterSlaveDetermination{end}" for end in ("", "Ack", "Reject", "Release"))
MASTER, SLAVE = ({"decision": (who, 0)} for who in ("master", "slave"))


def asked(kind: int, number: int) -> dict[str, int]:
    return {"terminalType": kind, "statusDeterminationNumber": number}


@pytest.mark.parametrize(
    ("own", "theirs", "is_master"),
    [  # H.245 Table C.1 and Figure C.3: the greater type; else the sign of the difference modulo 2^24
        ((240, 5), (50, 6), True),
        ((50, 5), (240, 4), False),
        ((240, 5), (240, 6), True),
        ((240, 6), (240, 5), False),
        ((240, 0xFFFFFF), (240, 0), True),
        ((240, 0), (240, 0x7FFFFF), True),
        ((240, 0), (240, 0x800001), False),
    ],
)
def test_who_is_master(own, theirs, is_master):
    machine = Determination(own[0], numbers(own[1]))
    (answer,) = machine.receive(ASK, asked(*theirs), 0.0)
    assert answer.message[1] == (ACK, SLAVE if is_master else MASTER)
    assert machine.is_master is is_master
    assert machine.state is State.INCOMING_AWAITING_RESPONSE


@pytest.mark.parametrize("number", [7, 7 + 0x800000])
def test_numbers_that_do_not_tell(number):
    machine = Determination(240, numbers(7))
    assert names(machine.receive(ASK, asked(240, number), 0.0)) == [REJECT]
    assert (machine.state, machine.is_master) == (State.IDLE, None)


def test_asking_and_its_end():
    machine = Determination(240, numbers(7))
    assert machine.start(1.0)[0].message[1] == (ASK, asked(240, 7))
    assert machine.start(1.0) == []
    (answer,) = machine.receive(ACK, MASTER, 2.0)
    assert answer.message[1] == (ACK, SLAVE)
    assert (machine.state, machine.is_master, machine.deadline) == (State.IDLE, True, None)


def test_questions_that_cross_are_answered_by_both():
    left, right = Determination(240, numbers(1)), Determination(240, numbers(9))
    (ask_left,), (ask_right,) = left.start(0.0), right.start(0.0)
    (ack_left,) = left.receive(*ask_right.message[1], 0.0)
    (ack_right,) = right.receive(*ask_left.message[1], 0.0)
    assert left.receive(*ack_right.message[1], 0.0) == right.receive(*ack_left.message[1], 0.0) == []
    assert (left.is_master, right.is_master) == (True, False)
    assert left.state is right.state is State.IDLE


@pytest.mark.parametrize("answer", [(ASK, asked(240, 7)), (REJECT, {"cause": ("identicalNumbers", 0)})])
def test_another_number_after_the_same_one(answer):
    machine = Determination(240, numbers(7, 8))
    machine.start(0.0)
    (again,) = machine.receive(*answer, 5.0)
    assert again.message[1] == (ASK, asked(240, 8))
    assert machine.deadline == 5.0 + T106_S


def test_the_tries_have_an_end():
    machine = Determination(240, numbers(7))
    machine.start(0.0)
    effects = [machine.receive(REJECT, {"cause": ("identicalNumbers", 0)}, 0.0) for _ in range(N100)]
    assert [names(each) for each in effects] == [*[[ASK]] * (N100 - 1), ["Failed"]]
    assert machine.deadline is None


def test_no_answer():
    machine = Determination(240, numbers(7))
    machine.start(0.0)
    assert machine.deadline == T106_S
    assert names(machine.expire(T106_S)) == [RELEASE, "Failed"]


@pytest.mark.parametrize("is_asking", [True, False])
def test_no_answer_the_second_time(is_asking):
    """The last result holds, whoever asked."""
    machine = Determination(240, numbers(7))
    if is_asking:
        machine.start(0.0)
    else:
        machine.receive(ASK, asked(50, 1), 0.0)
    machine.receive(ACK, MASTER, 1.0)
    machine.start(2.0)
    assert machine.is_master
    assert names(machine.expire(2.0 + T106_S)) == [RELEASE]
    assert (machine.state, machine.is_master) == (State.IDLE, True)


def test_no_acknowledgement_of_our_answer():
    machine = Determination(240, numbers(7))
    machine.receive(ASK, asked(50, 1), 0.0)
    assert names(machine.expire(T106_S)) == ["Failed"]


@pytest.mark.parametrize("name", [ACK, REJECT, RELEASE])
def test_answers_to_nothing_are_passed_over(name):
    body = {ACK: MASTER, REJECT: {"cause": ("identicalNumbers", 0)}, RELEASE: {}}[name]
    assert Determination(240, numbers(7)).receive(name, body, 0.0) == []


@pytest.mark.parametrize(("name", "body"), [(ACK, SLAVE), (REJECT, {"cause": ("identicalNumbers", 0)}), (RELEASE, {})])
def test_what_contradicts_our_answer_fails(name, body):
    machine = Determination(240, numbers(7))
    machine.receive(ASK, asked(50, 1), 0.0)
    (failed,) = machine.receive(name, body, 0.0)
    assert isinstance(failed, Failed)
    assert machine.state is State.IDLE


def test_a_question_that_comes_twice_is_answered_twice():
    machine = Determination(240, numbers(7))
    first = machine.receive(ASK, asked(50, 1), 0.0)
    assert machine.receive(ASK, asked(50, 1), 1.0) == first
    assert isinstance(first[0], Send)
