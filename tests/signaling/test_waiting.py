"""The antechamber: who waits is seen by hosts, told why, let in or turned away one by one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from config.gate import GateSettings
from mcu.participant import Role
from signaling.admission import Admission, Refusal, WaitReason
from store.rooms import Room
from tests.signaling.test_admission import GUARDED, GUEST, HOST, STRICT, WRONG, Bench, refusal

WAITING = replace(GUARDED, waits_for_host=True)
LOCKED = replace(GUARDED, is_locked=True)


class Outside:
    """Callers of one bench, and what each of them was told."""

    def __init__(self, room: Room, settings: GateSettings | None = None) -> None:
        self.bench = Bench(room, settings=settings)
        self.told: dict[str, list[WaitReason]] = {}
        self.seen: list[str] = []
        self.bench.gate.observe_waiting(self.seen.append)

    async def knock(self, name: str, passcode: str = GUEST, **values: object) -> asyncio.Task[Admission]:
        admission = await self.bench.admit(passcode, name=name, **values)
        told = self.told[name] = []
        task = asyncio.create_task(self.bench.gate.wait_for_host(admission, told.append))
        await self.bench.clock.settle()
        return task

    def names(self) -> list[str]:
        return [one.name for one in self.bench.gate.waiting("1001")]

    def number(self, name: str) -> int:
        return next(one.id for one in self.bench.gate.waiting("1001") if one.name == name)


@pytest.mark.parametrize(("room", "reason"), [(WAITING, WaitReason.HOST), (LOCKED, WaitReason.LOCKED)])
async def test_one_of_two_is_let_in_and_the_other_turned_away(room: Room, reason: WaitReason) -> None:
    it = Outside(room)
    gate = it.bench.gate
    ward, stranger = await it.knock("Ward", identity="ward3"), await it.knock("Stranger", source="192.0.2.9")
    assert it.told == {"Ward": [reason], "Stranger": [reason]}
    rows = [one.snapshot() for one in gate.waiting("1001")]
    assert [(row["name"], row["is_verified"], row["identity"], row["address"], row["reason"]) for row in rows] == [
        ("Ward", True, "ward3", "192.0.2.1", str(reason)),
        ("Stranger", False, "", "192.0.2.9", str(reason)),
    ]
    assert gate.waiting_rooms() == ["1001"]
    assert gate.let_in("1001", it.number("Ward"))
    assert gate.turn_away("1001", it.number("Stranger"))
    await it.bench.clock.advance(0.1)
    assert (await ward).is_above_the_lock
    assert await refusal(stranger) is Refusal.NOT_LET_IN
    assert gate.waiting("1001") == []
    assert gate.waiting_rooms() == []
    assert it.seen == ["1001"] * 4
    assert not gate.let_in("1001", 1)


async def test_a_number_lets_nobody_into_another_room() -> None:
    it = Outside(LOCKED)
    task = await it.knock("Ward")
    assert not it.bench.gate.let_in("2002", it.number("Ward"))
    assert not it.bench.gate.let_in("1001", 999)
    await it.bench.clock.advance(0.1)
    assert not task.done()
    task.cancel()


async def test_the_first_word_of_a_host_counts() -> None:
    it = Outside(LOCKED)
    task = await it.knock("Ward")
    number = it.number("Ward")
    assert it.bench.gate.turn_away("1001", number)
    assert it.bench.gate.let_in("1001", number)
    await it.bench.clock.advance(0.1)
    assert await refusal(task) is Refusal.NOT_LET_IN


async def test_host_comes_into_a_locked_room_then_opens_it() -> None:
    it = Outside(replace(WAITING, is_locked=True))
    task = await it.knock("Ward")
    it.bench.running.hosts.add("1001")
    it.bench.running.counts["1001"] = 1
    it.bench.running.locked.add("1001")
    it.bench.running.event.set()
    await it.bench.clock.advance(0.1)
    assert it.told["Ward"] == [WaitReason.HOST, WaitReason.LOCKED]
    assert it.names() == ["Ward"]
    it.bench.running.locked.clear()
    await it.bench.clock.advance(0.1)
    assert not (await task).is_above_the_lock


async def test_the_room_locks_while_somebody_waits_for_the_host() -> None:
    """Locking holds for who waits: the host who comes does not open the door for them."""
    it = Outside(WAITING)
    task = await it.knock("Ward")
    it.bench.rooms.change("1001", is_locked=True)
    it.bench.running.hosts.add("1001")
    it.bench.gate.room_changed("1001")
    await it.bench.clock.advance(0.1)
    assert not task.done()
    assert it.told["Ward"] == [WaitReason.HOST, WaitReason.LOCKED]
    task.cancel()


async def test_what_changed_meanwhile_holds_for_who_is_let_in() -> None:
    it = Outside(LOCKED)
    task = await it.knock("Ward")
    it.bench.gate.let_in("1001", it.number("Ward"))
    it.bench.running.counts["1001"] = 36
    await it.bench.clock.advance(0.1)
    assert await refusal(task) is Refusal.FULL


async def test_hosts_and_the_invited_do_not_wait() -> None:
    it = Outside(replace(LOCKED, waits_for_host=True))
    host = await it.knock("Host", HOST)
    invited = await it.knock("Invited", "", is_invited=True, invited_as=Role.GUEST)
    assert ((await host).role, (await invited).role) == (Role.HOST, Role.GUEST)
    assert it.told == {"Host": [], "Invited": []}


async def test_the_invited_take_seats_and_no_block_concerns_them() -> None:
    bench = Bench(replace(GUARDED, max_participants=2))
    bench.running.counts["1001"] = 2
    assert await refusal(bench.admit(None, is_invited=True)) is Refusal.FULL
    bench.running.counts["1001"] = 0
    assert (await bench.admit(None, is_invited=True, invited_as=Role.HOST)).role is Role.HOST
    await bench.block()
    assert (await bench.admit(None, is_invited=True, source="203.0.113.1")).role is Role.GUEST


async def test_each_room_has_a_bounded_number_outside() -> None:
    it = Outside(LOCKED, GateSettings(max_waiting_per_room=2))
    tasks = [await it.knock("One"), await it.knock("Two")]
    assert await refusal(await it.knock("Three")) is Refusal.CAPACITY
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert it.names() == []
    assert len(asyncio.all_tasks()) == 1


# ---- becoming host by passcode, inside ------------------------------------------------------------------------------


async def test_promotion_counts_like_the_gate() -> None:
    bench = Bench()
    admission = await bench.admit(GUEST, call="one")
    for wrong, reason in ((WRONG, "passcode-wrong"), (GUEST, "passcode-wrong"), (WRONG, "too-many-tries")):
        assert await refusal(bench.gate.promote(admission, wrong)) == reason
    assert await refusal(bench.gate.promote(admission, HOST)) is Refusal.TOO_MANY_TRIES
    assert len(bench.verifier.work) == 1 + 3
    again = await bench.admit(GUEST, call="two", source="192.0.2.2")
    await bench.gate.promote(again, HOST)
    assert bench.gate.counters["promoted"] == 1


async def test_nobody_becomes_host_while_the_passcode_is_guessed_at() -> None:
    bench = Bench()
    admission = await bench.admit(GUEST, source="203.0.113.1")
    await bench.block()
    assert await refusal(bench.gate.promote(admission, HOST)) is Refusal.TOO_MANY_TRIES


async def test_guessing_from_inside_blocks_the_room_too() -> None:
    bench = Bench()
    for number in range(21):
        admission = await bench.admit(GUEST, source=f"198.51.100.{number}")
        await refusal(bench.gate.promote(admission, WRONG))
    assert [block.room for block in bench.gate.blocked()] == ["1001"]


async def test_nobody_is_asked_for_a_passcode_that_would_not_be_taken() -> None:
    assert await refusal(Bench(STRICT).admit(None)) is Refusal.ENCRYPTION_REQUIRED
    assert await refusal(Bench(STRICT).admit(None, has_secure_signalling=True)) is Refusal.PASSCODE_REQUIRED
