"""Who calls: proven by secret or by the registered connection, never by what a From says."""

from __future__ import annotations

from signaling.sip.authentication.authenticator import Outcome
from signaling.sip.registry.identity import Challenge, Identity
from signaling.sip.wire.message import Headers, Response
from tests.signaling.sip.registry.registering import Site, Terminal, header, tcp, udp

WARD = Identity("ward", "Room of ward")


def proven(terminal: Terminal, *, sender: str = "") -> Identity | Challenge | None:
    """Call, and again with credentials where they are asked for."""
    found = terminal.identify(sender=sender)
    if not isinstance(found, Challenge) or found.status != 401:
        return found
    request = terminal.request(method="INVITE", sender=sender)
    credentials = terminal.authorize(Response(401, "", Headers(found.headers)), request)
    assert credentials is not None
    request.headers.add(*credentials)
    return terminal.site.identities.identify(request, terminal.flow, terminal.site.now)


def test_strangers_stay_guests() -> None:
    site = Site()
    terminal = Terminal(site)
    for sender in ("sip:somebody@hospital.example", "sip:ward@elsewhere.example", "sip:hospital.example", "tel:123"):
        assert terminal.identify(sender=sender) is None
    assert site.failures == []


def test_a_terminal_proves_itself_with_its_secret() -> None:
    site = Site()
    for sender in ("", "sip:ward@HOSPITAL.example:5080", "sip:ward@10.0.0.1"):
        assert proven(Terminal(site), sender=sender) == WARD


def test_a_wrong_secret_is_refused_and_counted() -> None:
    site = Site()
    found = proven(Terminal(site, secret="wrong"))
    assert isinstance(found, Challenge)
    assert (found.status, len(header(found, "WWW-Authenticate"))) == (401, 2)
    assert [(failure.username, failure.method) for failure in site.failures] == [("ward", "INVITE")]
    for _ in range(10):
        found = proven(Terminal(site, secret="wrong"))
    assert isinstance(found, Challenge)
    assert found.status == 503


def test_one_terminal_is_not_another() -> None:
    site = Site()
    found = proven(Terminal(site, "theatre"), sender="sip:ward@hospital.example")
    assert isinstance(found, Challenge)
    assert found.status == 403
    assert site.failures[0].outcome is Outcome.RIGHT


def test_the_source_of_a_datagram_is_no_proof() -> None:
    """Anybody can write it, and would be the terminal without seeing a single answer."""
    site = Site()
    Terminal(site).register("<sip:ward@10.0.0.7:5070>")
    for flow in (udp(), udp(port=5071), udp("10.0.0.8"), tcp(0, port=5070)):
        assert isinstance(Terminal(site, flow=flow).identify(), Challenge)
    assert proven(Terminal(site)) == WARD


def test_a_connection_is_proof_enough_but_not_its_address_after_a_restart() -> None:
    site = Site()
    Terminal(site, flow=tcp(3)).register("<sip:ward@10.0.0.7;transport=tcp>")
    assert Terminal(site, flow=tcp(3)).identify() == WARD
    assert isinstance(Terminal(site, flow=tcp(4)).identify(), Challenge)
    site.now += 600
    assert isinstance(Terminal(site, flow=tcp(3)).identify(), Challenge)
    site.now -= 600
    again = Site()
    again.registrations.load([site.registrations.contacts("ward")[0]])
    kept = again.registrations.contacts("ward")[0]
    assert kept.flow.connection == 3  # not parsed, so still there
    assert isinstance(Terminal(again, flow=tcp(0)).identify(), Challenge)


def test_who_shares_a_proxy_shares_no_identity() -> None:
    site = Site()
    proxy = tcp(5, "10.0.0.2", 5060)
    via = (("Via", "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK2"),)
    assert Terminal(site, flow=proxy).register("<sip:ward@10.0.0.7>", headers=via).status == 200
    assert isinstance(Terminal(site, flow=proxy).identify(), Challenge)
    site = Site()
    Terminal(site, flow=proxy).register("<sip:ward@10.0.0.2>")
    assert isinstance(Terminal(site, flow=proxy).identify(*via), Challenge)
