"""URIs, name-addr and Via."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.errors import SipError
from signaling.sip.wire.uri import NameAddr, Uri, parse_name_addr, parse_uri
from signaling.sip.wire.via import parse_via, stamped_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:1001@10.0.0.1", Uri("sip", "1001", "10.0.0.1")),
        ("sip:1001**2468@h:5070;transport=tcp", Uri("sip", "1001**2468", "h", 5070, (("transport", "tcp"),))),
        ("sip:1001%2A%2A2468@h", Uri("sip", "1001**2468", "h")),
        ("sip:site##1001@h", Uri("sip", "site##1001", "h")),
        ("sip:lin@[fd00::2]", Uri("sip", "lin", "fd00::2")),
        ("SIP:[::1]:5061;lr", Uri("sip", "", "::1", 5061, (("lr", None),))),
        ("sips:a@h?Subject=x", Uri("sips", "a", "h", None, (), "Subject=x")),
        ("sip:a;day=tue:secret@h", Uri("sip", "a;day=tue", "h")),
        ("tel:+86-10-1234;phone-context=x", Uri("tel", "+86-10-1234", "", None, (("phone-context", "x"),))),
    ],
)
def test_uri(text, expected):
    assert parse_uri(text) == expected
    assert parse_uri(expected.serialize()) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1001",
        "sip:",
        "sip:@h",
        "sip:a@",
        "sip:a@h:0",
        "sip:a@h:99999",
        "sip:a@h:00506099999",
        "sip:a b@h",
        "sip:a@[::1",
        "tel:",
        "sip:a@h;=x",
        "sip:a@h\r\n",
    ],
)
def test_bad_uri(text):
    with pytest.raises(SipError):
        parse_uri(text)


@pytest.mark.parametrize("user", [b"\xff\xfe", b"%FF%C3", "张".encode(), b"\xe5\xbc"])
def test_users_of_any_bytes_can_be_called_back(user):
    text = (b"<sip:" + user + b"@h>").decode("utf-8", "surrogateescape")
    found = parse_name_addr(text)
    again = found.serialize()
    assert parse_name_addr(again) == found
    assert again.isascii()


def test_unknown_scheme():
    with pytest.raises(SipError) as caught:
        parse_uri("mailto:a@b")
    assert caught.value.status == 416


@pytest.mark.parametrize(
    ("text", "name", "user", "params"),
    [
        ("<sip:a@h>;tag=1", "", "a", (("tag", "1"),)),
        ("sip:a@h;tag=1", "", "a", (("tag", "1"),)),
        ('"A \\"B\\" <c>" <sip:a@h;x=1>', 'A "B" <c>', "a", ()),
        ("Ward 3 <sip:a@h>", "Ward 3", "a", ()),
        ('"病房" <sip:a@h>;q="0,5"', "病房", "a", (("q", "0,5"),)),
    ],
)
def test_name_addr(text, name, user, params):
    parsed = parse_name_addr(text)
    assert (parsed.display_name, parsed.uri.user, parsed.params) == (name, user, params)
    assert parse_name_addr(parsed.serialize()) == parsed


@pytest.mark.parametrize("text", ["", "<sip:a@h", '"x <sip:a@h>', "<sip:a@h>x", '"x" sip:a@h'])
def test_bad_name_addr(text):
    with pytest.raises(SipError):
        parse_name_addr(text)


def test_the_passcode_is_cut_off():
    uri = parse_uri("sip:1001**2468@h;transport=tcp")
    assert uri.without_passcode().serialize() == "sip:1001@h;transport=tcp"


@pytest.mark.parametrize(
    ("text", "source", "stamped", "target"),
    [
        ("SIP/2.0/UDP 10.0.0.1;branch=b", ("10.0.0.1", 9), "SIP/2.0/UDP 10.0.0.1;branch=b", ("10.0.0.1", 5060)),
        ("SIP/2.0/UDP h:7;branch=b", ("1.2.3.4", 9), "SIP/2.0/UDP h:7;branch=b;received=1.2.3.4", ("1.2.3.4", 7)),
        ("SIP/2.0/UDP h;rport", ("1.2.3.4", 9), "SIP/2.0/UDP h;rport=9;received=1.2.3.4", ("1.2.3.4", 9)),
        (
            "SIP / 2.0 / TCP [::1]:7 ;rport=1;received=9.9.9.9",
            ("::1", 8),
            "SIP/2.0/TCP [::1]:7;rport=8;received=::1",
            ("::1", 8),
        ),
    ],
)
def test_via(text, source, stamped, target):
    via = parse_via(text).stamped(*source)
    assert via.serialize() == stamped
    assert via.response_address() == target


_VIA_PARTS = [
    ";branch=z9hG4bKa",
    ";rport",
    ";rport=5",
    ";received=9.9.9.9",
    ";ttl=1",
    ";x",
    '";rport"',
    ", SIP/2.0/UDP b",
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(_VIA_PARTS), max_size=4))
def test_a_plain_via_is_stamped_as_text_with_the_same_result(parts):
    text = "SIP/2.0/UDP h:7" + "".join(parts)
    made = stamped_text(text, "1.2.3.4", 9)
    if made is not None:
        assert parse_via(made) == parse_via(text).stamped("1.2.3.4", 9)
        assert made == parse_via(text).stamped("1.2.3.4", 9).serialize()


def test_what_is_no_plain_via_is_not_stamped_as_text():
    assert stamped_text("SIP/2.0/UDP h;branch=b;rport", "1.2.3.4", 9) == (
        "SIP/2.0/UDP h;branch=b;rport=9;received=1.2.3.4"
    )
    for text in ("SIP/2.0/UDP h;branch=b", "SIP/2.0/UDP h;rport=1", "SIP/2.0/UDP h;rport, SIP/2.0/UDP b;rport"):
        assert stamped_text(text, "1.2.3.4", 9) is None


_SAMPLES = [
    "sip:1001**2468@h:5070;transport=tcp",
    '"A \\"B\\"" <sip:a@[fd00::2];x=1>;tag=1',
    "SIP/2.0/UDP [::1]:7;rport;branch=z9hG4bK",
    "tel:+86-10;phone-context=x",
]


def test_truncated_at_every_length():
    for sample in _SAMPLES:
        for length in range(len(sample)):
            for parse in (parse_uri, parse_name_addr, parse_via):
                try:
                    parse(sample[:length])
                except SipError:
                    continue


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(_SAMPLES), st.text(max_size=12), st.integers(0, 40))
def test_garbage_raises_nothing_else(sample, noise, at):
    for parse in (parse_uri, parse_name_addr, parse_via):
        try:
            parse(sample[:at] + noise + sample[at:])
        except SipError:
            pass


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), max_size=20),
)
def test_name_addr_round_trip(user, name):
    address = NameAddr(Uri("sip", user, "h"), name)
    if ":" not in user:
        assert parse_name_addr(address.serialize()) == address
