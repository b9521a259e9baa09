"""Parsing and writing messages, and cutting them out of streams."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.errors import MalformedMessage, SipError
from signaling.sip.wire.fields import cseq_of, from_of, to_of, top_via
from signaling.sip.wire.framing import StreamFramer
from signaling.sip.wire.message import BadMessage, Headers, Request, Response, parse, split_commas
from signaling.sip.wire.uri import parse_name_addr
from signaling.sip.wire.validate import check_request

INVITE = (
    b"INVITE sip:1001@127.0.0.1 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1;rport, SIP/2.0/TCP [2001:db8::1];branch=z9hG4bK2\r\n"
    b'f: "M\xc3\xbcller, K." <sip:k@example.org>;tag=1\r\n'
    b"TO : <sip:1001@127.0.0.1>\r\n"
    b"i: abc@x\r\n"
    b"CSeq: 1\r\n  INVITE\r\n"
    b"m: <sip:k@10.0.0.1;transport=udp>\r\n"
    b"Max-Forwards: 70\r\n"
    b"Subject:\r\n\tfolded\r\n text\r\n"
    b"X-UNKNOWN-thing: 1\r\n"
    b"l: 4\r\n\r\nbodysurplus"
)


def test_compact_forms_folding_and_surplus():
    request = parse(INVITE)
    assert isinstance(request, Request)
    check_request(request)
    headers = request.headers
    assert headers.get("From").startswith('"Müller, K."')
    assert headers.get("CSeq") == "1 INVITE"
    assert headers.get("Subject") == "folded text"
    assert headers.get("X-Unknown-Thing") == "1"
    assert [value.split()[0] for value in headers.values("Via")] == ["SIP/2.0/UDP", "SIP/2.0/TCP"]
    assert request.body == b"body"
    assert "1001" not in repr(request)


def test_round_trip():
    first = parse(INVITE)
    again = parse(first.serialize())
    assert again.serialize() == first.serialize()
    response = parse(Response(486, "", Headers([("Via", "SIP/2.0/UDP a;branch=x")]), b"x").serialize())
    assert isinstance(response, Response)
    assert (response.status, response.reason, response.body) == (486, "Busy Here", b"x")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"l: 4", b"l: 400", "Body shorter"),
        (b"l: 4", b"l: four", "Bad Content-Length"),
        (b"l: 4", b"l: 4\r\nContent-Length: 5", "Bad Content-Length"),
        (b"Max-Forwards: 70", b"Max-Forwards 70", "Malformed header"),
        (b"Max-Forwards: 70", b"Max Forwards: 70", "Malformed header"),
        (b"Max-Forwards: 70", b"M:" + b"x\r\nM:" * 130, "Too many headers"),
        (b"INVITE sip", b"INV@ITE sip", "Malformed request line"),
        (b"SIP/2.0\r\nv", b"SIP/2.0 \r\nv", "Malformed request line"),
        (b"INVITE sip:1001@127.0.0.1 ", b"INVITE  ", "Malformed request line"),
        (b"INVITE sip:1001@127.0.0.1 SIP/2.0", b"SIP/2.0 abc OK", "Malformed status line"),
    ],
)
def test_faults(old, new, reason):
    with pytest.raises(BadMessage, match=reason):
        parse(INVITE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"1 SIP/2.0\r\nv", b"1 SIP/7.0\r\nv", 505),
        (b"CSeq: 1", b"CSeq: 2147483648", 400),
        (b"CSeq: 1\r\n  INVITE", b"CSeq: 1 BYE", 400),
        (b"sip:1001@127.0.0.1 SIP", b"http://x SIP", 416),
        (b"sip:1001@127.0.0.1 SIP", b"sip:@ SIP", 400),
        (b"i: abc@x\r\n", b"", 400),
        (b"i: abc@x\r\n", b"i: a\r\ni: b\r\n", 400),
        (b"Max-Forwards: 70", b"Max-Forwards: 300", 400),
        (b"m: <sip:k@10.0.0.1;transport=udp>\r\n", b"", 400),
        (b"Max-Forwards: 70", b"Require: 100rel, x", 420),
        (b"Max-Forwards: 70", b"Content-Encoding: gzip", 415),
        (b"Max-Forwards: 70", b"Max-Forwards: 70\r\nRecord-Route: <sip:a", 400),
    ],
)
def test_semantic_checks(old, new, status):
    with pytest.raises(SipError) as caught:
        request = parse(INVITE.replace(old, new, 1))
        assert isinstance(request, Request)
        check_request(request)
    assert caught.value.status == status


def test_too_many_headers_leave_enough_for_an_answer():
    with pytest.raises(BadMessage) as caught:
        parse(INVITE.replace(b"X-UNKNOWN-thing: 1\r\n", b"X: 1\r\n" * 500))
    assert caught.value.partial is not None
    headers = caught.value.partial.headers
    assert [len(headers.lines(name)) for name in ("Via", "From", "To", "Call-ID", "CSeq")] == [1] * 5
    assert len(headers.lines("X")) < 130


def test_truncated_at_every_length():
    for length in range(len(INVITE)):
        try:
            message = parse(INVITE[:length])
            if isinstance(message, Request):
                check_request(message)
        except SipError:
            continue


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.integers(0, len(INVITE)))
def test_garbage_raises_nothing_else(noise, at):
    for data in (noise, INVITE[:at] + noise + INVITE[at:]):
        try:
            message = parse(data)
            if isinstance(message, Request):
                check_request(message)
        except SipError:
            pass


_VALUE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).map(str.strip).filter(bool)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["Subject", "Via", "X-One", "Contact"]), _VALUE), max_size=8),
    st.binary(max_size=60),
)
def test_serialize_then_parse(fields, body):
    request = Request("OPTIONS", "sip:a@b", Headers(fields), body)
    again = parse(request.serialize())
    kept = [(name, value) for name, value in again.headers if name != "Content-Length"]
    stripped = [(name, value.strip(" \t")) for name, value in fields]
    # The order of different names means nothing (RFC 3261 7.3.1); that within a name does.
    assert sorted(kept, key=lambda field: field[0]) == sorted(stripped, key=lambda field: field[0])
    assert again.body == body


def test_no_header_can_be_smuggled():
    with pytest.raises(ValueError, match="line break"):
        Headers([("Subject", "a\r\nVia: b")])


def test_commas_in_quotes_and_brackets():
    assert split_commas('"a,\\"b" <sip:x,y@z>;p, <sip:c>') == ['"a,\\"b" <sip:x,y@z>;p', "<sip:c>"]


def test_stream_in_pieces_of_every_size():
    one = parse(INVITE).serialize()
    stream = b"\r\n\r\n" + one + b"\r\n" + one + b"\r\n\r\n"
    for size in (1, 2, 3, 7, 50, 10_000):
        framer = StreamFramer()
        found = [m for at in range(0, len(stream), size) for m in framer.receive(stream[at : at + size])]
        assert found == [one, one]
        assert framer.pings == 2


@pytest.mark.parametrize(
    "data",
    [
        b"INVITE sip:a SIP/2.0\r\nVia: x\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nContent-Length: 70000\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\n",
        b"x" * 65_537,
    ],
)
def test_streams_that_cannot_be_followed(data):
    with pytest.raises(MalformedMessage):
        StreamFramer().receive(data)


def test_tortuous_but_valid():
    """The oddities that RFC 4475 3.1.1.1 gathers: spaces everywhere, folding, empty and unknown headers."""
    data = (
        b"INVITE sip:1001@chair.example;unknownparam SIP/2.0\r\n"
        b"TO :\r\n sip:1001@chair.example ;   tag    = 1918181833n\r\n"
        b'from   : "J Rosenberg \\\\\\""       <sip:jr@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
        b"MaX-fOrWaRdS: 0068\r\n"
        b"Call-ID: wsinv.ndaksdj@192.0.2.1\r\n"
        b"Content-Length   : 2\r\n"
        b"cseq: 0009\r\n  INVITE\r\n"
        b"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
        b"s :\r\n"
        b"NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        b"UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
        b"Content-Type: application/sdp\r\n"
        b"Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
        b"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
        b" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
        b'm:"Quoted string \\"\\"" <sip:jr@example.com> ; newparam =\r\n   newvalue ;\r\n  other ; q = 0.33\r\n'
        b"\r\nab"
    )
    request = parse(data)
    assert isinstance(request, Request)
    check_request(request)
    assert (cseq_of(request.headers).number, cseq_of(request.headers).method) == (9, "INVITE")
    assert to_of(request.headers).tag == "1918181833n"
    assert from_of(request.headers).display_name == 'J Rosenberg \\"'
    assert len(request.headers.values("Via")) == 3
    assert (top_via(request.headers).host, top_via(request.headers).branch) == ("192.0.2.2", "390skdjuw")
    contact = parse_name_addr(request.headers.values("Contact")[0])
    assert (contact.display_name, contact.param("q")) == ('Quoted string ""', "0.33")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"Subject:" + b" " * 60_000 + b"x\r\n folded", "blanks before a fold"),
        (b"Subject: a" + b"\r\n \t" * 15_000 + b"x", "folds"),
        (b'f: <sip:k@example.org>;x="' + b'\\"' * 30_000, "a quote without an end"),
        (b"f: <sip:k@example.org>;x=" + b'"' * 60_000, "quotes alone"),
        (b'f: "' + b'\\"' * 30_000 + b" <sip:k@example.org>", "a display name without an end"),
        (b"f: <sip:k@example.org>" + b";" * 60_000, "semicolons"),
        (b"v: SIP/2.0/UDP" + b" " * 60_000 + b"x;branch=z9hG4bK1", "blanks in a Via"),
    ],
)
def test_no_message_takes_long(line, what):
    data = b"OPTIONS sip:1001@127.0.0.1 SIP/2.0\r\n" + line + b"\r\nl: 0\r\n\r\n"
    assert len(data) < 65_536
    started = time.process_time()
    try:
        headers = parse(data).headers
        for name, understand in (("From", from_of), ("Via", top_via)):
            if name in headers:
                understand(headers)
    except SipError:
        pass
    assert time.process_time() - started < 0.5, what


def test_fields_are_copied_in_the_order_asked_for_and_by_themselves():
    headers = Headers([("CSeq", "1 INVITE"), ("Via", "a"), ("Subject", "x"), ("Via", "b")])
    assert headers.parsed("Via", lambda text: [text]) == ["a"]
    twin = headers.copied(("Via", "To", "CSeq"))
    assert list(twin) == [("Via", "a"), ("Via", "b"), ("CSeq", "1 INVITE")]
    assert twin.parsed("Via", lambda text: [text]) == ["a"]
    twin.set_first("Via", "c")
    assert twin.parsed("Via", lambda text: [text]) == ["c"]
    assert (twin.values("Via"), headers.values("Via")) == (["c", "b"], ["a", "b"])


def test_fields_added_after_the_first_look_are_found():
    headers = Headers([("Via", "a")])
    assert "Path" not in headers
    headers.add("Path", "p")
    headers.prepend("Via", "0")
    headers.set_first("Path", "q")
    assert (headers.lines("Path"), headers.get("Via"), len(headers.lines("Via"))) == (["q"], "0", 2)
    headers.set("Via", "1")
    assert (headers.lines("Via"), list(headers)) == (["1"], [("Via", "1"), ("Path", "q")])
