"""The last steps into a conference."""

from dataclasses import replace

import pytest

from mcu.conferences import Conferences
from mcu.participant import Role
from mcu.policy import RoomPolicy
from mcu.worker.messages import RemoveAudioLeg
from signaling.admission import Admission, CallRequest
from signaling.calls import Calls
from signaling.refusal import Refusal, Refused
from tests.mcu.fakes import FakeFleet, FakeLeg, FakeRegister


def admission(role: Role = Role.GUEST, max_participants: int = 2) -> Admission:
    policy = RoomPolicy("1001", "Ward", max_participants=max_participants)
    return Admission(policy, role, 1, CallRequest("192.0.2.1", "sip", "1001"))


@pytest.fixture
def calls() -> Calls:
    return Calls(Conferences(FakeFleet(), FakeRegister()))


async def test_the_last_seat_goes_to_one_only(calls):
    for leg in (1, 2):
        await calls.connect(FakeLeg(leg), admission(), "x")
    with pytest.raises(Refused) as refused:
        await calls.connect(FakeLeg(3), admission(), "x")
    assert refused.value.reason is Refusal.FULL


async def test_a_lock_that_came_after_the_gate_still_holds_but_not_for_hosts(calls):
    await calls.connect(FakeLeg(1), admission(max_participants=9), "x")
    calls.conferences.get("1001").lock(is_locked=True)
    with pytest.raises(Refused) as refused:
        await calls.connect(FakeLeg(2), admission(max_participants=9), "x")
    assert refused.value.reason is Refusal.LOCKED
    await calls.connect(FakeLeg(3), admission(Role.HOST, max_participants=9), "x")


async def test_who_is_refused_leaves_no_empty_conference(calls):
    locked = replace(admission().policy, is_locked=True)
    with pytest.raises(Refused):
        await calls.connect(FakeLeg(1), replace(admission(), policy=locked), "x")
    assert calls.conferences.running() == []


async def test_who_fails_half_way_in_is_out_again(calls, monkeypatch):
    await calls.connect(FakeLeg(1), admission(), "x")
    conference = calls.conferences.get("1001")
    monkeypatch.setattr(conference._stage, "show", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await calls.connect(FakeLeg(2), admission(), "x")
    assert conference.participants.keys() == {1}
    assert RemoveAudioLeg(2) in conference._worker.told(RemoveAudioLeg)
    assert conference._worker.closed == [2]


async def test_leaving_twice_or_from_nowhere_is_no_error(calls):
    await calls.connect(FakeLeg(1), admission(), "x")
    await calls.leave("1001", 1)
    await calls.leave("1001", 1)
    await calls.leave("4711", 1)
    calls.leg_changed("4711", 1)
    assert calls.conferences.running() == []
