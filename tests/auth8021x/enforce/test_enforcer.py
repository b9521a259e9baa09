"""Enforcement at work, with drivers that only remember: closed at both ends, said again, and again after trouble."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from auth8021x.enforce import stage
from auth8021x.enforce.enforcer import Enforcer
from auth8021x.enforce.plan import Plan
from auth8021x.enforce.programs import run
from auth8021x.enforce.together import NullEnforcement, Together
from auth8021x.enforce.whereabouts import Whereabouts
from auth8021x.errors import EnforcementError
from auth8021x.pae.grant import By
from auth8021x.wire.dictionary import TerminateCause
from tests.auth8021x.enforce.world import ONE, THREE, TWO, grant, settings


@dataclass
class Driver:
    name: str = "bridge"
    trouble: str = ""
    kept_out: dict[tuple[str, bytes], str] = field(default_factory=dict)
    fault: Exception | None = None
    told: asyncio.Queue[Plan] = field(default_factory=asyncio.Queue)
    is_free: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.is_free.set()

    async def apply(self, plan: Plan) -> None:
        await self.told.put(plan)
        await self.is_free.wait()
        if self.trouble:
            raise EnforcementError(self.trouble, self.kept_out)
        if self.fault is not None:
            raise self.fault

    async def who(self) -> tuple[bytes, ...]:
        """Who is in at p1 by the next plan."""
        async with asyncio.timeout(5):
            return (await self.told.get())[0].terminals


@pytest.fixture
async def driver() -> Driver:
    return Driver()


@pytest.fixture
async def enforcer(driver: Driver) -> AsyncIterator[Enforcer]:
    made = Enforcer(settings("bridge", retry_s=0.1), [driver])
    await made.start()
    assert await driver.who() == ()
    yield made
    await made.stop()


async def test_changes_reach_the_driver_and_the_end_closes_everything(enforcer: Enforcer, driver: Driver):
    enforcer.admit("p1", ONE, grant(), "s1")
    enforcer.admit("p1", TWO, grant(), "s2")
    assert await driver.who() == (ONE, TWO), "changes at the same time are told together"
    enforcer.expel("p1", ONE, "s1", TerminateCause.USER_REQUEST)
    assert await driver.who() == (TWO,)
    before = asyncio.all_tasks()
    await enforcer.stop()
    assert await driver.who() == ()
    assert len(asyncio.all_tasks()) == len(before) - 1


async def test_lost_carrier_forgets_the_addresses(enforcer: Enforcer, driver: Driver):
    enforcer.admit("p1", ONE, grant(), "s1")
    enforcer.address("p1", ONE, "10.1.2.3")
    async with asyncio.timeout(5):
        assert (await driver.told.get())[0].addresses == ((ONE, "10.1.2.3"),)
    enforcer.expel("p1", ONE, "s1", TerminateCause.LOST_CARRIER)
    enforcer.admit("p1", ONE, grant(), "s2")
    async with asyncio.timeout(5):
        assert (await driver.told.get())[0].addresses == ()


async def test_a_fault_of_ours_leaves_nobody_in(enforcer: Enforcer, driver: Driver):
    enforcer.admit("p1", ONE, grant(), "s1")
    assert await driver.who() == (ONE,)
    driver.fault = ValueError("nobody thought of it")
    enforcer.expel("p1", ONE, "s1", TerminateCause.USER_REQUEST)
    assert await driver.who() == ()
    driver.fault = None
    assert await driver.who() == (), "told again"
    assert enforcer.counters["bridge-error"] == 1


async def test_everything_is_said_again_before_it_runs_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stage, "_TIMES_PER_TIMEOUT", 100)
    driver = Driver()
    enforcer = Enforcer(settings("bridge", timeout_s=1), [driver])
    await enforcer.start()
    enforcer.admit("p1", ONE, grant(), "s1")
    assert [await driver.who() for _ in range(4)] == [(), (ONE,), (ONE,), (ONE,)]
    await enforcer.stop()


async def test_trouble_of_one_driver_is_tried_again_and_keeps_no_other_from_closing(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    broken, other = Driver("nftables"), Driver("bridge")
    enforcer = Enforcer(settings("bridge", "nftables", retry_s=0.1), [broken, other])
    await enforcer.start()
    broken.trouble = "nft: busy"
    enforcer.admit("p1", ONE, grant(), "s1")
    assert [await other.who() for _ in range(4)] == [(), (ONE,), (ONE,), (ONE,)]
    enforcer.expel("p1", ONE, "s1", TerminateCause.ADMIN_RESET)
    assert await other.who() == ()
    broken.trouble = ""
    assert await other.who() == ()
    await enforcer.stop()
    assert enforcer.counters["nftables-error"] >= 3
    words = [record.getMessage() for record in caplog.records]
    assert words.count("driver=nftables nft: busy") == 1
    assert "driver=nftables works again" in words


async def test_a_bridge_that_hangs_keeps_nftables_from_nothing_and_hears_the_newest_plan():
    first, hanging = Driver("nftables"), Driver("bridge")
    enforcer = Enforcer(settings("bridge", "nftables"), [first, hanging])
    await enforcer.start()
    hanging.is_free.clear()
    enforcer.admit("p1", ONE, grant(), "s1")
    assert [await first.who() for _ in range(2)] == [(), (ONE,)]
    assert [await hanging.who() for _ in range(2)] == [(), (ONE,)]
    enforcer.admit("p1", TWO, grant(), "s2")
    assert await first.who() == (ONE, TWO)
    enforcer.expel("p1", ONE, "s1", TerminateCause.ADMIN_RESET)
    assert await first.who() == (TWO,)
    assert hanging.told.empty()
    hanging.is_free.set()
    assert await hanging.who() == (TWO,)
    await enforcer.stop()


async def test_the_next_driver_is_told_when_the_one_before_is_done():
    first, second = Driver("nftables"), Driver("bridge")
    enforcer = Enforcer(settings("bridge", "nftables"), [first, second])
    await enforcer.start()
    assert [await first.who(), await second.who()] == [(), ()]
    first.is_free.clear()
    enforcer.admit("p1", ONE, grant(), "s1")
    assert await first.who() == (ONE,)
    assert second.told.empty()
    first.is_free.set()
    assert await second.who() == (ONE,)
    await enforcer.stop()


async def test_who_cannot_close_does_not_start():
    enforcer = Enforcer(settings("bridge"), [Driver(trouble="ip: not permitted")])
    with pytest.raises(EnforcementError, match="not permitted"):
        await enforcer.start()


async def test_what_can_be_closed_is_closed_whatever_else_fails_at_the_start():
    broken, other = Driver("nftables", trouble="nft: not installed"), Driver("bridge")
    with pytest.raises(EnforcementError, match="not installed"):
        await Enforcer(settings("bridge", "nftables"), [broken, other]).start()
    assert await other.who() == ()


async def test_who_is_kept_out_is_in_the_log(enforcer: Enforcer, driver: Driver, caplog: pytest.LogCaptureFixture):
    enforcer.admit("p1", ONE, grant("4095"), "s1")
    assert await driver.who() == ()
    assert "port=p1 mac=02:00:00:aa:00:01 session=s1 kept out: unknown-vlan" in caplog.text


async def test_people_are_told_who_is_kept_out(driver: Driver):
    told: list[tuple[str, bytes, str, str]] = []
    enforcer = Enforcer(settings("bridge"), [driver], lambda *what: told.append(what))
    enforcer.admit("p1", ONE, grant("4095"), "s1")
    enforcer.admit("p1", TWO, grant(), "s2")
    assert told == [("p1", ONE, grant().identity, "unknown-vlan")]


async def test_several_hear_of_it_and_one_does_nothing(enforcer: Enforcer, driver: Driver):
    both = Together(Whereabouts(), enforcer, NullEnforcement())
    both.admit("p1", ONE, grant(), "s1")
    assert await driver.who() == (ONE,)
    both.expel("p1", ONE, "s1", TerminateCause.USER_REQUEST)
    assert await driver.who() == ()


@pytest.mark.parametrize(
    ("command", "patience_s", "words"),
    [
        (("no-such-program",), 5, "not installed"),
        (("sh", "-c", "echo no such  device >&2; exit 1"), 5, "^sh: no such device$"),
        (("sleep", "60"), 0.2, "took over 0.2 s"),
    ],
)
async def test_programs_that_fail_or_hang_are_errors(command: tuple[str, ...], patience_s: float, words: str):
    with pytest.raises(EnforcementError, match=words):
        await run(command, "", patience_s)


async def test_a_program_reads_and_writes():
    assert await run(("cat",), "one\n" * 50_000, 5) == b"one\n" * 50_000


async def test_a_program_is_told_nothing_of_ours(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DRUMTOWER_PASSPHRASE", "of the master key")
    told = await run(("env",), "", 5)
    assert b"master key" not in told
    assert b"LC_ALL=C\n" in told


class Doorman:
    """Is told who has to be thrown out."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes, str]] = []

    def __call__(self, port: str, mac: bytes, reason: str) -> None:
        self.told.append((port, mac, reason))


async def test_whoever_has_a_grant_and_is_not_in_is_thrown_out(driver: Driver):
    doorman = Doorman()
    enforcer = Enforcer(settings("bridge"), [driver], throw_out=doorman)
    await enforcer.start()
    enforcer.admit("p1", ONE, grant("42", By.BYPASS), "s1")
    assert doorman.told == []
    enforcer.admit("p1", TWO, grant(), "s2")
    assert doorman.told == [("p1", ONE, "other-vlan")]
    enforcer.admit("p2", THREE, grant("4095"), "s3")
    assert doorman.told[1:] == [("p2", THREE, "unknown-vlan")]
    assert enforcer.why_not("p1", ONE, grant("42", By.BYPASS)) == "other-vlan"
    assert enforcer.why_not("p1", TWO, grant("42")) == ""
    await enforcer.stop()


async def test_whom_the_kernel_does_not_let_in_is_thrown_out_and_refused_for_a_while(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
):
    doorman = Doorman()
    enforcer = Enforcer(settings("bridge", retry_s=0.1), [driver], throw_out=doorman)
    await enforcer.start()
    driver.trouble, driver.kept_out = "ip: there is no br42", {("p1", ONE): "no-network"}
    enforcer.admit("p1", ONE, grant("42"), "s1")
    async with asyncio.timeout(5):
        while not doorman.told:
            await asyncio.sleep(0.01)
    assert doorman.told[0] == ("p1", ONE, "no-network")
    assert enforcer.counters["no-network"] >= 1
    assert [enforcer.why_not("p1", mac, grant("42")) for mac in (ONE, TWO)] == ["no-network", ""]
    driver.trouble, driver.kept_out = "", {}
    loop = asyncio.get_running_loop()
    later = loop.time() + 61
    monkeypatch.setattr(loop, "time", lambda: later)
    assert enforcer.why_not("p1", ONE, grant("42")) == ""
    monkeypatch.undo()
    await enforcer.stop()
