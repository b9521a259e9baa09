"""The torture messages of RFC 4475, section 3, and what it asks an endpoint to make of each."""

from __future__ import annotations

import pytest

from signaling.sip.wire.message import BadMessage, Response, parse
from signaling.sip.wire.uri import parse_uri
from tests.signaling.sip.torture import Victim, wire
from tests.signaling.sip.torture_4475 import APPLICATION, INVALID, SDP, TORTUOUS_INVITE, VALID


@pytest.mark.parametrize(("data", "fate"), [*VALID.values(), *APPLICATION.values()], ids=[*VALID, *APPLICATION])
def test_understood_or_refused_for_its_meaning(data, fate):
    assert Victim().fate(data) == fate


@pytest.mark.parametrize(("data", "fates"), INVALID.values(), ids=INVALID)
def test_not_well_formed(data, fates):
    assert Victim().fate(data) in fates


@pytest.mark.parametrize("name", [*VALID, *INVALID, *APPLICATION])
def test_every_one_of_them_cut_anywhere_does_no_harm(name):
    data = {**VALID, **INVALID, **APPLICATION}[name][0]
    victim = Victim()
    for end in range(0, len(data), 7):
        victim.agent.receive(data[:end], victim.flow, 0.0)
        for outgoing in victim.agent.messages_to_send():
            assert isinstance(parse(outgoing.data), Response)


# ---- what was understood --------------------------------------------------------------------------------------------


def test_wsinv_without_its_tag_is_a_call_whose_parts_are_all_there():
    victim = Victim()
    assert victim.fate(TORTUOUS_INVITE.replace(b" ;   tag    = 1918181833n", b"")) == "call"
    session, came = victim.calls[0]
    headers = came.headers
    assert session.dialog.remote.display_name == 'J Rosenberg \\"'
    assert session.dialog.remote.tag == "98asjd8"
    assert session.dialog.remote_target.serialize() == "sip:jdrosen@example.com"
    assert headers.get("Newfangledheader") == "newfangled value continued newfangled value"
    assert headers.get("Unknownheaderwithunusualvalue") == ";;,,;;,;"
    assert len(headers.values("Via")) == 3
    assert came.body == SDP
    assert len(victim.answers[0].headers.values("Via")) == 3


def test_escapes_are_undone_once_and_only_in_uris():
    victim = Victim()
    victim.fate(VALID["3.1.1.3 esc01"][0])
    session, came = victim.calls[0]
    assert parse_uri(came.uri).user == "sips:user@example.com"
    assert parse_uri(parse_uri(came.uri).serialize()) == parse_uri(came.uri)
    assert session.dialog.remote.uri.user == "I have spaces"
    victim = Victim()
    victim.fate(VALID["3.1.1.4 escnull"][0])
    contacts = victim.served[0].headers.values("Contact")
    assert contacts == ["<sip:%00@host5.example.com>", "<sip:%00%00@host5.example.com>"]


def test_semicolons_in_the_user_part_are_no_parameters():
    uri = parse_uri("sip:user;par=u%40example.net@example.com")
    assert (uri.user, uri.params) == ("user;par=u@example.net", ())


def test_bytes_after_the_message_are_another_one_nowhere():
    victim = Victim()
    victim.fate(VALID["3.1.1.8 dblreq"][0])
    assert victim.served[0].body == b""
    assert victim.calls == []


def test_a_body_of_several_parts_stays_whole():
    victim = Victim()
    victim.fate(VALID["3.1.1.11 mpart01"][0])
    assert victim.served[0].body.endswith(b"\x00\x01\r\n\r\n\xff\xfe\r\n--7a9cbec0--")


def test_all_unknown_extensions_are_named_and_those_of_proxies_are_not_ours():
    victim = Victim()
    victim.fate(APPLICATION["3.3.5 bext01"][0])
    assert victim.answers[0].headers.values("Unsupported") == ["nothingSupportsThis", "nothingSupportsThisEither"]


def test_refusals_name_what_would_be_taken():
    for name, header in (("3.3.6 invut", "Accept"), ("3.3.15 sdp01", "Accept"), ("3.1.1.2 intmeth", "Allow")):
        victim = Victim()
        victim.fate({**VALID, **APPLICATION}[name][0])
        assert victim.answers[0].headers.get(header), name


def test_an_unknown_version_is_answered_along_its_own_via():
    victim = Victim()
    victim.fate(INVALID["3.1.2.16 badvers"][0])
    assert victim.answers[0].headers.get("Via").startswith("SIP/7.0/UDP c.example.com;branch=z9hG4bKk")


UNUSUAL = "= 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e \u0434\u0435\u0432\u044f\u043d\u043e\u0441\u0442\u043e"


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (f"SIP/2.0 200 {UNUSUAL}", 200, UNUSUAL),  # 3.1.1.12 unreason
        ("SIP/2.0 100 ", 100, ""),  # 3.1.1.13 noreason
    ],
)
def test_reason_phrases(line, status, reason):
    found = parse(
        wire(
            f"{line}\nVia: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\nCall-ID: noreason.asndj203\n"
            "CSeq: 35 INVITE\nFrom: <sip:user@example.com>;tag=39ansfi3\nTo: <sip:user@example.edu>;tag=902\n"
            "Content-Length: 0"
        )
    )
    assert isinstance(found, Response)
    assert (found.status, found.reason or "") == (status, reason or "Trying")


def test_a_code_too_large_is_no_response_at_all():
    with pytest.raises(BadMessage):
        parse(INVALID["3.1.2.19 bigcode"][0])


def test_a_2543_caller_is_answered_to_where_it_calls_from():
    victim = Victim()
    victim.fate(APPLICATION["3.4.1 inv2543"][0])
    session, _ = victim.calls[0]
    session.accept(b"answer", 1.0)
    (answer,) = [parse(outgoing.data) for outgoing in victim.agent.messages_to_send()]
    assert answer.status == 200
    assert session.dialog.next_hop().remote == victim.flow.remote
    assert session.dialog.request("BYE").headers.get("Route")
