"""Addresses of terminals reach the directory when they are in, also those seen before; nobody loses one by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from auth8021x.directory.session import Source
from auth8021x.pae.grant import By, Grant
from auth8021x.snooping.last_seen import MAX_SIGHTINGS, LastSeen
from auth8021x.snooping.sighting import Sighting
from auth8021x.wire.dictionary import TerminateCause

ONE, TWO = (bytes.fromhex(f"020000aa000{number}") for number in (1, 2))
VT1 = Grant("vt1")


class Port:
    def __init__(self) -> None:
        self.told: list[tuple[bytes, str]] = []
        self.taken: set[str] = set()
        self.seen = LastSeen(self._tell, lambda _mac, address: address not in self.taken)

    def sight(self, mac: bytes, address: str, source: Source = Source.ARP) -> None:
        self.seen.seen(Sighting(mac, address, source))

    def admit(self, mac: bytes = ONE, session: str = "s1", grant: Grant = VT1) -> None:
        self.seen.admit("p1", mac, grant, session)

    def expel(self, mac: bytes = ONE, session: str = "s1") -> None:
        self.seen.expel("p1", mac, session, TerminateCause.ADMIN_RESET)

    def news(self) -> list[tuple[bytes, str]]:
        told, self.told = self.told, []
        return told

    def _tell(self, mac: bytes, address: str, _source: Source) -> None:
        self.told.append((mac, address))


@pytest.fixture
def port() -> Iterator[Port]:
    return Port()


def test_what_was_seen_before_is_told_when_it_is_in(port: Port):
    port.sight(ONE, "10.0.0.1")
    assert port.news() == [], "the directory knows no stranger"
    port.admit()
    assert port.news() == [(ONE, "10.0.0.1")]
    port.sight(ONE, "10.0.0.2", Source.DHCP)
    assert port.news() == [(ONE, "10.0.0.2")]


def test_it_is_told_again_with_each_new_session_and_not_when_one_is_renewed(port: Port):
    port.admit()
    port.sight(ONE, "10.0.0.1")
    port.news()
    port.admit(grant=Grant("vt1", vlan="42"))
    assert port.news() == []
    port.expel()
    port.sight(ONE, "10.0.0.2")
    assert port.news() == []
    port.admit(session="s2")
    assert port.news() == [(ONE, "10.0.0.1"), (ONE, "10.0.0.2")]
    port.admit(session="s3", grant=Grant("vt2", By.EAP))
    assert len(port.news()) == 2, "another session without an end between, as after a bypass"


def test_what_is_old_takes_an_address_from_nobody(port: Port):
    port.sight(ONE, "10.0.0.1")
    port.sight(ONE, "10.0.0.2")
    port.sight(TWO, "10.0.0.2")
    port.taken.add("10.0.0.1")
    port.admit()
    assert port.news() == []
    port.admit(TWO, "s2")
    assert port.news() == [(TWO, "10.0.0.2")]


def test_with_the_line_all_is_forgotten(port: Port):
    port.sight(ONE, "10.0.0.1")
    port.seen.line_lost()
    port.admit()
    assert port.news() == []


def test_invented_addresses_are_bounded(port: Port):
    for number in range(MAX_SIGHTINGS + 1):
        port.sight(ONE, f"10.0.{number // 250}.{number % 250 + 1}")
    port.admit()
    told = port.news()
    assert len(told) == MAX_SIGHTINGS
    assert (ONE, "10.0.0.1") not in told
