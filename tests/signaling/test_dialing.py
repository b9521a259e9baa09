"""Dialling out, whatever the protocol: bounds, states, outcomes."""

from __future__ import annotations

import asyncio

import pytest

from config.dialing import DialingSettings
from mcu.fleet.worker import WorkerError
from mcu.participant import Role
from mcu.policy import RoomPolicy
from signaling.admission import Admission, CallRequest, Refusal, Refused
from signaling.dialing import Dialer
from signaling.placed import CallState, DialRefused, Outcome


class Gate:
    def __init__(self) -> None:
        self.requests: list[CallRequest] = []
        self.refusal: Refusal | None = None

    async def admit(self, request: CallRequest) -> Admission:
        self.requests.append(request)
        if self.refusal:
            raise Refused(self.refusal)
        return Admission(RoomPolicy("1001", "Ward"), request.invited_as, 1, request)


class Plan:
    name, address = "Ward 3", "10.0.0.3"

    def __init__(self) -> None:
        self.attempt = None
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def call(self, attempt) -> None:
        self.attempt = attempt
        await self.end


class Protocol:
    protocol = "sip"

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.refusal: Outcome | None = None

    def plan(self, target: str) -> Plan | None:
        if self.refusal:
            raise DialRefused(self.refusal)
        if target == "nobody":
            return None
        self.plans.append(Plan())
        return self.plans[-1]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Hall:
    def __init__(self, **settings) -> None:
        self.gate, self.protocol = Gate(), Protocol()
        legs = iter(range(1, 100))
        self.dialer = Dialer(DialingSettings(**settings), self.gate, lambda: next(legs))
        self.dialer.add(self.protocol)
        self.told: list[tuple[CallState, Outcome | None]] = []
        self.dialer.observe(lambda placed: self.told.append((placed.state, placed.outcome)))

    async def dial(self, target: str = "ward3", role: Role = Role.GUEST) -> int:
        leg = await self.dialer.dial("1001", target, "admin", role)
        await settle()
        return leg


async def test_calling_ringing_answered():
    hall = Hall()
    leg = await hall.dial(role=Role.HOST)
    assert [placed.snapshot() for placed in hall.dialer.calls("1001")] == [
        {"id": leg, "target": "ward3", "role": "host", "by": "admin", "state": "calling", "outcome": ""}
    ]
    request = hall.gate.requests[0]
    assert (request.is_invited, request.invited_as, request.source, request.room) == (
        True,
        Role.HOST,
        "10.0.0.3",
        "1001",
    )
    attempt = hall.protocol.plans[0].attempt
    assert (attempt.leg, attempt.admission.role) == (leg, Role.HOST)
    attempt.rings()
    attempt.rings()
    assert hall.dialer.gauges() == {"calling": 0, "ringing": 1}
    attempt.joined()
    assert hall.dialer.calls("1001") == []
    assert [state for state, _ in hall.told] == [CallState.CALLING, CallState.RINGING, CallState.RINGING]
    hall.protocol.plans[0].end.set_result(None)
    await settle()
    assert hall.dialer.counters == {"placed": 1, "answered": 1}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (DialRefused(Outcome.BUSY), Outcome.BUSY),
        (Refused(Refusal.FULL), Outcome.FULL),
        (Refused(Refusal.ENCRYPTION_REQUIRED), Outcome.ENCRYPTION_REQUIRED),
        (Refused(Refusal.PASSCODE_REQUIRED), Outcome.NOT_ALLOWED),
        (WorkerError("no ports"), Outcome.FAILED),
        (RuntimeError("a fault"), Outcome.FAILED),
    ],
)
async def test_outcomes_stay_for_a_moment(error, outcome):
    hall = Hall(result_shown_s=0.05)
    await hall.dial()
    hall.protocol.plans[0].end.set_exception(error)
    await settle()
    (placed,) = hall.dialer.calls("1001")
    assert (placed.state, placed.outcome) == (CallState.ENDED, outcome)
    assert hall.told[-1] == (CallState.ENDED, outcome)
    async with asyncio.timeout(5):
        while hall.dialer.calls("1001"):
            await asyncio.sleep(0.01)


async def test_cancelled_at_once_and_after_ringing():
    hall = Hall()
    first = await hall.dialer.dial("1001", "ward3", "admin")  # its task has not begun
    second = await hall.dial("ward4")
    hall.protocol.plans[1].attempt.rings()
    assert not hall.dialer.cancel("1002", first)
    assert hall.dialer.cancel("1001", first)
    assert hall.dialer.cancel("1001", second)
    await settle()
    assert hall.dialer.calls("1001") == []
    assert hall.dialer.counters["cancelled"] == 2
    assert not hall.dialer.cancel("1001", first)


async def test_a_result_can_be_taken_off_the_list():
    hall = Hall()
    leg = await hall.dial()
    hall.protocol.plans[0].end.set_exception(DialRefused(Outcome.DECLINED))
    await settle()
    assert hall.dialer.cancel("1001", leg)
    assert hall.dialer.calls("1001") == []
    assert hall.dialer.counters["cancelled"] == 0


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        ("nobody", Outcome.UNKNOWN_TARGET),
        ("", Outcome.UNKNOWN_TARGET),
        ("x" * 257, Outcome.UNKNOWN_TARGET),
        ("sip:a\r\nVia: x", Outcome.UNKNOWN_TARGET),
    ],
)
async def test_what_nobody_can_call(target, outcome):
    hall = Hall()
    with pytest.raises(DialRefused) as refused:
        await hall.dial(target)
    assert refused.value.outcome is outcome
    assert hall.protocol.plans == []


async def test_refused_before_anything_leaves():
    hall = Hall()
    hall.gate.refusal = Refusal.UNKNOWN_ROOM
    with pytest.raises(DialRefused, match="unknown-room"):
        await hall.dial()
    hall.protocol.refusal = Outcome.NOT_ALLOWED
    with pytest.raises(DialRefused, match="not-allowed"):
        await hall.dial()
    assert all(plan.attempt is None for plan in hall.protocol.plans)


async def test_a_terminal_that_one_protocol_does_not_know_is_called_by_the_next():
    hall, other = Hall(), Protocol()
    hall.dialer.add(other)
    hall.protocol.refusal = Outcome.NOT_REGISTERED
    await hall.dial()
    assert len(other.plans) == 1
    other.refusal = Outcome.NOT_ALLOWED
    with pytest.raises(DialRefused, match="not-registered"):
        await hall.dial()


async def test_calls_at_once_and_a_minute():
    hall = Hall(max_calls_per_room=2, calls_per_minute=3)
    await hall.dial()
    await hall.dial()
    with pytest.raises(DialRefused, match="too-many-calls"):
        await hall.dial()
    for plan in hall.protocol.plans[:2]:
        plan.end.set_exception(DialRefused(Outcome.BUSY))
    await settle()
    await hall.dial()
    with pytest.raises(DialRefused, match="too-many-calls"):
        await hall.dial()


async def test_calls_of_all_rooms_together():
    hall = Hall(max_calls=1)
    await hall.dial()
    with pytest.raises(DialRefused, match="too-many-calls"):
        await hall.dial()
    hall.protocol.plans[0].attempt.joined()  # who is in rings no more
    await hall.dial()


@pytest.mark.parametrize("mark", ["**", "%2a%2A", "*%2A"])
async def test_a_passcode_is_not_shown(mark: str):
    hall = Hall()
    await hall.dial(f"sip:1001{mark}2468@10.0.0.9")
    assert hall.dialer.calls("1001")[0].target == "sip:1001@10.0.0.9"


async def test_stopping_ends_all():
    hall = Hall()
    await hall.dial()
    await hall.dial()
    hall.protocol.plans[1].attempt.joined()
    await hall.dialer.hang_up()
    assert all(plan.end.cancelled() for plan in hall.protocol.plans)
    assert hall.dialer.calls("1001") == []
