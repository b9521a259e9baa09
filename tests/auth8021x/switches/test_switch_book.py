"""Where an order goes."""

from __future__ import annotations

from dataclasses import replace

from auth8021x.directory.session import Session
from auth8021x.switches.switch_book import SwitchBook
from auth8021x.wire.dictionary import Type
from tests.auth8021x.accounting.packets import cisco
from tests.auth8021x.switches.sessions import session, switch


def where(book: SwitchBook, found: Session) -> tuple[str, str] | None:
    switch = book.find(found)
    return (switch.settings.name, switch.address) if switch is not None else None


def test_to_the_switch_and_not_to_who_passes_its_accounting_on():
    book = SwitchBook([switch(), switch(name="core", networks=["10.0.0.9"])])
    assert where(book, session(source="10.0.0.9")) == ("ward", "10.0.0.2")
    unnamed = [each for each in cisco() if each.type != Type.NAS_IP_ADDRESS]
    assert where(book, session(*unnamed, source="10.0.0.9")) == ("core", "10.0.0.9")


def test_to_where_it_sends_from_when_it_calls_itself_by_an_address_that_nobody_knows():
    book = SwitchBook([switch(networks=["10.0.0.9", "2001:db8::/64"])])
    assert where(book, session(source="10.0.0.9")) == ("ward", "10.0.0.9")
    assert where(book, session(source="2001:db8::9")) == ("ward", "2001:db8::9")
    assert where(book, session(source="10.0.0.8")) is None


def test_sites_with_the_same_range_have_each_their_own():
    book = SwitchBook([switch(), switch(name="south", site="south")])
    assert where(book, session()) == ("ward", "10.0.0.2")
    assert where(book, session(site="south")) == ("south", "10.0.0.2")


def test_our_own_ports_are_no_switch():
    assert SwitchBook([switch()]).find(replace(session(), is_own=True)) is None
