"""Who gets no answer, and why: for people who set up a switch."""

from __future__ import annotations

from pathlib import Path

from auth8021x.eapserver import unheard
from auth8021x.eapserver.unheard import UnheardRequests
from auth8021x.wire import eap
from auth8021x.wire.eap import Eap, Method
from tests.auth8021x.eapserver.world import Switch, serving


def test_the_last_sources_and_how_often() -> None:
    known = UnheardRequests()
    for number in range(2 * unheard.MAX_SOURCES):
        known.note(f"192.0.2.{number}", "unknown-client", float(number))
    known.note("192.0.2.60", "malformed", 200.0)
    found = known.newest()
    assert len(found) == unheard.MAX_SOURCES
    assert (found[0].source, found[0].reason, found[0].count, found[0].at) == ("192.0.2.60", "malformed", 2, 200.0)
    known.heard("192.0.2.60")
    assert known.newest()[0].source == "192.0.2.99"


def test_a_switch_is_in_it_until_it_is_set_up(certificates: Path) -> None:
    server = serving(certificates)
    right, stranger = Switch(server), Switch(server, source=("198.51.100.7", 4000))
    hello = Eap(eap.Code.RESPONSE, 0, Method.IDENTITY, b"vt1")
    assert stranger.send(stranger.request(hello)) is None
    damaged = bytearray(right.request(hello))
    damaged[-1] ^= 1
    assert right.send(bytes(damaged)) is None
    assert [(each.source, each.reason) for each in server.unheard.newest()] == [
        ("192.0.2.1", "wrong-message-authenticator"), ("198.51.100.7", "unknown-client"),
    ]  # fmt: skip
    assert right.send(right.request(hello)) is not None
    assert [each.source for each in server.unheard.newest()] == ["198.51.100.7"]
