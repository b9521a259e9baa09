"""What a login came to, in words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from auth8021x.eapserver.tls_framing import TlsFraming
from auth8021x.pae.grant import Grant
from auth8021x.supplicant.md5 import Md5Response
from auth8021x.supplicant.peer import Peer
from auth8021x.supplicant.tls_method import NothingInside, TlsPeer
from auth8021x.supplicant.trial import Outcome
from auth8021x.wire import eap
from auth8021x.wire.dictionary import TerminationAction
from auth8021x.wire.eap import Eap, Method
from config.dot1x_enforcement import EnforcementSettings, NetworkSettings, PortSettings
from crypto.secret import Secret
from drumtower.trial_report import refusal, success

OURS = EnforcementSettings(ports=(PortSettings("enp3s0", "br0"),), networks=(NetworkSettings("42", "br42"),))
NONE = EnforcementSettings()


def peer(*asked: int) -> Peer:
    made = Peer("vt1", Md5Response(Secret("vtpass1")))
    for kind in asked:
        made.respond(Eap(eap.Code.REQUEST, 1, kind, b"\x01x"))
    return made


def told(grant: Grant, enforcement: EnforcementSettings = NONE, **more: object) -> str:
    outcome = Outcome("main", grant, rounds=3, took_s=0.0341, **more)  # type: ignore[arg-type]
    return "\n".join(success("vt1", "md5", outcome, grant, peer(4), enforcement))


def test_who_would_be_let_in_where_and_for_how_long():
    grant = Grant("vt1", vlan="42", filter_id="ward\x1b", session_timeout_s=3600)
    said = told(grant, OURS)
    assert "vt1: let in by main (EAP-MD5, 3 requests, 0.034 s)" in said
    for line in ("VLAN     42", "role     ward?", "for      3600 s, then it is put out"):
        assert line in said
    assert "none of" not in said
    assert "\n  as" not in said


@pytest.mark.parametrize(
    ("grant", "enforcement", "line"),
    [
        (Grant("vt1"), OURS, "VLAN     that of the port"),
        (Grant("vt1"), OURS, "for      as long as it likes"),
        (Grant("ward/vt1"), OURS, "as       ward/vt1"),
        (Grant("vt1", vlan="43"), OURS, "our own ports would let nobody in with it"),
        (
            Grant("vt1", session_timeout_s=60, termination_action=TerminationAction.RADIUS_REQUEST), NONE,
            "60 s, then it is asked again",
        ),
    ],
)  # fmt: skip
def test_what_else_there_is_to_know(grant: Grant, enforcement: EnforcementSettings, line: str):
    assert line in told(grant, enforcement)


def test_a_vlan_says_nothing_where_no_port_is_ours():
    assert "our own ports" not in told(Grant("vt1", vlan="43"))


def test_what_the_server_says_and_what_it_leaves_out():
    said = told(Grant("vt1"), messages=("expires\x1b soon",), is_excused=True)
    assert "says     expires? soon" in said
    assert "no Message-Authenticator" in said


@pytest.mark.parametrize(
    ("reason", "who", "words"),
    [
        ("rejected", peer(4), "main refused"),
        ("rejected", peer(13, 25), "EAP-MD5 did not run: the server offers EAP-TLS, PEAP"),
        ("rejected", peer(), "the server offers nothing"),
        ("accept-without-method", peer(), "before anything was proved"),
        ("something-new", None, "main something-new"),
    ],
)
def test_why_not(reason: str, who: Peer | None, words: str):
    assert words in refusal("vt1", Outcome("main", None, reason), who)


def test_a_server_that_the_device_does_not_believe():
    made = peer()
    made.respond(Eap(eap.Code.REQUEST, 1, Method.MD5_CHALLENGE, b"\x09short"))
    said = refusal("vt1", Outcome("embedded", Grant("vt1"), ""), made)
    assert "the embedded server let them in" in said
    assert "a challenge that is none" in said


@pytest.mark.parametrize("title", ["bits-in-a-name", "vt1"])
def test_whatever_certificate_the_server_shows(title: str):
    kept = Path(__file__).parents[1] / "fuzz" / "corpus" / "client-certificate" / f"{title}.hex"
    connection = SimpleNamespace(peer_certificate=bytes.fromhex(kept.read_text()))
    method = TlsPeer(Method.PEAP, connection, TlsFraming(1000, 1000), NothingInside())  # type: ignore[arg-type]
    said = "\n".join(success("vt1", "peap", Outcome("main", Grant("vt1")), Grant("vt1"), Peer("vt1", method), NONE))
    assert ("CN=vt1, until 2026-12-01" if title == "vt1" else "a certificate that cannot be read") in said
