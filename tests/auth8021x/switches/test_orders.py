"""What switches are told when sessions end, and what is tried when they do not obey."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auth8021x.directory.events import EndCause, Ended, Event, Opened
from auth8021x.directory.session import Session
from auth8021x.radius.dynamic_outcome import Outcome
from auth8021x.switches import orders as orders_module
from auth8021x.switches.orders import MAX_AGE_S, MAX_IN_FLIGHT, MAX_RETRY_S, RETRY_S, Order, SwitchOrders
from auth8021x.switches.switch_book import SwitchBook
from auth8021x.wire import attribute, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import ErrorCause, Type
from tests.auth8021x.switches.sessions import session, switch

DONE, SILENT = Outcome(is_done=True), Outcome(is_done=False, has_answer=False)
CHANGE = (*tunnel.vlan_attributes("43"), attribute.text(Type.FILTER_ID, "quarantine"))


def refused(cause: ErrorCause | None) -> Outcome:
    return Outcome(is_done=False, error_cause=cause)


def ended(which: Session, cause: EndCause = EndCause.ORDERED) -> Event:
    return Ended(which, cause)


def orders() -> SwitchOrders:
    return SwitchOrders(SwitchBook([switch()]))


def following(core: SwitchOrders, now: float = 0.0) -> Order:
    order = core.next_order(now)
    assert order is not None
    return order


def results(core: SwitchOrders) -> list[str]:
    found = []
    while (settled := core.next_event()) is not None:
        found.append(f"{settled.kind} {settled.result.value}")
    return found


@pytest.mark.parametrize("cause", list(EndCause))
def test_only_what_is_ended_here_has_to_be_ended_there(cause: EndCause):
    core = orders()
    core.happened(ended(session(), cause), 0.0)
    assert (core.next_order(0.0) is not None) == (cause is EndCause.ORDERED)


def test_our_own_ports_are_told_by_others():
    core = orders()
    core.happened(ended(replace(session(), is_own=True)), 0.0)
    assert (core.next_order(0.0), results(core)) == (None, [])


def test_done_at_once():
    core = orders()
    core.happened(ended(session()), 0.0)
    order = following(core)
    assert (str(order.switch), order.change) == ("ward (10.0.0.2)", ())
    core.finished(order, DONE, 0.0)
    assert results(core) == ["disconnect done"]
    assert (core.next_order(1e9), core.next_timeout(), core.gauges()) == (None, None, {"switch-orders": 0})


def test_a_switch_that_does_not_know_the_words_hears_fewer():
    core = orders()
    core.happened(ended(session()), 0.0)
    first = following(core)
    core.finished(first, refused(ErrorCause.UNSUPPORTED_ATTRIBUTE), 0.0)
    second = following(core)
    assert {each.type for each in second.words[0]} == {Type.CALLING_STATION_ID, Type.ACCT_SESSION_ID}
    assert set(second.words[0]) < set(first.words[0])
    core.finished(second, refused(ErrorCause.SESSION_CONTEXT_NOT_FOUND), 0.0)
    assert (core.next_order(0.0), results(core)) == (None, ["disconnect no-such-session"])


@pytest.mark.parametrize("cause", [None, ErrorCause.ADMINISTRATIVELY_PROHIBITED])
def test_what_is_refused_for_good_is_said_and_left(cause: ErrorCause | None):
    core = orders()
    core.happened(ended(session()), 0.0)
    core.finished(following(core), refused(cause), 0.0)
    assert (core.next_order(1e9), results(core)) == (None, ["disconnect refused"])


def test_a_switch_that_is_away_is_told_when_it_is_back_and_not_for_ever():
    core, now = orders(), 100.0
    core.happened(ended(session()), now)
    rests = []
    while (order := core.next_order(now)) is not None:
        core.finished(order, SILENT, now)
        if (due := core.next_timeout()) is None:
            break
        assert core.next_order(due - 1) is None
        rests.append(due - now)
        now = due
    assert rests[:7] == [RETRY_S, 120, 240, 480, 960, 1920, MAX_RETRY_S]
    assert MAX_AGE_S - MAX_RETRY_S <= now - 100.0 < MAX_AGE_S
    assert set(results(core)) == {"disconnect no-answer", "disconnect too-old"}
    assert core.counters["disconnect-too-old"] == 1
    assert (core.next_timeout(), core.next_order(now + 1e9), core.gauges()) == (None, None, {"switch-orders": 0})


@pytest.mark.parametrize("event", [Opened(session()), ended(session(), EndCause.STOPPED)])
def test_who_has_begun_anew_is_not_thrown_out_for_an_earlier_session(event: Event):
    core = orders()
    core.happened(ended(session()), 0.0)
    core.finished(following(core), SILENT, 0.0)
    core.happened(event, 0.0)
    assert core.next_order(1e9) is None


@pytest.mark.parametrize("outcome", [SILENT, refused(ErrorCause.UNSUPPORTED_ATTRIBUTE)])
def test_nor_by_an_order_that_was_on_its_way(outcome: Outcome):
    core = orders()
    core.happened(ended(session()), 0.0)
    order = following(core)
    core.happened(Opened(session()), 0.0)
    core.finished(order, outcome, 0.0)
    assert (core.next_order(1e9), core.next_timeout(), core.gauges()) == (None, None, {"switch-orders": 0})


def kept(core: SwitchOrders) -> dict[bytes, tuple[Attribute, ...]]:
    """What is kept by what was said so far: the change of each device."""
    found: dict[bytes, tuple[Attribute, ...]] = {}
    while (change := core.next_change()) is not None:
        found.pop(change.key[1], None)
        if change.order is not None:
            found[change.key[1]] = change.order.change
    return found


@pytest.mark.parametrize(
    ("outcome", "is_kept"),
    [(DONE, False), (SILENT, True), (refused(None), False), (refused(ErrorCause.UNSUPPORTED_ATTRIBUTE), True)],
)
def test_what_waits_is_kept_until_it_is_settled(outcome: Outcome, is_kept: bool):
    core, mac = orders(), session().mac
    core.happened(ended(session()), 0.0)
    order = following(core)
    assert kept(core) == {mac: ()}, "before it is sent"
    core.change(session(), CHANGE, 0.0)
    assert kept(core) == {mac: CHANGE}
    core.finished(order, DONE, 0.0)
    assert kept(core) == {}, "what was said last counts"
    core.happened(ended(session()), 0.0)
    core.finished(following(core), outcome, 0.0)
    assert (kept(core) == {mac: ()}) == is_kept


def test_who_has_begun_anew_is_kept_no_more():
    core = orders()
    core.happened(ended(session()), 0.0)
    core.happened(Opened(session()), 0.0)
    assert kept(core) == {}


@pytest.mark.parametrize(
    ("age_s", "outcome", "said"),
    [
        (10.0, refused(ErrorCause.SESSION_CONTEXT_NOT_FOUND), ["disconnect no-such-session"]),
        (10.0, DONE, ["disconnect done"]),
        (MAX_AGE_S, None, ["disconnect too-old"]),
    ],
)
def test_after_a_restart_an_order_goes_on_and_may_have_been_done(
    age_s: float, outcome: Outcome | None, said: list[str]
):
    core = orders()
    core.resume(session(), (), 100.0 - age_s, 100.0)
    while outcome is not None and (order := core.next_order(100.0)) is not None:
        core.finished(order, outcome, 100.0)
    assert (core.next_order(1e9), results(core), kept(core)) == (None, said, {})


def test_orders_that_come_and_go_leave_no_alarms():
    core, found = orders(), session()
    for number in range(10 * MAX_IN_FLIGHT):
        core.happened(ended(replace(found, mac=number.to_bytes(6, "big"))), 0.0)
        core.finished(following(core), SILENT, 0.0)
        core.happened(Opened(replace(found, mac=number.to_bytes(6, "big"))), 0.0)
    assert len(core._alarms) <= MAX_IN_FLIGHT + 1


def test_a_change_that_is_refused_becomes_a_disconnect():
    core = orders()
    core.change(session(), CHANGE, 0.0)
    order = following(core)
    assert order.change == CHANGE
    core.finished(order, refused(ErrorCause.UNSUPPORTED_ATTRIBUTE), 0.0)
    core.finished(following(core), refused(ErrorCause.UNSUPPORTED_ATTRIBUTE), 0.0)
    last = following(core)
    assert (last.change, last.words) == ((), order.words)
    core.finished(last, DONE, 0.0)
    assert results(core) == ["change refused", "disconnect done"]
    assert core.counters == {"change-refused": 1, "disconnect-done": 1}


def test_a_change_of_a_session_that_ends_meanwhile_is_none():
    core = orders()
    core.change(session(), CHANGE, 0.0)
    core.happened(ended(session(), EndCause.STOPPED), 0.0)
    assert core.next_order(0.0) is None


def test_a_switch_that_nobody_has_described_is_said():
    core = orders()
    core.happened(ended(replace(session(), site="south")), 0.0)
    assert (core.next_order(0.0), results(core)) == (None, ["disconnect no-switch"])


def test_bounds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(orders_module, "MAX_WAITING", MAX_IN_FLIGHT + 5)
    core, found = orders(), session()
    for number in range(MAX_IN_FLIGHT + 6):
        core.happened(ended(replace(found, mac=number.to_bytes(6, "big"))), 0.0)
    assert results(core) == ["disconnect too-many"]
    under_way = [following(core) for _ in range(MAX_IN_FLIGHT)]
    assert core.next_order(0.0) is None
    core.finished(under_way[0], DONE, 0.0)
    assert following(core).session.mac == MAX_IN_FLIGHT.to_bytes(6, "big")
