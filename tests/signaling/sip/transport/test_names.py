"""RFC 5922 7: whom a certificate stands for."""

from __future__ import annotations

import pytest

from signaling.sip.transport.names import stands_for

CERTIFICATE = {
    "subject": ((("commonName", "common.example"),),),
    "subjectAltName": (
        ("DNS", "SIP.example.org"), ("DNS", "*.wild.example"), ("URI", "sip:domain.example"),
        ("URI", "sip:user@person.example"), ("URI", "https://web.example"), ("URI", "sip:["),
        ("IP Address", "192.0.2.7"), ("IP Address", "2001:DB8:0:0:0:0:0:7"), ("email", "a@mail.example"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        ("sip.example.org", True),
        ("sip.EXAMPLE.org.", True),
        ("domain.example", True),
        ("192.0.2.7", True),
        ("2001:db8::7", True),
        ("[2001:db8::7]", True),
        ("192.0.2.8", False),
        ("person.example", False),  # a user's certificate is not the domain's
        ("web.example", False),
        ("mail.example", False),
        ("common.example", False),
        ("a.wild.example", False),
        ("*.wild.example", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_hosts(host: str, fits: bool):
    assert stands_for(CERTIFICATE, host) is fits


def test_a_certificate_without_names_is_nobodys():
    assert not stands_for({}, "sip.example.org")
    assert not stands_for({"subject": ((("commonName", "sip.example.org"),),)}, "sip.example.org")
