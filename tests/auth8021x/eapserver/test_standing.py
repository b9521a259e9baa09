"""Sessions of users and devices that are known no more, or belong elsewhere now."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from auth8021x.directory.session import Entry, Session
from auth8021x.eapserver.account import Account
from auth8021x.eapserver.standing import Standing
from auth8021x.wire import attribute, tunnel
from auth8021x.wire.dictionary import Type
from config.dot1x import Dot1xSettings
from crypto.nt_hash import NtHash
from tests.auth8021x.accounting.packets import address, cisco
from tests.auth8021x.eapserver.world import PaperBook
from tests.auth8021x.switches.sessions import session

MAC = bytes.fromhex("2cfda1405663")
GROUPS = [
    {"name": "video", "vlan": "42", "filter_id": "telemed"},
    {"name": "ward", "vlan": "43", "filter_id": "ward"},
    {"name": "plain", "vlan": "44"},
    {"name": "theatre", "vlan": "45", "filter_id": "theatre", "clients": ["theatre"]},
]
CLIENTS = [
    {"name": "ward", "networks": ["10.0.0.0/24"], "vlans": {"ward": "143"}},
    {"name": "theatre", "networks": ["10.0.1.0/24"]},
    {"name": "loopback", "networks": ["127.0.0.1"]},
]


def standing(**more: object) -> Standing:
    return Standing(msgspec.convert({"eap_server": {"groups": GROUPS, "clients": CLIENTS}, **more}, Dot1xSettings))


def book(*groups: str, **more: object) -> PaperBook:
    return PaperBook(*(Account("vt1", group, **more) for group in groups))  # type: ignore[arg-type]


def reasons(before: PaperBook, after: PaperBook, found: Session | None = None, **settings: object) -> list[str]:
    judged = standing(**settings).judge(before, after, [found or session()])
    return [f"{each.reason}{', out' if each.is_out else ''}{', change' if each.change else ''}" for each in judged]


def test_who_is_known_no_more_is_out():
    assert reasons(book("video"), book()) == ["disabled or removed, out"]
    named = [each if each.type != Type.USER_NAME else attribute.text(Type.USER_NAME, "WARD\\VT1") for each in cisco()]
    assert reasons(book("video"), book(), session(*named)) == ["disabled or removed, out"]


def test_whoever_we_never_knew_is_somebody_elses():
    assert reasons(book(), book()) == []
    assert reasons(book(), book("video")) == [], "it came in before that"
    elsewhere = [each if each.type != Type.NAS_IP_ADDRESS else address(each.type, "10.7.0.1") for each in cisco()]  # type: ignore[arg-type]
    assert reasons(book("video"), book(), session(*elsewhere, source="10.7.0.2")) == [], "its switch asks others"
    assert reasons(book("video"), book(), session(*elsewhere, source="10.0.0.2")) == ["disabled or removed, out"]


def test_a_new_password_ends_nothing():
    assert reasons(book("video"), book("video", nt_hash=NtHash.of("vtpass-2"))) == []


def test_another_group_has_another_network():
    (found,) = standing().judge(book("video"), book("ward"), [session()])
    assert (tunnel.vlan(found.change), attribute.first_text(found.change, Type.FILTER_ID)) == ("143", "ward")
    assert not found.is_out


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("plain", "another group"),
        ("", "another group"),
        ("theatre", "another group: not-here, out"),
        ("unknown", "another group: unknown-group, out"),
    ],
)
def test_what_no_order_can_say_is_a_new_login(group: str, expected: str):
    assert reasons(book("video"), book(group)) == [expected]


def test_devices_that_came_in_by_their_address():
    marked, unmarked = Account("codec", "video", may_bypass=True), Account("codec", "video")
    found = replace(session(), identity=MAC.hex(), entry=Entry.BYPASS)
    before = PaperBook(marked, devices={MAC: marked})
    assert reasons(before, before, found) == []
    assert reasons(before, PaperBook(unmarked, devices={MAC: unmarked}), found) == ["disabled or removed, out"]
    assert reasons(before, PaperBook(), found) == ["disabled or removed, out"]
    assert reasons(before, PaperBook(), replace(found, entry=Entry.EAP)) == [], "that name is not the device's"


@pytest.mark.parametrize(
    ("servers", "expected"), [((), 0), (("127.0.0.1",), 1), (("192.0.2.1",), 0), (("127.0.0.1", "192.0.2.1"), 0)]
)
def test_our_own_ports_ask_us_or_others(servers: tuple[str, ...], expected: int):
    entries = [{"name": f"r{number}", "address": each} for number, each in enumerate(servers)]
    own = replace(session(), is_own=True)
    assert len(reasons(book("video"), book(), own, servers=entries)) == expected
