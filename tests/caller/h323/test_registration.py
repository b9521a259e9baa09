"""Our terminal registers with our gatekeeper (H.225.0 7.9, H.460.18), both without I/O."""

from __future__ import annotations

import pytest

from caller.h323.registration import RETRY_S, TRIES, CallBack, Refused, Registered, Registration, Self
from crypto.h235.password_key import PasswordKey
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.ras.admission import Account
from signaling.h323.ras.alias import Alias, AliasKind
from tests.signaling.h323.ras.terminal import OURS, T0, Book, Site

INSIDE, OUTSIDE = ("192.168.77.2", 30_000), ("198.51.100.7", 40_123)
CALL = bytes(range(16))


class Line:
    """Between the two; the NAT in the middle shows OUTSIDE."""

    def __init__(self, site: Site, *, password: str = "", is_hidden: bool = True, name: str = "cart") -> None:
        account = Account(name, PasswordKey.of(password)) if password else None
        own = Self(
            (Alias(AliasKind.H323_ID, name),), (INSIDE[0], 1720), INSIDE, LocalEndpoint(is_mcu=False).endpoint_type(),
            is_hidden, account,
        )  # fmt: skip
        self.site = site
        self.terminal = Registration(own)
        self.source = OUTSIDE
        self.is_cut = False
        self.sent = 0

    def carry(self, messages) -> None:
        """To the gatekeeper, and what comes of it."""
        for octets in messages:
            self.sent += 1
            if not self.is_cut:
                self.bring(self.site.gatekeeper.receive(octets, self.source, self.site.now))

    def bring(self, datagrams) -> None:
        """From the gatekeeper."""
        for datagram in datagrams:
            assert datagram.remote == self.source
            self.carry(self.terminal.receive(datagram.octets, self.site.now))

    def wait(self, seconds: float) -> None:
        """In steps of a second."""
        for _ in range(int(seconds)):
            self.site.now += 1
            self.carry(self.terminal.on_timeout(self.site.now))
            self.bring(self.site.gatekeeper.on_timeout(self.site.now))

    def events(self):
        found = []
        while (event := self.terminal.next_event()) is not None:
            found.append(event)
        return found

    def registered(self) -> Line:
        self.carry(self.terminal.start(self.site.now))
        return self

    @property
    def known(self):
        return self.site.gatekeeper.zone.registrations.all()


@pytest.mark.parametrize("password", ["", "theatre"])
def test_it_registers_and_stays_so(password):
    book = Book(cart=password) if password else Book()
    line = Line(Site(book, authentication="required" if password else "off"), password=password).registered()
    assert line.events() == [Registered(20)]
    (found,) = line.known
    assert (found.ras, found.is_traversing, found.account) == (OUTSIDE, True, "cart" if password else "")
    line.wait(60)
    assert [each.identifier for each in line.known] == [found.identifier]
    assert 4 <= line.sent <= 6, "a keep-alive each 12 s"
    assert line.events() == []
    line.carry(line.terminal.stop(line.site.now))
    assert line.known == []
    assert line.terminal.next_timeout() is None


def test_without_a_firewall_it_says_nothing_of_one():
    line = Line(Site(), is_hidden=False).registered()
    assert not line.known[0].is_traversing
    assert line.events() == [Registered(300)]


@pytest.mark.parametrize("password", ["", "theatre"])
def test_a_call_is_told_of_once(password):
    site = Site(Book(cart=password) if password else Book(), authentication="known")
    line = Line(site, password=password).registered()
    line.events()
    sent = site.gatekeeper.requests.call_back(line.known[0].identifier, CALL, site.now)
    line.bring(sent)
    line.bring(sent)
    assert line.events() == [CallBack((OURS, 1720), CALL)]
    assert site.events()[-1].body["result"] == ("started", 0)


def test_who_does_not_know_the_password_is_not_heard():
    """Else anybody could have the terminal open connections."""
    site = Site(Book(cart="theatre"), authentication="required")
    line = Line(site, password="theatre").registered()
    stranger = Site(authentication="off")
    Line(stranger).registered()
    for datagram in stranger.gatekeeper.requests.call_back(stranger.gatekeeper.zone.registrations.all()[0].identifier,
                                                           CALL, T0):  # fmt: skip
        assert line.terminal.receive(datagram.octets, site.now) == []
    assert line.events() == [Registered(20)]
    assert line.terminal.dropped == 1


def test_a_wrong_password_is_refused():
    line = Line(Site(Book(cart="theatre"), authentication="required"), password="guess").registered()
    assert line.events() == [Refused("securityDenial")]
    assert line.terminal.next_timeout() is None


def test_nobody_answers():
    line = Line(Site())
    line.is_cut = True
    line.registered().wait(RETRY_S * (TRIES + 1))
    assert line.sent == TRIES
    assert line.events() == [Refused("no answer")]


def test_it_registers_anew_where_it_was_forgotten():
    site = Site()
    line = Line(site).registered()
    first = line.known[0].identifier
    site.gatekeeper.zone.registrations.remove(first)
    line.wait(13)
    assert [each.identifier for each in line.known] != [first]
    assert line.events() == [Registered(20), Registered(20)]


def test_it_registers_anew_when_the_gatekeeper_was_away():
    line = Line(Site()).registered()
    line.is_cut = True
    line.wait(22)
    line.is_cut = False
    line.wait(10)
    assert len(line.known) == 1


def test_it_registers_anew_when_it_is_told_to():
    site = Site()
    line = Line(site).registered()
    line.bring(site.gatekeeper.requests.unregister(line.known[0].identifier, "reregistrationRequired", site.now))
    assert len(line.known) == 1
    assert line.events() == [Registered(20), Registered(20)]


def test_it_answers_whether_it_is_there():
    site = Site()
    line = Line(site).registered()
    site.events()
    line.bring(site.gatekeeper.requests.query(line.known[0].identifier, site.now))
    assert site.events()[-1].name == "infoRequestResponse"


def test_what_cannot_be_read_is_dropped():
    terminal = Line(Site()).terminal
    assert terminal.receive(b"", T0) == []
    assert terminal.receive(b"\xff" * 40, T0) == []
    assert terminal.dropped == 2
