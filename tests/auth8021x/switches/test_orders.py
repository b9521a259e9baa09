"""What switches are told when sessions end, and what is tried when they do not obey."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auth8021x.directory.events import EndCause, Ended, Event, Opened
from auth8021x.directory.session import Session
from auth8021x.radius.dynamic_outcome import Outcome
from auth8021x.switches import orders as orders_module
from auth8021x.switches.orders import MAX_IN_FLIGHT, MAX_ROUNDS, RETRY_S, Order, SwitchOrders
from auth8021x.switches.switch_book import SwitchBook
from auth8021x.wire import attribute, tunnel
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
    core.happened(ended(session(), cause))
    assert (core.next_order(0.0) is not None) == (cause is EndCause.ORDERED)


def test_our_own_ports_are_told_by_others():
    core = orders()
    core.happened(ended(replace(session(), is_own=True)))
    assert (core.next_order(0.0), results(core)) == (None, [])


def test_done_at_once():
    core = orders()
    core.happened(ended(session()))
    order = following(core)
    assert (str(order.switch), order.change) == ("ward (10.0.0.2)", ())
    core.finished(order, DONE, 0.0)
    assert results(core) == ["disconnect done"]
    assert (core.next_order(1e9), core.next_timeout(), core.gauges()) == (None, None, {"switch-orders": 0})


def test_a_switch_that_does_not_know_the_words_hears_fewer():
    core = orders()
    core.happened(ended(session()))
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
    core.happened(ended(session()))
    core.finished(following(core), refused(cause), 0.0)
    assert (core.next_order(1e9), results(core)) == (None, ["disconnect refused"])


def test_a_switch_that_is_away_is_told_when_it_is_back():
    core, now = orders(), 100.0
    core.happened(ended(session()))
    for _ in range(MAX_ROUNDS):
        order = following(core, now)
        core.finished(order, SILENT, now)
        assert core.next_order(now + RETRY_S - 1) is None
        now += RETRY_S
    assert results(core) == ["disconnect no-answer"] * MAX_ROUNDS
    assert (core.next_timeout(), core.next_order(now)) == (None, None), "not for ever"


@pytest.mark.parametrize("event", [Opened(session()), ended(session(), EndCause.STOPPED)])
def test_who_has_begun_anew_is_not_thrown_out_for_an_earlier_session(event: Event):
    core = orders()
    core.happened(ended(session()))
    core.finished(following(core), SILENT, 0.0)
    core.happened(event)
    assert core.next_order(1e9) is None


def test_a_change_that_is_refused_becomes_a_disconnect():
    core = orders()
    core.change(session(), CHANGE)
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
    core.change(session(), CHANGE)
    core.happened(ended(session(), EndCause.STOPPED))
    assert core.next_order(0.0) is None


def test_a_switch_that_nobody_has_described_is_said():
    core = orders()
    core.happened(ended(replace(session(), site="south")))
    assert (core.next_order(0.0), results(core)) == (None, ["disconnect no-switch"])


def test_bounds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(orders_module, "MAX_WAITING", MAX_IN_FLIGHT + 5)
    core, found = orders(), session()
    for number in range(MAX_IN_FLIGHT + 6):
        core.happened(ended(replace(found, mac=number.to_bytes(6, "big"))))
    assert results(core) == ["disconnect too-many"]
    under_way = [following(core) for _ in range(MAX_IN_FLIGHT)]
    assert core.next_order(0.0) is None
    core.finished(under_way[0], DONE, 0.0)
    assert following(core).session.mac == MAX_IN_FLIGHT.to_bytes(6, "big")
