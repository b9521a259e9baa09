"""What becomes of registrations and calls when sessions end, change and come back."""

import asyncio
from dataclasses import replace

import pytest

from auth8021x.directory.directory import Directory
from auth8021x.directory.events import EndCause, Ended
from auth8021x.directory.report import Kind
from auth8021x.directory.session import Entry, Source
from auth8021x.gate import aftermath
from auth8021x.gate.aftermath import Aftermath, DropCalls, Order, Unregister
from auth8021x.gate.consequences import Consequences
from auth8021x.gate.decision import Decision
from auth8021x.sites import Sites
from config.dot1x_sites import Dot1xGateSettings
from tests.auth8021x.directory.reports import SITES, VT2, directory, events, told

ADDRESS = "10.1.2.3"
VT5 = bytes.fromhex("02005e005305")
STOP, INTERIM = Kind.STOP, Kind.INTERIM


def made(**settings: object) -> Aftermath:
    chosen = Dot1xGateSettings(drop_after_s=30, **settings)  # type: ignore[arg-type]
    return Aftermath(chosen, Decision(chosen, Sites(SITES)))


class Bench:
    """A directory and what follows from it, on one clock."""

    def __init__(self, **settings: object) -> None:
        self.core: Directory = directory(grace_s=60)
        self.after = made(**settings)
        self.orders: list[tuple[float, str, str]] = []

    def work(self, now: float) -> None:
        for event in events(self.core):
            self.after.happened(event, now)
        self.after.handle_timeout(now)
        while (order := self.after.next_order()) is not None:
            self.orders.append((now, type(order).__name__, order.address))

    def tell(self, kind: Kind, now: float, session_id: str = "s1", **more: object) -> None:
        self.core.report(told(kind, session_id=session_id, **({"mac": VT5} | more)), now)
        self.work(now)

    def at(self, now: float) -> None:
        self.core.handle_timeout(now)
        self.work(now)


def begun(**settings: object) -> Bench:
    bench = Bench(**settings)
    bench.tell(Kind.START, 0, addresses=(ADDRESS,), vlan="42")
    bench.orders.clear()
    return bench


def test_registrations_go_at_once_and_calls_after_the_grace_time():
    bench = begun()
    bench.tell(STOP, 100)
    bench.at(129)
    assert bench.orders == [(100, "Unregister", ADDRESS)]
    bench.at(130)
    assert bench.orders[1:] == [(130, "DropCalls", ADDRESS)]
    bench.at(1000)
    assert len(bench.orders) == 2


def test_who_authenticates_again_keeps_the_call():
    bench = begun()
    bench.tell(STOP, 100)
    bench.tell(Kind.START, 110, "s2", addresses=(ADDRESS,))
    bench.at(1000)
    assert bench.orders == [(100, "Unregister", ADDRESS)]


@pytest.mark.parametrize(
    "other", [{"identity": "vt2"}, {"mac": VT2}, {"role": "gateway"}, {"entry": Entry.GUEST}, {"addresses": ()}]
)
def test_who_comes_back_as_another_does_not(other: dict[str, object]):
    bench = begun()
    bench.tell(STOP, 100)
    bench.tell(Kind.START, 110, "s2", **({"addresses": (ADDRESS,)} | other))
    bench.at(140)
    assert (140, "DropCalls", ADDRESS) in bench.orders


def test_coming_and_going_does_not_put_the_end_off():
    bench = begun()
    bench.tell(STOP, 100)
    bench.tell(Kind.START, 110, "s2", identity="vt2", addresses=(ADDRESS,))
    bench.tell(STOP, 120, "s2")
    bench.at(130)
    assert bench.orders[-1] == (130, "DropCalls", ADDRESS)


@pytest.mark.parametrize(("policy", "drops"), [("never", False), ("ended", False), ("all", True)])
def test_a_switch_that_falls_silent_cuts_no_consultation(policy: str, drops: bool):
    bench = begun(drops_calls=policy)
    for now in (600, 1200, 1800, 1859):
        bench.at(now)
        assert bench.orders == [], "three updates may be lost"
    bench.at(1865)
    bench.at(1900)
    assert [name for _, name, _ in bench.orders] == ["Unregister"] + ["DropCalls"] * drops


@pytest.mark.parametrize(("policy", "drops"), [("never", False), ("ended", True), ("all", True)])
def test_a_told_end(policy: str, drops: bool):
    bench = begun(drops_calls=policy)
    bench.tell(Kind.NAS_RESTARTED, 100)
    bench.at(200)
    assert [name for _, name, _ in bench.orders] == ["Unregister"] + ["DropCalls"] * drops


def test_reauthentication_changes_nothing():
    bench = begun()
    bench.tell(Kind.START, 100, "s2", vlan="42")
    bench.tell(INTERIM, 110, "s2", addresses=(ADDRESS,))
    bench.at(200)
    assert bench.orders == []


@pytest.mark.parametrize("change", [{"identity": "vt2"}, {"role": "gateway"}])
def test_another_identity_or_role_in_the_same_session(change: dict[str, str]):
    bench = begun()
    bench.tell(INTERIM, 100, **change)
    bench.at(130)
    assert [name for _, name, _ in bench.orders] == ["Unregister", "DropCalls"]


def test_an_address_that_another_device_takes():
    bench = begun()
    bench.tell(Kind.START, 1, "s2", mac=VT2)
    bench.core.sighted("north", VT2, ADDRESS, Source.ARP, 100)
    bench.at(100)
    bench.at(130)
    assert bench.orders == [(100, "Unregister", ADDRESS), (130, "DropCalls", ADDRESS)]


@pytest.mark.parametrize(("site", "address"), [("south", ADDRESS), ("ward", "10.20.1.1"), ("north", "10.9.1.1")])
def test_where_no_session_is_needed_nothing_follows(site: str, address: str):
    bench = Bench()
    bench.tell(Kind.START, 0, site=site, addresses=(address,))
    bench.tell(STOP, 1, site=site)
    bench.at(100)
    assert bench.orders == []


def test_past_the_bound_there_is_no_grace(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(aftermath, "MAX_PENDING", 0)
    bench = begun()
    bench.tell(STOP, 100)
    assert [name for _, name, _ in bench.orders] == ["Unregister", "DropCalls"]


class Carried:
    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.dropped = asyncio.Event()

    def unregister(self, order: Order) -> None:
        self.orders.append(order)

    def drop_calls(self, order: Order) -> None:
        self.orders.append(order)
        self.dropped.set()


async def test_the_timer():
    chosen = Dot1xGateSettings(drop_after_s=0.02)
    core, carried = directory(), Carried()
    core.report(told(addresses=(ADDRESS,)), 0)
    session = core.sessions()[0]
    consequences = Consequences(Aftermath(chosen, Decision(chosen, Sites(SITES))), carried)
    consequences.happened(Ended(session, EndCause.STOPPED))
    assert carried.orders == [Unregister("north", ADDRESS, session)]
    async with asyncio.timeout(5):
        await carried.dropped.wait()
    assert carried.orders[1:] == [DropCalls("north", ADDRESS, session)]
    consequences.happened(Ended(session, EndCause.STOPPED))
    consequences.close()


def restarted(**settings: object) -> Bench:
    """Started again with what was kept: the sessions on our own ports are over."""
    before = begun(**settings)
    own = [replace(each, is_own=True) for each in before.core.sessions()]
    bench = Bench(**settings)
    bench.core.restore(own, 100)
    bench.work(100)
    return bench


def test_after_a_restart_registrations_wait_for_the_grace_time():
    bench = restarted()
    assert bench.orders == []
    bench.at(129)
    assert bench.orders == []
    bench.at(130)
    assert bench.orders == [(130, "Unregister", ADDRESS)], "and there are no calls to be dropped"
    bench.at(1000)
    assert len(bench.orders) == 1


def test_who_is_back_after_a_restart_keeps_its_registration():
    bench = restarted(drops_calls="never")
    bench.tell(Kind.START, 110, "s2", addresses=(ADDRESS,))
    bench.at(1000)
    assert bench.orders == []


@pytest.mark.parametrize("other", [{"identity": "vt2"}, {"mac": VT2}, {"role": "gateway"}])
def test_who_is_there_instead_after_a_restart_does_not_inherit_it(other: dict[str, object]):
    bench = restarted()
    bench.tell(Kind.START, 110, "s2", **({"addresses": (ADDRESS,)} | other))
    assert bench.orders == [(110, "Unregister", ADDRESS)]
    bench.at(1000)
    assert len(bench.orders) == 1


def test_who_is_back_after_a_restart_and_goes_again():
    bench = restarted()
    bench.tell(Kind.START, 110, "s2", addresses=(ADDRESS,))
    bench.tell(STOP, 120, "s2")
    bench.at(1000)
    assert [order[1] for order in bench.orders] == ["Unregister", "DropCalls"]


def test_who_begins_anew_with_another_role_has_to_register_and_call_anew():
    bench = Bench()
    bench.tell(Kind.START, 0, addresses=(ADDRESS,), role="gateway")
    bench.tell(Kind.START, 10, "s2", addresses=(ADDRESS,))
    bench.at(40)
    assert bench.orders == [(10, "Unregister", ADDRESS), (40, "DropCalls", ADDRESS)]
