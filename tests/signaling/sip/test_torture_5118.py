"""The torture messages of RFC 5118, section 4: IPv6 in SIP."""

from __future__ import annotations

import pytest

from signaling.errors import MalformedMessage
from signaling.sip.sdp.session import parse as parse_sdp
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.fields import top_via
from signaling.sip.wire.framing import StreamFramer
from signaling.sip.wire.uri import parse_uri
from signaling.sip.wire.via import parse_via
from tests.signaling.sip.torture import Victim, wire

V6 = Flow("udp", ("2001:db8::10", 5060), ("2001:db8::9:1", 5060))


def register(uri: str, to: str = "sip:user@example.com") -> bytes:
    return wire(
        f"REGISTER {uri} SIP/2.0\nTo: {to}\nFrom: sip:user@example.com;tag=81x2\n"
        "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\n"
        "Call-ID: SSG9559905523997077@hlau_4100\nMax-Forwards: 70\n"
        'Contact: "Caller" <sip:caller@[2001:db8::1]>\nCSeq: 98176 REGISTER\nContent-Length: 0'
    )


def invite(sdp: str, via: str = "[2001:db8::9:1]", contact: str = "[2001:db8::20]") -> bytes:
    return wire(
        "INVITE sip:user@[2001:db8::10] SIP/2.0\nTo: sip:user@[2001:db8::10]\nFrom: sip:user@example.com;tag=81x2\n"
        f"Via: SIP/2.0/UDP {via};branch=z9hG4bKas3-111\nCall-ID: SSG9559905523997077@hlau_4100\nMax-Forwards: 70\n"
        f'Contact: "Caller" <sip:caller@{contact}>\nCSeq: 8612 INVITE\nContent-Type: application/sdp\n'
        "Content-Length: LENGTH",
        sdp.strip().replace("\n", "\r\n").encode() + b"\r\n",
    )


HEAD = "v=0\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\ns=Live video feed for today's meeting\n"


@pytest.mark.parametrize(
    ("uri", "fate", "host", "port"),
    [
        ("sip:[2001:db8::10]", "200", "2001:db8::10", None),  # 4.1
        ("sip:[2001:db8::10:5070]", "200", "2001:db8::10:5070", None),  # 4.3: no port, though it looks like one
        ("sip:[2001:db8::10]:5070", "200", "2001:db8::10", 5070),  # 4.4
        ("sip:2001:db8::10", "400", "", None),  # 4.2
        ("sip:[2001:db8::10", "400", "", None),
        ("sip:2001:db8::10]", "400", "", None),
    ],
)
def test_ports_are_outside_the_brackets(uri, fate, host, port):
    victim = Victim(V6)
    assert victim.fate(register(uri)) == fate
    if fate == "200":
        found = parse_uri(uri)
        assert (found.host, found.port) == (host, port)
        assert found.serialize() == uri


@pytest.mark.parametrize("received", ["[2001:db8::9:255]", "2001:db8::9:255"])
def test_received_with_and_without_brackets(received):
    """4.5: implementations write both, so both are read; we write what RFC 3261's grammar has."""
    data = wire(
        "BYE sip:user@[2001:db8::10] SIP/2.0\nTo: sip:u@example.com;tag=bd76ya\nFrom: sip:user@example.com;tag=81x2\n"
        f"Via: SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKas3-111\n"
        "Call-ID: SSG9559905523997077@hlau_4100\nMax-Forwards: 70\nCSeq: 321 BYE\nContent-Length: 0"
    )
    victim = Victim(Flow("udp", V6.local, ("2001:db8::9:255", 5060)))
    assert victim.fate(data) == "481"
    via = top_via(victim.answers[0].headers)
    assert via.response_address() == ("2001:db8::9:255", 5060)
    assert "received=2001:db8::9:255" in via.serialize()
    read = parse_via(f"SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKas3-111")
    assert read.response_address() == ("2001:db8::9:255", 5060)


def test_addresses_in_the_description():
    """4.6 and 4.8: IPv6 for the session, another family for one medium."""
    sdp = HEAD + (
        "c=IN IP6 2001:db8::20\nt=3338481189 3370017201\nm=audio 6000 RTP/AVP 2\na=rtpmap:2 G726-32/8000\n"
        "m=video 6024 RTP/AVP 107\nc=IN IP4 192.0.2.1\na=rtpmap:107 H263-1998/90000"
    )
    victim = Victim(V6)
    assert victim.fate(invite(sdp)) == "call"
    session, came = victim.calls[0]
    described = parse_sdp(came.body)
    assert described.connection == "2001:db8::20"
    assert described.media[1].connection == "192.0.2.1"
    assert session.dialog.next_hop().remote == ("2001:db8::20", 5060)


def test_addresses_of_both_families_in_one_message():
    """4.7: a proxy between networks of both kinds."""
    data = wire(
        "BYE sip:user@host.example.net SIP/2.0\nVia: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111\n"
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144\n"
        "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200\n"
        "Call-ID: 997077@lau_4100\nMax-Forwards: 70\nCSeq: 89187 BYE\nTo: sip:user@example.net;tag=9817--94\n"
        "From: sip:user@example.com;tag=81x2\nContent-Length: 0"
    )
    victim = Victim(Flow("udp", V6.local, ("2001:db8::9:1", 6050)))
    assert victim.fate(data) == "481"
    assert len(victim.answers[0].headers.values("Via")) == 3
    assert top_via(victim.answers[0].headers).response_address() == ("2001:db8::9:1", 6050)


def test_mapped_addresses():
    """4.9."""
    sdp = HEAD.replace("2001:db8::20", "::ffff:192.0.2.2") + (
        "c=IN IP6 ::ffff:192.0.2.2\nt=3338481189 3370017201\nm=audio 6000 RTP/AVP 2\na=rtpmap:2 G726-32/8000"
    )
    victim = Victim(V6)
    assert victim.fate(invite(sdp, via="[::ffff:192.0.2.10]:19823", contact="[::ffff:192.0.2.2]:6060")) == "call"
    session, came = victim.calls[0]
    assert session.dialog.remote_target.host == "::ffff:192.0.2.2"
    assert parse_sdp(came.body).connection == "::ffff:192.0.2.2"


def test_three_colons_of_the_old_grammar():
    """4.10: RFC 3261 allowed `2001:db8:::192.0.2.1`; it is read, and answered where it came from."""
    data = (
        register("sip:example.com")
        .replace(b"REGISTER", b"OPTIONS")
        .replace(b"[2001:db8::1]", b"[2001:db8:::192.0.2.1]")
    )
    assert Victim(V6).fate(data) == "200"
    victim = Victim(V6)
    assert victim.fate(invite(HEAD + "c=IN IP6 2001:db8::20\nt=0 0", contact="[2001:db8:::192.0.2.1]")) == "call"
    assert victim.calls[0][0].dialog.next_hop() == V6


@pytest.mark.parametrize("host", ["[]", "[:::::]x", "[2001:db8::1", "[fe80::1%eth0]x", "[g::1]"])
def test_no_addresses(host):
    with pytest.raises(MalformedMessage):
        parse_uri(f"sip:user@{host}")


def test_a_stream_of_them_is_cut_in_the_same_places():
    framer = StreamFramer()
    messages = [register("sip:[2001:db8::10]"), invite(HEAD + "c=IN IP6 2001:db8::20\nt=0 0")]
    assert framer.receive(b"".join(messages)) == messages
