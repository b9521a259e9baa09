"""The directory: who is behind an address, whatever order and number its reports come in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth8021x.directory.directory import Directory
from auth8021x.directory.events import Bound, Changed, EndCause, Ended, LossCause, Opened, Revoked
from auth8021x.directory.naming import Naming
from auth8021x.directory.report import Kind, OwnPort, Report
from auth8021x.directory.session import Entry, Session, Source
from auth8021x.errors import MalformedPacketError
from auth8021x.pae.grant import By, Grant
from auth8021x.wire.dictionary import TerminationAction
from tests.auth8021x.directory.reports import VT1, VT2, directory, events, names, told

NOW = 1_800_000_000.0
STOP, INTERIM, RESTARTED = Kind.STOP, Kind.INTERIM, Kind.NAS_RESTARTED


def who(core: Directory, address: str, site: str = "north") -> bytes | None:
    session = core.find(site, address)
    return session.mac if session else None


def live(core: Directory, mac: bytes = VT1) -> Session:
    session = core.get("north", mac)
    assert session is not None
    return session


def test_from_start_to_stop():
    core = directory()
    assert core.report(told(addresses=("10.1.2.3",), port="GE0/0/1", vlan="42", role="video"), NOW)
    opened, *bound = events(core)
    assert isinstance(opened, Opened)
    assert [each.held.address for each in bound if isinstance(each, Bound)] == ["10.1.1.1", "10.1.2.3"]
    session = core.find("north", "10.1.2.3")
    assert session is not None
    assert (session.mac, session.port, session.vlan, session.role) == (VT1, "GE0/0/1", "42", "video")
    assert [(held.address, held.source) for held in session.addresses] == [("10.1.2.3", Source.ACCOUNTING)]
    core.report(told(STOP, cause="user-request"), NOW + 60)
    (ended,) = [each for each in events(core) if isinstance(each, Ended)]
    assert (ended.cause, ended.detail) == (EndCause.STOPPED, "user-request")
    assert [held.address for held in ended.session.addresses] == ["10.1.2.3"]
    assert who(core, "10.1.2.3") is None
    assert len(core) == 0


def test_sites_that_share_a_range_are_told_apart():
    core = directory()
    core.report(told(addresses=("10.1.2.3",)), NOW)
    core.report(told(mac=VT2, site="south", addresses=("10.1.2.3",)), NOW)
    assert (who(core, "10.1.2.3"), who(core, "10.1.2.3", "south")) == (VT1, VT2)
    core.report(told(STOP, site="south"), NOW)
    assert (who(core, "10.1.2.3"), who(core, "10.1.2.3", "south")) == (VT1, None)


@pytest.mark.parametrize("kind", [Kind.START, INTERIM])
def test_nothing_opens_a_session_again_that_has_stopped(kind: Kind):
    core = directory(closed_s=3600)
    core.report(told(), NOW)
    core.report(told(STOP), NOW + 1)
    events(core)
    assert core.report(told(kind), NOW + 2), "it is answered all the same"
    assert names(core) == []
    assert core.counters["after-its-end"] == 1
    core.report(told(kind, session_id="s2"), NOW + 3)
    assert names(core)[0] == "Opened"


def test_a_stop_comes_before_its_start():
    core = directory()
    core.report(told(STOP), NOW)
    core.report(told(), NOW + 1)
    assert len(core) == 0


def test_a_stop_of_an_earlier_session_leaves_the_newer_one():
    core = directory()
    core.report(told(addresses=("10.1.2.3",)), NOW)
    core.report(told(session_id="s2"), NOW + 10)
    core.report(told(STOP), NOW + 11)
    core.report(told(INTERIM), NOW + 12)
    assert live(core).session_id == "s2"
    assert who(core, "10.1.2.3") == VT1, "the same device at the same port keeps its address"


@pytest.mark.parametrize(
    "elsewhere", [{"identity": "vt9"}, {"port": "GE0/0/9"}, {"vlan": "43"}, {"nas": "sw/10.0.0.2"}]
)
def test_a_device_that_begins_anew_elsewhere_or_as_somebody_else_keeps_no_address(elsewhere: dict[str, str]):
    core = directory()
    core.report(told(addresses=("10.1.2.3",)), NOW)
    core.report(told(session_id="s2", **elsewhere), NOW + 10)
    assert who(core, "10.1.2.3") is None


def test_an_update_alone_opens_a_session():
    core = directory()
    core.report(told(INTERIM, addresses=("10.1.2.3",)), NOW)
    assert who(core, "10.1.2.3") == VT1


def test_a_switch_that_did_not_see_the_device_leave_does_not_take_it_back():
    core = directory()
    core.report(told(), NOW)
    stale = told(INTERIM, session_id="old", nas="sw/10.0.0.2")
    core.report(stale, NOW + 300)
    assert live(core).session_id == "s1"
    assert core.counters["update-of-another"] == 1
    core.report(stale, NOW + 601)
    assert live(core).session_id == "old", "nothing was heard of the other for an interval"


def test_accounting_on_ends_the_sessions_of_that_switch_alone():
    core = directory()
    core.report(told(), NOW)
    core.report(told(mac=VT2, nas="sw/10.0.0.2"), NOW)
    core.report(Report(RESTARTED, "north", "sw/10.0.0.1"), NOW + 1)
    assert core.get("north", VT1) is None
    assert live(core, VT2).nas == "sw/10.0.0.2"
    core.report(Report(RESTARTED, "south", "sw/10.0.0.2"), NOW + 1)
    assert len(core) == 1
    core.report(told(), NOW + 2)
    assert live(core).session_id == "s1", "the switch counts from the beginning again"
    core.report(Report(RESTARTED, "north", "sw/10.0.0.1", age_s=60), NOW + 3)
    assert len(core) == 2, "one that was held up does not end what began after it"


def test_a_switch_that_counts_from_the_beginning_is_believed_after_accounting_on():
    core = directory()
    core.report(told(), NOW)
    core.report(told(STOP), NOW + 1)
    core.report(Report(RESTARTED, "north", "sw/10.0.0.2"), NOW + 2)
    core.report(told(), NOW + 3)
    assert len(core) == 0, "that was another switch"
    core.report(Report(RESTARTED, "north", "sw/10.0.0.1"), NOW + 4)
    core.report(told(), NOW + 5)
    assert live(core).session_id == "s1"


def test_what_is_over_is_forgotten_in_the_end():
    core = directory(closed_s=3600)
    core.report(told(STOP), NOW)
    core.handle_timeout(NOW + 3599)
    core.report(told(), NOW + 3599)
    assert len(core) == 0
    core.handle_timeout(NOW + 3600)
    core.report(told(), NOW + 3600)
    assert len(core) == 1


def test_an_update_that_was_held_up_takes_no_time_away():
    core = directory(grace_s=60)
    core.report(told(), NOW)
    core.report(told(INTERIM), NOW + 600)
    core.report(told(INTERIM, age_s=500), NOW + 601)
    assert (live(core).heard_at, live(core).expires_at) == (NOW + 600, NOW + 600 + 3 * 600 + 60)


def test_what_was_seen_stays_seen_though_accounting_says_it_as_well():
    core = directory(fresh_s=900)
    core.report(told(mac=VT2), NOW)
    core.sighted("north", VT2, "10.1.2.3", Source.ARP, NOW)
    for after_s, source, seen_at in ((1, Source.ARP, NOW), (900, Source.ACCOUNTING, NOW + 900)):
        core.report(told(INTERIM, mac=VT2, addresses=("10.1.2.3",)), NOW + after_s)
        (held,) = live(core, VT2).addresses
        assert (held.source, held.seen_at) == (source, seen_at)


def test_three_updates_and_the_grace_time_may_be_missed():
    core = directory(grace_s=60)
    core.report(told(addresses=("10.1.2.3",)), NOW)
    core.handle_timeout(NOW + 3 * 600 + 59)
    assert who(core, "10.1.2.3") == VT1
    core.report(told(INTERIM), NOW + 3 * 600 + 59)
    core.handle_timeout(NOW + 3 * 600 + 60)
    assert who(core, "10.1.2.3") == VT1
    events(core)
    core.handle_timeout(NOW + 2 * (3 * 600 + 60))
    (ended,) = events(core)
    assert isinstance(ended, Ended)
    assert ended.cause is EndCause.EXPIRED
    core.report(told(INTERIM), NOW + 5000)
    assert names(core)[0] == "Opened", "it was there all the time"


def test_thousands_end_one_part_after_the_other():
    core = directory()
    for number in range(450):
        core.report(told(mac=b"\2\0\0\0" + number.to_bytes(2, "big"), session_id=f"s{number}"), NOW)
    left = []
    while len(core):
        core.handle_timeout(NOW + 4000)
        left.append((len(core), core.next_timeout()))
    assert left == [(250, NOW + 4000), (50, NOW + 4000), (0, None)]


def test_what_was_held_up_for_too_long_is_no_news():
    core = directory(grace_s=60)
    core.report(told(age_s=3 * 600 + 60), NOW)
    assert len(core) == 0
    core.report(told(session_id="s2", age_s=100), NOW)
    assert live(core).expires_at == NOW - 100 + 3 * 600 + 60
    core.report(told(session_id="s1", age_s=200), NOW)
    assert live(core).session_id == "s2"


def test_when_a_session_ends_or_its_device_is_asked_again():
    core, port = directory(), OwnPort("north", "drumtower", "p1")
    grant = Grant("vt1", session_timeout_s=600, termination_action=TerminationAction.RADIUS_REQUEST)
    core.report(port.admitted(VT1, "own1", grant), NOW)
    assert (live(core).ends_at, live(core).is_renewable) == (NOW + 600, True)
    events(core)
    core.report(port.admitted(VT1, "own1", grant), NOW + 590)
    assert live(core).ends_at == NOW + 1190, "it has proved itself again"
    assert names(core) == ["Heard"]
    core.report(port.admitted(VT1, "own1", Grant("vt1", session_timeout_s=60)), NOW + 600)
    assert (live(core).ends_at, live(core).is_renewable, names(core)) == (NOW + 660, False, ["Changed"])
    core.report(port.admitted(VT1, "own1", Grant("vt1")), NOW + 610)
    assert (live(core).ends_at, live(core).is_renewable) == (None, False)


def test_when_a_switch_says_that_a_session_ends():
    core = directory()
    core.report(told(age_s=10, lasts_s=600.0), NOW)
    assert live(core).ends_at == NOW + 590
    core.report(told(Kind.INTERIM), NOW + 100)
    assert live(core).ends_at == NOW + 590, "an update says nothing of it"


def test_our_own_port_needs_no_updates():
    core = directory()
    port = OwnPort("north", "drumtower", "p1")
    core.report(port.admitted(VT1, "own1", Grant("vt1", By.EAP, "42", "video")), NOW)
    core.handle_timeout(NOW + 10**6)
    session = live(core)
    assert (session.identity, session.port, session.vlan, session.role, session.entry) == (
        "vt1", "p1", "42", "video", Entry.EAP,
    )  # fmt: skip
    events(core)
    core.report(port.admitted(VT1, "own1", Grant("vt1", By.BYPASS)), NOW + 1)
    assert [type(each) for each in events(core)] == [Changed]
    assert (live(core).role, live(core).entry) == ("", Entry.BYPASS), "a role that is not granted any more is gone"
    core.report(port.expelled(VT1, "own1", "LOST_CARRIER"), NOW + 2)
    (ended,) = events(core)
    assert isinstance(ended, Ended)
    assert (ended.cause, ended.detail) == (EndCause.STOPPED, "LOST_CARRIER")


@pytest.mark.parametrize(
    ("first", "then", "after_s", "owner"),
    [
        (Source.ACCOUNTING, Source.ACCOUNTING, 1, VT2),
        (Source.ARP, Source.ARP, 1, VT2),
        (Source.DHCP, Source.ARP, 1, VT2),
        (Source.ACCOUNTING, Source.ARP, 1, VT2),
        (Source.STATIC, Source.ACCOUNTING, 1, VT2),
        (Source.ARP, Source.ACCOUNTING, 1, VT1),
        (Source.ACCOUNTING, Source.STATIC, 1, VT1),
        (Source.ARP, Source.ACCOUNTING, 900, VT2),
    ],
)
def test_one_address_two_devices(first: Source, then: Source, after_s: float, owner: bytes):
    core = directory(fresh_s=900)
    core.report(told(), NOW)
    core.report(told(mac=VT2, session_id="s2"), NOW)
    core.sighted("north", VT1, "10.1.2.3", first, NOW)
    events(core)
    core.sighted("north", VT2, "10.1.2.3", then, NOW + after_s)
    assert who(core, "10.1.2.3") == owner
    revoked = [each for each in events(core) if isinstance(each, Revoked)]
    assert [(each.session.mac, each.cause, each.by) for each in revoked] == (
        [(VT1, LossCause.TAKEN, VT2)] if owner == VT2 else []
    )


@pytest.mark.parametrize(
    ("first", "then", "left"),
    [
        (Source.STATIC, Source.ACCOUNTING, {"10.1.2.4"}),
        (Source.ACCOUNTING, Source.ARP, {"10.1.2.4"}),
        (Source.DHCP, Source.DHCP, {"10.1.2.4"}),
        (Source.ARP, Source.ARP, {"10.1.2.3", "10.1.2.4"}),
        (Source.ARP, Source.ACCOUNTING, {"10.1.2.3"}),
    ],
)
def test_one_device_two_addresses(first: Source, then: Source, left: set[str]):
    core = directory()
    core.report(told(mac=VT2), NOW)
    core.sighted("north", VT2, "2001:db8::7", Source.STATIC, NOW)
    core.sighted("north", VT2, "10.1.2.3", first, NOW)
    core.sighted("north", VT2, "10.1.2.4", then, NOW + 1)
    assert {held.address for held in live(core, VT2).addresses} == left | {"2001:db8::7"}


def test_accounting_names_another_address():
    core = directory()
    core.report(told(addresses=("10.1.2.3", "2001:db8::7")), NOW)
    core.report(told(INTERIM, addresses=()), NOW + 1)
    assert who(core, "10.1.2.3") == VT1
    core.report(told(INTERIM, addresses=("10.1.2.4",)), NOW + 2)
    assert [who(core, each) for each in ("10.1.2.3", "10.1.2.4", "2001:db8::7")] == [None, VT1, VT1]


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "192.168.1.1", "", "ward", "10.1.2"]
)
def test_addresses_of_nobody_and_of_elsewhere_are_ignored(address: str):
    core = directory()
    core.report(told(mac=VT2, addresses=(address,)), NOW)
    assert live(core, VT2).addresses == ()


@pytest.mark.parametrize("address", ["::ffff:10.1.2.3", "10.1.2.3"])
def test_an_address_is_found_however_a_socket_writes_it(address: str):
    core = directory()
    core.report(told(addresses=("10.1.2.3",)), NOW)
    assert who(core, address) == VT1


@pytest.mark.parametrize(
    ("report", "counter"),
    [
        (told(mac=b""), "no-mac"),
        (told(mac=b"\x01\x00\x5e\x00\x00\x01"), "no-mac"),
        (told(session_id=""), "no-session-id"),
        (told(STOP, session_id=""), "no-session-id"),
        (told(site="east"), "unknown-site"),
    ],
)
def test_reports_of_no_use_are_counted(report: Report, counter: str):
    core = directory()
    assert core.report(report, NOW)
    assert (len(core), core.counters[counter]) == (0, 1)


def test_tables_are_bounded():
    core = directory(max_sessions=3, max_sessions_per_nas=2, max_closed=5, max_addresses=2)
    taken = [core.report(told(mac=bytes((2, 0, 0, 0, 0, n)), session_id=f"s{n}"), NOW) for n in range(4)]
    assert taken == [True, True, False, False]
    others = [
        core.report(told(mac=bytes((2, 0, 0, 0, 1, n)), session_id=f"s{n}", nas="sw/10.0.0.2"), NOW) for n in range(2)
    ]
    assert others == [True, False]
    for number in range(9):
        core.report(told(STOP, session_id=f"gone{number}"), NOW)
        core.sighted("north", bytes((2, 0, 0, 0, 0, 0)), f"10.1.2.{number + 1}", Source.ARP, NOW + number)
    assert core.gauges() == {"sessions": 3, "addresses": 2, "closed": 5}


def test_an_administrator_ends_a_session_for_good():
    core = directory()
    core.report(told(), NOW)
    assert core.end("north", VT1, NOW)
    assert not core.end("north", VT1, NOW)
    core.report(told(INTERIM), NOW)
    assert len(core) == 0


def test_a_restart_keeps_what_switches_have_told():
    core = directory(grace_s=60)
    core.report(told(addresses=("10.1.2.3",)), NOW)
    core.report(told(mac=VT2, session_id="s2", addresses=("10.1.2.4",), interim_s=60), NOW)
    own = OwnPort("north", "drumtower", "p1")
    third = bytes.fromhex("02005e005303")
    core.report(own.admitted(third, "own1", Grant("vt3")), NOW)
    core.sighted("north", third, "10.1.2.5", Source.ARP, NOW)
    kept = [Session.parse(session.serialize()) for session in core.sessions()]
    assert kept == core.sessions()

    again = directory(grace_s=60)
    again.restore(kept, NOW + 300)
    assert [who(again, f"10.1.2.{n}") for n in (3, 4, 5)] == [VT1, None, None]
    ended = {each.session.mac: each.cause for each in events(again) if isinstance(each, Ended)}
    assert ended == {VT2: EndCause.EXPIRED, third: EndCause.RESTARTED}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"site": 1}', '{"site":"north","mac":"zz"}'])
def test_a_kept_session_that_cannot_be_read(text: str):
    with pytest.raises(MalformedPacketError):
        Session.parse(text)


MACS = st.sampled_from([bytes((2, 0, 0, 0, 0, n)) for n in range(4)])
ADDRESSES = st.sampled_from([f"10.1.2.{n}" for n in range(4)] + ["2001:db8::1", "0.0.0.0"])
PLACES = st.sampled_from(["north", "south"])
STEPS = st.one_of(
    st.builds(
        Report, st.sampled_from(Kind), PLACES, st.sampled_from(["a", "b"]), st.sampled_from(["s1", "s2", "s3"]), MACS,
        st.sampled_from(["vt1", "vt2"]), addresses=st.lists(ADDRESSES, max_size=2).map(tuple),
        interim_s=st.sampled_from([60.0, 600.0]), age_s=st.sampled_from([0.0, 30.0]), is_own=st.booleans(),
    ),
    st.tuples(PLACES, MACS, ADDRESSES, st.sampled_from(Source)),
    st.floats(0, 2000),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_one_address_has_one_live_device_whatever_is_told(steps: list[object]):
    core, now = directory(max_addresses=2, max_sessions=6, max_sessions_per_nas=3, max_closed=4), NOW
    bound: dict[tuple[str, str], bytes] = {}
    for step in steps:
        if isinstance(step, Report):
            core.report(step, now)
        elif isinstance(step, tuple):
            core.sighted(*step, now)
        else:
            assert isinstance(step, float)
            now += step
            core.handle_timeout(now)
        _follow(core, bound)
        holders: dict[tuple[str, str], bytes] = {}
        for session in core.sessions():
            assert len(session.addresses) <= 2
            for held in session.addresses:
                assert (session.site, held.address) not in holders
                holders[session.site, held.address] = session.mac
                assert core.find(session.site, held.address) == session
        assert holders == bound, "events tell the same"
        assert core.gauges()["addresses"] == len(holders)
        assert len({(session.site, session.nas, session.session_id) for session in core.sessions()}) == len(core) <= 6


def _follow(core: Directory, bound: dict[tuple[str, str], bytes]) -> None:
    """What somebody knows who hears nothing but the events."""
    while (event := core.next_event()) is not None:
        match event:
            case Opened(session):
                bound.update({(session.site, held.address): session.mac for held in session.addresses})
            case Bound(session, held):
                bound[session.site, held.address] = session.mac
            case Revoked(session, held):
                if bound.get((session.site, held.address)) == session.mac:
                    del bound[session.site, held.address]
            case Ended(session):
                for held in session.addresses:
                    del bound[session.site, held.address]


def test_how_a_switch_names_a_session_is_kept_as_it_was_said():
    core = directory()
    core.report(told(naming=Naming("10.0.0.9", "10.0.0.1", station="0200-5e00-5301", port=0)), NOW)
    events(core)
    core.report(told(INTERIM, naming=Naming("10.0.0.9", port_id="GE0/0/1")), NOW + 1)
    assert live(core).naming == Naming("10.0.0.9", "10.0.0.1", station="0200-5e00-5301", port=0, port_id="GE0/0/1")
    assert names(core) == ["Heard"], "for people nothing is new"


def test_what_a_switch_was_told_to_change_is_changed():
    core = directory()
    core.report(told(vlan="42", role="video"), NOW)
    events(core)
    session = live(core)
    core.amend(session, "", "43")
    (changed,) = events(core)
    assert isinstance(changed, Changed)
    assert (changed.before, changed.session) == (session, live(core))
    assert (live(core).vlan, live(core).role) == ("43", "video")
    core.amend(live(core), "", "43")
    core.report(told(session_id="s2"), NOW + 1)
    events(core)
    core.amend(session, "ward", "44")
    assert (names(core), live(core).vlan) == ([], ""), "that session is over"


def test_why_an_administrator_ended_it_is_said():
    core = directory()
    core.report(told(), NOW)
    assert core.end("north", VT1, NOW, "disabled or removed")
    (ended,) = [each for each in events(core) if isinstance(each, Ended)]
    assert (ended.cause, ended.detail) == (EndCause.ORDERED, "disabled or removed")


@pytest.mark.parametrize(
    ("ends", "kind", "told_at", "expected"),
    [
        ("stop", Kind.START, 61, True),
        ("stop", Kind.START, 60, False),
        ("stop", Kind.START, None, False),
        ("stop", INTERIM, 61, True),
        ("stop", INTERIM, 60, False),
        ("order", Kind.START, 11, True),
        ("order", Kind.START, 10, False),
        ("order", INTERIM, 11, False),
        ("both", INTERIM, 61, True),
        ("both", Kind.START, 60, False),
    ],
)
def test_a_switch_that_uses_an_identifier_again_says_when(ends: str, kind: Kind, told_at: int | None, expected: bool):
    """Start at 10, Stop at 60 by the switch's clock; an order has none of its times."""
    core = directory()
    core.report(told(told_at=10), NOW)
    if ends != "stop":
        core.end("north", VT1, NOW + 40)
    if ends != "order":
        core.report(told(STOP, told_at=60), NOW + 50)
    events(core)
    core.report(told(kind, told_at=told_at), NOW + 51)
    assert (len(core), "Opened" in names(core)) == (expected, expected)
    if expected:
        core.report(told(INTERIM, told_at=told_at), NOW + 100)
        assert names(core) == ["Heard"]
        core.report(told(STOP, told_at=200), NOW + 150)
        core.report(told(kind, told_at=told_at), NOW + 151)
        assert len(core) == 0, "that one is over, too"


def test_what_is_told_late_makes_no_session_younger():
    core = directory()
    core.report(told(told_at=10), NOW)
    core.report(told(INTERIM, told_at=70), NOW + 60)
    core.report(told(INTERIM, told_at=40), NOW + 61)
    assert live(core).told_at == 70
    core.report(told(INTERIM), NOW + 62)
    assert live(core).told_at == 70
    assert {*names(core)} <= {"Opened", "Bound", "Heard"}
