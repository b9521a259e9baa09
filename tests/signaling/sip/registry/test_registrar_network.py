"""REGISTER and the network: asked after the digest, before anything changes; and what is forgotten with a session."""

from __future__ import annotations

from signaling.network_access import Approach, Proof
from signaling.sip.registry.registrar import Registrar
from tests.signaling.network_access import FakeAccess
from tests.signaling.sip.registry.registering import SERVER, Site, Terminal, udp

CONTACT = "<sip:ward@10.0.0.7:5070>"


def site_on(access: FakeAccess) -> Site:
    site = Site()
    site.registrar = Registrar(site.settings, site.authenticator, site.registrations, site.failures.append, access)
    return site


def test_who_is_known_registers() -> None:
    access = FakeAccess("10.0.0.7")
    site = site_on(access)
    assert Terminal(site).register(CONTACT, expires=300).status == 200
    assert access.asked == [Approach("10.0.0.7", "sip", ("ward",), SERVER[0], Proof.DIGEST, "register")]


def test_who_is_not_known_does_not_and_changes_nothing() -> None:
    access = FakeAccess("10.0.0.7")
    site = site_on(access)
    ward = Terminal(site)
    assert ward.register(CONTACT, expires=300).status == 200
    access.known.clear()
    reply = ward.register(CONTACT, expires=0)
    assert (reply.status, reply.reason) == (403, "Not authenticated on the network")
    assert len(site.registrations.contacts("ward")) == 1


def test_the_network_is_not_asked_about_those_who_do_not_prove_who_they_are() -> None:
    access = FakeAccess()
    site = site_on(access)
    assert Terminal(site, secret="wrong").register(CONTACT).status == 401
    assert access.asked == []


def test_what_came_from_an_address_is_revoked() -> None:
    site = Site()
    Terminal(site).register(CONTACT, expires=300)
    Terminal(site, "theatre", udp("10.0.0.8")).register("<sip:theatre@10.0.0.8:5070>", expires=300)
    site.events()
    asked: list[tuple[str, str]] = []

    def is_concerned(source: str, local: str) -> bool:
        asked.append((source, local))
        return source == "10.0.0.7"

    site.registrations.revoke(is_concerned)
    assert site.events() == ["revoked"]
    assert asked == [("10.0.0.7", SERVER[0]), ("10.0.0.8", SERVER[0])]
    assert site.registrations.aliases() == ["theatre"]
