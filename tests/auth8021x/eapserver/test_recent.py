"""The newest logins at the embedded server."""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from auth8021x.eapserver import recent
from auth8021x.eapserver.place import Place
from auth8021x.eapserver.recent import RecentLogins
from auth8021x.eapserver.server import Verdict
from auth8021x.wire.eap import Method

REFUSED = Verdict(
    "ward", "0200.5e00.5301", "anonymous", "vt\x1b1", Method.PEAP, "wrong-password", "", Place("sw\n3", "Gi1/0/7")
)
LET_IN = replace(REFUSED, reason="")


def station(last: int) -> str:
    return f"02-00-00-00-00-{last:02X}"


def logins() -> RecentLogins:
    times = itertools.count()
    return RecentLogins(lambda: float(next(times)))


def test_what_people_are_shown() -> None:
    known = logins()
    known.decided(REFUSED)
    (found,) = known.refused()
    assert (found.at, found.client, found.switch, found.port) == (0.0, "ward", "sw?3", "Gi1/0/7")
    assert (found.mac, found.identity, found.method) == ("02:00:5e:00:53:01", "vt?1", "PEAP")
    assert (found.reason, found.count, known.let_in()) == ("wrong-password", 1, [])


def test_one_of_each_device_and_switch_and_how_often() -> None:
    known = logins()
    for verdict in (
        REFUSED, replace(REFUSED, station="02:00:5e:00:53:01"), replace(REFUSED, client="theatre"), LET_IN,
    ):  # fmt: skip
        known.decided(verdict)
    assert [(each.client, each.count, each.at) for each in known.refused()] == [("theatre", 1, 2.0), ("ward", 2, 1.0)]
    assert [each.count for each in known.let_in()] == [1]
    known.decided(replace(REFUSED, reason="too-many-tries"))
    newest = known.refused()[0]
    assert (newest.client, newest.reason, newest.count) == ("ward", "too-many-tries", 1)


def test_who_gave_no_name_and_no_address_is_shown_as_it_came() -> None:
    known = logins()
    known.decided(Verdict("ward", "no\tmac", "vt1", "", 99, "no-session"))
    (found,) = known.refused()
    assert (found.mac, found.identity, found.method) == ("no?mac", "vt1", "99")


def test_tables_are_bounded_and_who_is_let_in_pushes_out_none_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MAX_LOGINS", 3)
    known = logins()
    for last in range(5):
        known.decided(replace(REFUSED, station=station(last)))
    for last in range(50):
        known.decided(replace(LET_IN, station=station(last)))
    assert [each.mac[-2:] for each in known.refused()] == ["04", "03", "02"]
    assert [each.mac[-2:] for each in known.let_in()] == ["31", "30", "2f"]


def test_who_looks_on_is_told_of_each_until_it_stops() -> None:
    known, told = logins(), []
    stop = known.observe(lambda: told.append(len(known.refused())))
    known.decided(REFUSED)
    known.decided(REFUSED)
    stop()
    stop()
    known.decided(REFUSED)
    assert told == [1, 1]
