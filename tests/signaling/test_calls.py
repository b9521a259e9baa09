"""The last steps into a conference."""

import pytest

from mcu.conferences import Conferences
from mcu.participant import Role
from mcu.policy import RoomPolicy
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


async def test_leaving_twice_or_from_nowhere_is_no_error(calls):
    await calls.connect(FakeLeg(1), admission(), "x")
    await calls.leave("1001", 1)
    await calls.leave("1001", 1)
    await calls.leave("4711", 1)
    calls.leg_changed("4711", 1)
    assert calls.conferences.running() == []
