"""The gate on a virtual clock: passcodes, three tries, slow sources, blocked rooms, and those who wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from itertools import count

import pytest

from config.gate import GateSettings
from crypto.passcode import HasherBusy
from mcu.media import Grade
from mcu.participant import Role
from mcu.policy import LayoutMode, MediaEncryption, RecordPolicy, RoomPolicy
from signaling.admission import Admission, Block, CallRequest, Gate, Refusal, Refused
from signaling.network_access import NetworkAccess
from store.errors import Unavailable
from store.rooms import Room
from tests.signaling.clock import VirtualClock

GUEST, HOST, WRONG = "135790", "975310", "111111"
calls = count()


class FakeRooms:
    def __init__(self, *rooms: Room) -> None:
        self.rooms = {room.number: room for room in rooms}
        self.is_down = False
        self.looks = 0

    async def find(self, dialled: str) -> Room | None:
        self.looks += 1
        if self.is_down:
            raise Unavailable("gone")
        return self.rooms.get(dialled) or next((r for r in self.rooms.values() if r.alias == dialled and dialled), None)

    def change(self, number: str, **values: object) -> None:
        self.rooms[number] = replace(self.rooms[number], **values)


class FakeRunning:
    def __init__(self) -> None:
        self.hosts: set[str] = set()
        self.locked: set[str] = set()
        self.counts: dict[str, int] = {}
        self.event = asyncio.Event()
        self.followed: list[RoomPolicy] = []

    def follow(self, policy: RoomPolicy) -> None:
        self.followed.append(policy)

    def host_is_in(self, number: str) -> bool:
        return number in self.hosts

    def count(self, number: str) -> int:
        return self.counts.get(number, 0)

    def is_locked(self, number: str) -> bool:
        return number in self.locked

    async def wait(self, number: str) -> None:
        await self.event.wait()


class FakeVerifier:
    """Hashes are the passcodes themselves; it notes how much work each answer cost."""

    def __init__(self) -> None:
        self.work: list[int] = []
        self.gate: asyncio.Event | None = None
        self.is_busy = False

    async def match(self, secret: str, hashes: Sequence[str | None]) -> tuple[bool, ...]:
        if self.is_busy:
            raise HasherBusy("busy")
        self.work.append(len(hashes))
        if self.gate is not None:
            await self.gate.wait()
        return tuple(hashed is not None and hashed == secret for hashed in hashes)


class Bench:
    def __init__(self, *rooms: Room, settings: GateSettings | None = None, access: NetworkAccess | None = None) -> None:
        self.rooms = FakeRooms(*(rooms or (Room("1001", "Ward", guest_hash=GUEST, host_hash=HOST),)))
        self.running, self.verifier, self.clock = FakeRunning(), FakeVerifier(), VirtualClock()
        settings = settings or GateSettings()
        self.gate = Gate(self.rooms, self.running, self.verifier, settings, self.clock, access=access)

    async def admit(self, passcode: str | None = None, room: str = "1001", **values: object) -> Admission:
        values = {"source": "192.0.2.1", "protocol": "sip", "call": f"call-{next(calls)}", **values}
        task = asyncio.ensure_future(self.gate.admit(CallRequest(room=room, passcode=passcode, **values)))
        await self.clock.settle()
        # Delays of slow sources pass at once, but they are seen in clock.slept.
        while not task.done() and self.clock.slept:
            await self.clock.advance(10.0)
        return await task

    async def block(self) -> None:
        for number in range(21):
            await refusal(self.admit(WRONG, source=f"198.51.100.{number}"))


async def refusal(call: Awaitable[Admission]) -> Refusal:
    with pytest.raises(Refused) as caught:
        await call
    return caught.value.reason


OPEN = Room("1001", "Open")
HOSTED = Room("1001", "Hosted", host_hash=HOST)
GUARDED = Room("1001", "Guarded", guest_hash=GUEST, host_hash=HOST)
STRICT = Room("1001", "Strict", guest_hash=GUEST, required_grade=2)


@pytest.mark.parametrize(
    ("room", "passcode", "outcome"),
    [
        (OPEN, None, Role.GUEST),
        (OPEN, "", Role.GUEST),
        (OPEN, WRONG, Role.GUEST),
        (HOSTED, None, Role.GUEST),
        (HOSTED, HOST, Role.HOST),
        (HOSTED, WRONG, Refusal.PASSCODE_WRONG),
        (GUARDED, None, Refusal.PASSCODE_REQUIRED),
        (GUARDED, "", Refusal.PASSCODE_REQUIRED),
        (GUARDED, GUEST, Role.GUEST),
        (GUARDED, HOST, Role.HOST),
        (GUARDED, WRONG, Refusal.PASSCODE_WRONG),
        (STRICT, GUEST, Refusal.ENCRYPTION_REQUIRED),
        (Room("2002", "Other"), None, Refusal.UNKNOWN_ROOM),
        (Room("2002", "Other"), GUEST, Refusal.UNKNOWN_ROOM),
    ],
)
async def test_who_comes_in(room: Room, passcode: str | None, outcome: Role | Refusal) -> None:
    bench = Bench(room)
    if isinstance(outcome, Refusal):
        assert await refusal(bench.admit(passcode)) is outcome
        assert bench.gate.counters[f"refused-{outcome}"] == 1
    else:
        admission = await bench.admit(passcode)
        assert admission.role is outcome
        assert admission.request.passcode is None
        assert bench.gate.counters[f"admitted-{outcome}"] == 1


async def test_authenticated_room_takes_passcodes_over_secure_signalling() -> None:
    assert (await Bench(STRICT).admit(GUEST, has_secure_signalling=True)).role is Role.GUEST


async def test_alias_leads_to_the_same_counters() -> None:
    bench = Bench(replace(GUARDED, alias="ward"))
    assert (await bench.admit(GUEST, room="ward")).policy.number == "1001"
    for number in range(21):
        await refusal(bench.admit(WRONG, room="ward", source=f"198.51.100.{number}"))
    assert await refusal(bench.admit(GUEST, source="203.0.113.9")) is Refusal.UNKNOWN_ROOM


async def test_the_running_room_hears_what_is_stored_now_from_who_may_come_in() -> None:
    """The command line changes rooms beside the server."""
    bench = Bench(GUARDED)
    await refusal(bench.admit(WRONG))
    assert bench.running.followed == []
    admission = await bench.admit(GUEST)
    assert bench.running.followed == [admission.policy]
    assert admission.policy.changed_at == GUARDED.updated_at.timestamp()


async def test_bare_address_is_no_room() -> None:
    assert await refusal(Bench(replace(OPEN, alias="")).admit(None, room="")) is Refusal.UNKNOWN_ROOM


async def test_policy_is_that_of_the_room() -> None:
    room = replace(
        OPEN,
        layout="lecture",
        record="always",
        encryption="required",
        required_grade=1,
        waits_for_host=True,
        max_participants=7,
        keeps_presenter=True,
        has_full_hd=True,
    )
    policy = (await Bench(room).admit()).policy
    assert (policy.layout, policy.record, policy.required_grade) == (
        LayoutMode.LECTURE,
        RecordPolicy.ALWAYS,
        Grade.OPPORTUNISTIC,
    )
    assert (policy.encryption, policy.must_encrypt, policy.asks_for_encryption) == (
        MediaEncryption.REQUIRED,
        True,
        True,
    )
    assert policy.keeps_presenter
    assert policy.has_full_hd
    assert (policy.number, policy.name, policy.max_participants, policy.waits_for_host) == ("1001", "Open", 7, True)


async def test_three_tries_a_call() -> None:
    bench = Bench()
    outcomes = [await refusal(bench.admit(WRONG, call="one")) for _ in range(3)]
    assert outcomes == [Refusal.PASSCODE_WRONG, Refusal.PASSCODE_WRONG, Refusal.TOO_MANY_TRIES]
    assert await refusal(bench.admit(GUEST, call="one")) is Refusal.TOO_MANY_TRIES
    assert len(bench.verifier.work) == 3
    assert (await bench.admit(GUEST, call="two")).role is Role.GUEST


async def test_right_passcode_costs_no_try() -> None:
    bench = Bench()
    for _ in range(10):
        await bench.admit(GUEST, call="one")


async def test_tries_left_are_told() -> None:
    bench, left = Bench(), []
    for passcode in (None, WRONG, WRONG, WRONG):
        with pytest.raises(Refused) as caught:
            await bench.admit(passcode, call="one")
        left.append(caught.value.tries_left)
    assert left == [3, 2, 1, 0]


async def test_source_is_slowed_then_refused() -> None:
    bench, delays = Bench(), []
    for _ in range(10):
        await refusal(bench.admit(WRONG))
        delays.append(sum(bench.clock.slept))
        bench.clock.slept.clear()
    assert delays == [0, 0, 0, 0, 0.5, 1, 2, 4, 8, 8]
    with pytest.raises(Refused) as caught:
        await bench.admit(GUEST)
    assert caught.value.reason is Refusal.SLOW_DOWN
    assert 15 < caught.value.retry_after_s <= 30
    assert len(bench.verifier.work) == 10
    assert (await bench.admit(GUEST, source="192.0.2.2")).role is Role.GUEST
    # The address is shared with somebody who is signed in: they do not pay for it.
    assert (await bench.admit(GUEST, is_trusted=True)).role is Role.GUEST
    await bench.clock.advance(31)
    assert (await bench.admit(GUEST)).role is Role.GUEST


async def test_who_mistypes_does_not_keep_a_hospital_behind_one_address_out() -> None:
    bench = Bench(GUARDED)
    for _ in range(15):
        await refusal(bench.admit(WRONG))
        assert (await bench.admit(GUEST)).role is Role.GUEST
    assert bench.clock.slept == [], "nobody had to wait"


async def test_ipv6_neighbours_are_one_source() -> None:
    bench = Bench()
    for number in range(10):
        await refusal(bench.admit(WRONG, source=f"2001:db8::{number:x}"))
    assert await refusal(bench.admit(GUEST, source="2001:db8::ffff")) is Refusal.SLOW_DOWN
    assert (await bench.admit(GUEST, source="2001:db8:0:1::1")).role is Role.GUEST


async def test_searching_for_rooms_slows_down_too() -> None:
    bench = Bench()
    for number in range(10):
        assert await refusal(bench.admit(None, room=f"2{number:03}")) is Refusal.UNKNOWN_ROOM
    assert await refusal(bench.admit(None, room="1001")) is Refusal.SLOW_DOWN


async def test_guessing_in_parallel_gains_nothing() -> None:
    bench = Bench()
    bench.verifier.gate = asyncio.Event()
    tasks = [
        asyncio.ensure_future(bench.gate.admit(CallRequest("192.0.2.1", "sip", "1001", WRONG, call=str(number))))
        for number in range(100)
    ]
    await bench.clock.settle()
    # One at a time, and the line is bounded.
    assert len(bench.verifier.work) == 1
    assert sum(task.done() for task in tasks) == 36
    bench.verifier.gate.set()
    while not all(task.done() for task in tasks):
        await bench.clock.settle()
        await bench.clock.advance(0.1)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, Refused)]
    # Not one passcode more than ten tried one after the other.
    assert reasons.count(Refusal.PASSCODE_WRONG) == 10
    assert len(reasons) == 100
    assert bench.gate.gauges()["in-line"] == 0


async def test_parallel_guesses_from_many_sources_stop_at_the_block() -> None:
    bench = Bench()
    bench.verifier.gate = asyncio.Event()

    def guess(number: int, passcode: str) -> asyncio.Future[Admission]:
        request = CallRequest(f"198.51.{number // 250}.{number % 250}", "sip", "1001", passcode, call=str(number))
        return asyncio.ensure_future(bench.gate.admit(request))

    tasks = [guess(number, WRONG) for number in range(300)] + [guess(999, GUEST)]
    await bench.clock.settle()
    bench.verifier.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, Refused)]
    assert reasons.count(Refusal.PASSCODE_WRONG) == 21
    assert reasons.count(Refusal.UNKNOWN_ROOM) == 280


async def test_room_is_blocked_for_strangers_only() -> None:
    bench = Bench()
    seen: list[Block] = []
    stop = bench.gate.observe(seen.append)
    await bench.block()
    assert [(block.room, block.remaining_s, block.blocks) for block in seen] == [("1001", 600.0, 1)]
    assert await refusal(bench.admit(GUEST, source="203.0.113.1")) is Refusal.UNKNOWN_ROOM
    assert await refusal(bench.admit(HOST, source="203.0.113.1")) is Refusal.UNKNOWN_ROOM
    assert await refusal(bench.admit(None, source="203.0.113.1")) is Refusal.UNKNOWN_ROOM
    assert (await bench.admit(GUEST, source="203.0.113.2", is_trusted=True)).role is Role.GUEST
    assert [block.room for block in bench.gate.blocked()] == ["1001"]
    assert bench.gate.gauges()["blocked"] == 1
    await bench.clock.advance(601)
    assert (await bench.admit(GUEST, source="203.0.113.3")).role is Role.GUEST
    stop()
    await bench.block()
    assert len(seen) == 1
    assert 1190 < bench.gate.blocked()[0].remaining_s <= 1200


async def test_host_unblocks() -> None:
    bench = Bench()
    await bench.block()
    assert bench.gate.unblock("1001")
    assert not bench.gate.unblock("1001")
    assert (await bench.admit(GUEST, source="203.0.113.1")).role is Role.GUEST


@pytest.mark.parametrize("passcode", [None, "", GUEST, HOST, WRONG])
async def test_blocked_room_is_like_an_unknown_number(passcode: str | None, caplog: pytest.LogCaptureFixture) -> None:
    async def observe(bench: Bench, room: str) -> tuple[object, ...]:
        before, seen = len(bench.verifier.work), []
        caplog.clear()
        with caplog.at_level(logging.INFO):
            for _ in range(12):
                with pytest.raises(Refused) as caught:
                    await bench.admit(passcode, room=room, source="203.0.113.1", call="same")
                seen.append((caught.value.reason, round(caught.value.retry_after_s), caught.value.tries_left))
        # The same answers, the same number of hashes, the same waits, the same words in the log.
        return seen, bench.verifier.work[before:], list(bench.clock.slept), caplog.messages

    blocked, unknown = Bench(), Bench()
    await blocked.block()
    await unknown.clock.advance(blocked.clock.time - unknown.clock.time)
    assert await observe(blocked, "1001") == await observe(unknown, "2002")


@pytest.mark.parametrize("room", [GUARDED, HOSTED, replace(GUARDED, host_hash=None), Room("2002", "Other")])
async def test_wrong_passcodes_cost_the_same_everywhere(room: Room) -> None:
    bench = Bench(room)
    await refusal(bench.admit(WRONG))
    assert bench.verifier.work == [2]


async def test_locked_room() -> None:
    """Who can be told so waits outside; the others are refused at once."""
    bench = Bench(replace(GUARDED, is_locked=True))
    assert await refusal(bench.admit(GUEST, can_wait=False)) is Refusal.LOCKED
    assert (await bench.admit(GUEST)).role is Role.GUEST
    assert await refusal(bench.admit(WRONG)) is Refusal.PASSCODE_WRONG
    assert (await bench.admit(HOST)).role is Role.HOST
    # The host unlocked the running conference.
    bench.running.counts["1001"] = 1
    assert (await bench.admit(GUEST, can_wait=False)).role is Role.GUEST
    bench.running.locked.add("1001")
    assert await refusal(bench.admit(GUEST, can_wait=False)) is Refusal.LOCKED


async def test_full_room() -> None:
    bench = Bench(replace(GUARDED, max_participants=2))
    bench.running.counts["1001"] = 2
    assert await refusal(bench.admit(GUEST)) is Refusal.FULL
    assert await refusal(bench.admit(WRONG)) is Refusal.PASSCODE_WRONG
    bench.running.counts["1001"] = 1
    await bench.admit(GUEST)


@pytest.mark.parametrize(
    ("required", "grade", "passes"),
    [
        (0, Grade.CLEAR, True), (1, Grade.CLEAR, False), (1, Grade.OPPORTUNISTIC, True),
        (2, Grade.OPPORTUNISTIC, False), (2, Grade.AUTHENTICATED, True),
    ],
)  # fmt: skip
async def test_media_must_be_locked_well_enough(required: int, grade: Grade, passes: bool) -> None:
    bench = Bench(replace(OPEN, required_grade=required))
    admission = await bench.admit()
    if passes:
        bench.gate.check_media(admission, grade)
    else:
        with pytest.raises(Refused) as caught:
            bench.gate.check_media(admission, grade)
        assert caught.value.reason is Refusal.ENCRYPTION_REQUIRED


# ---- waiting --------------------------------------------------------------------------------------------------------

WAITING = replace(GUARDED, waits_for_host=True)


async def waiting(bench: Bench) -> asyncio.Task[Admission]:
    task = asyncio.create_task(bench.gate.wait_for_host(await bench.admit(GUEST)))
    await bench.clock.settle()
    assert not task.done()
    assert bench.gate.gauges()["waiting-for-host"] == 1
    return task


async def test_nobody_waits_where_nothing_is_to_be_waited_for() -> None:
    bench = Bench()
    assert (await bench.gate.wait_for_host(await bench.admit(GUEST))).role is Role.GUEST
    bench = Bench(WAITING)
    assert (await bench.gate.wait_for_host(await bench.admit(HOST))).role is Role.HOST


async def test_host_comes() -> None:
    bench = Bench(WAITING)
    task = await waiting(bench)
    bench.running.hosts.add("1001")
    bench.running.event.set()
    await bench.clock.advance(0.1)
    assert task.done()
    assert (await task).role is Role.GUEST
    assert bench.gate.gauges()["waiting-for-host"] == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"generation": 2}, Refusal.PASSCODE_REQUIRED),
        ({"max_participants": 0}, Refusal.FULL),
        (None, Refusal.UNKNOWN_ROOM),
    ],
)
@pytest.mark.parametrize("is_reported", [True, False])
async def test_changes_hold_for_those_who_wait(
    change: dict[str, object] | None, reason: Refusal, is_reported: bool
) -> None:
    bench = Bench(WAITING)
    task = await waiting(bench)
    if change is None:
        del bench.rooms.rooms["1001"]
    else:
        bench.rooms.change("1001", **change)
    if is_reported:
        bench.gate.room_changed("1001")
    await bench.clock.advance(0.1 if is_reported else 5.1)
    assert task.done()
    assert await refusal(task) is reason


async def test_room_fills_while_waiting() -> None:
    bench = Bench(WAITING)
    task = await waiting(bench)
    bench.running.counts["1001"] = 36
    bench.running.hosts.add("1001")
    bench.running.event.set()
    await bench.clock.advance(0.1)
    assert await refusal(task) is Refusal.FULL


async def test_passcode_changed_between_admit_and_join() -> None:
    bench = Bench()
    admission = await bench.admit(GUEST)
    bench.rooms.change("1001", generation=2)
    assert await refusal(bench.gate.wait_for_host(admission)) is Refusal.PASSCODE_REQUIRED


async def test_wait_takes_over_what_changed_harmlessly() -> None:
    bench = Bench(WAITING)
    task = await waiting(bench)
    bench.rooms.change("1001", waits_for_host=False, layout="lecture")
    bench.gate.room_changed("1001")
    await bench.clock.advance(0.1)
    assert (await task).policy.layout is LayoutMode.LECTURE


@pytest.mark.parametrize(("room", "reason"), [("WAITING", Refusal.HOST_ABSENT), ("LOCKED", Refusal.LOCKED)])
async def test_nobody_comes_to_open(room: str, reason: Refusal) -> None:
    bench = Bench({"WAITING": WAITING, "LOCKED": replace(GUARDED, is_locked=True)}[room])
    task = await waiting(bench)
    await bench.clock.advance(1790)
    assert not task.done()
    await bench.clock.advance(20)
    assert await refusal(task) is reason


async def test_waiting_is_bounded_and_leaves_nothing_behind() -> None:
    bench = Bench(WAITING, settings=GateSettings(max_waiting=1))
    task = await waiting(bench)
    assert await refusal(bench.gate.wait_for_host(await bench.admit(GUEST))) is Refusal.CAPACITY
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert bench.gate.gauges()["waiting-for-host"] == 0
    assert len(asyncio.all_tasks()) == 1
    await waiting(bench)


async def test_a_room_that_reports_all_the_time_does_not_spin() -> None:
    bench = Bench(WAITING)
    task = await waiting(bench)
    bench.running.event.set()
    before = bench.rooms.looks
    for _ in range(20):
        await bench.clock.settle()
    assert bench.rooms.looks == before
    await bench.clock.advance(1.0)
    assert 10 <= bench.rooms.looks - before <= 21
    assert not task.done()
    task.cancel()


# ---- trouble --------------------------------------------------------------------------------------------------------


async def test_busy_hasher_and_lost_database_are_no_tracebacks() -> None:
    bench = Bench()
    bench.verifier.is_busy = True
    assert await refusal(bench.admit(GUEST)) is Refusal.CAPACITY
    bench.verifier.is_busy = False
    bench.rooms.is_down = True
    assert await refusal(bench.admit(GUEST)) is Refusal.CAPACITY
    bench.rooms.is_down = False
    await bench.admit(GUEST)


async def test_a_caller_who_hangs_up_leaves_the_line() -> None:
    bench = Bench()
    bench.verifier.gate = asyncio.Event()
    task = asyncio.create_task(bench.gate.admit(CallRequest("192.0.2.1", "sip", "1001", GUEST, call="x")))
    await bench.clock.settle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert bench.gate.gauges()["in-line"] == 0


async def test_nothing_secret_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    with caplog.at_level(logging.DEBUG):
        admission = await bench.admit(GUEST)
        for passcode in ("777888", "888999"):
            await refusal(bench.admit(passcode))
        # Dialled with one star only: the whole string is taken for a room.
        await refusal(bench.admit(None, room="1001.135790"))
        await bench.block()
    shown = caplog.text + repr(admission) + repr(bench.rooms.rooms) + repr(CallRequest("a", "sip", "1", GUEST))
    assert "room=1001" in caplog.text
    assert not any(secret in shown for secret in (GUEST, HOST, "777888", "888999"))


async def test_whether_a_source_is_refused_can_be_asked() -> None:
    bench = Bench(settings=GateSettings(source_free_failures=1, source_refused_failures=2, room_failures=100))
    assert not bench.gate.is_refused("192.0.2.1")
    for _ in range(2):
        await refusal(bench.admit(WRONG))
    assert bench.gate.is_refused("192.0.2.1")
    assert not bench.gate.is_refused("192.0.2.1", is_trusted=True)
    assert not bench.gate.is_refused("192.0.2.2")
    await bench.clock.advance(3600.0)
    assert not bench.gate.is_refused("192.0.2.1")
