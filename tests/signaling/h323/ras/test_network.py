"""RRQ and the network: full, keep-alive, signed and not."""

from __future__ import annotations

import pytest

from signaling.h323.ras.events import Leaving, Unregistered
from signaling.network_access import Approach, Proof
from tests.signaling.h323.ras.terminal import OURS, Book, Site, Terminal
from tests.signaling.network_access import FakeAccess

HOST = "192.0.2.10"


def site_on(access: FakeAccess, **changes: object) -> Site:
    site = Site(Book(or1="quiet-lantern-7"), **changes)
    site.gatekeeper.zone._access = access
    return site


@pytest.mark.parametrize(
    ("password", "proof", "aliases"),
    [("", Proof.NONE, ("nurse",)), ("quiet-lantern-7", Proof.H235, ("or1",))],
)
def test_who_is_known_registers(password: str, proof: Proof, aliases: tuple[str, ...]) -> None:
    access = FakeAccess(HOST)
    terminal = Terminal(site_on(access, authentication="known"), aliases[0], HOST, password=password)
    octets = terminal.octets("registrationRequest", terminal.body(**terminal.registration()))
    name, _ = terminal.send(octets, local=OURS)
    assert name == "registrationConfirm"
    assert access.asked == [Approach(HOST, "h323", aliases, OURS, proof, "register")]


def test_who_is_not_known_is_denied() -> None:
    site = site_on(FakeAccess())
    name, body = Terminal(site, "nurse", HOST).register()
    assert (name, body["rejectReason"][0]) == ("registrationReject", "securityDenial")
    assert (site.events(), site.gatekeeper.counters["not-on-network"]) == ([], 1)


def test_a_keep_alive_of_a_session_that_is_over_ends_the_registration() -> None:
    access = FakeAccess(HOST)
    site = site_on(access)
    terminal = Terminal(site, "nurse", HOST)
    terminal.register()
    assert terminal.keep_alive()[0] == "registrationConfirm"
    access.known.clear()
    site.now += 1
    site.events()
    name, body = terminal.keep_alive()
    assert (name, body["rejectReason"][0]) == ("registrationReject", "securityDenial")
    (event,) = site.events()
    assert isinstance(event, Unregistered)
    assert event.why is Leaving.REVOKED
    assert terminal.keep_alive()[1]["rejectReason"][0] == "fullRegistrationRequired"


def test_without_a_network_nobody_is_asked() -> None:
    assert Terminal(Site(), "nurse", HOST).register()[0] == "registrationConfirm"
