"""A call that began over TLS stays there (RFC 3261 26.2, RFC 5630)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signaling.errors import SipError
from signaling.sip.sessions.dialog import Dialog, uas_dialog
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Headers, Request
from signaling.sip.wire.uri import Uri

TLS = Flow("tls", ("10.0.0.1", 5061), ("10.0.0.9", 40123), 7)
UDP = Flow("udp", ("10.0.0.1", 5060), ("10.0.0.9", 5060))


def dialog(contact: str, flow: Flow = TLS, uri: str = "sip:1001@10.0.0.1") -> Dialog:
    headers = Headers([
        ("Via", "SIP/2.0/TLS 10.0.0.9:5061;branch=z9hG4bK1"), ("From", "<sip:a@h>;tag=1"), ("To", "<sip:b@h>"),
        ("Call-ID", "c"), ("CSeq", "1 INVITE"), ("Contact", f"<{contact}>"),
    ])  # fmt: skip
    ours = Uri("sip", "drumtower", flow.local[0], flow.local[1], (("transport", flow.transport),))
    return uas_dialog(Request("INVITE", uri, headers), flow, "t", ours)


@pytest.mark.parametrize(
    ("contact", "flow", "hop"),
    [
        ("sip:a@10.0.0.9:5071;transport=tls", TLS, replace(TLS, remote=("10.0.0.9", 5071))),
        ("sip:a@10.0.0.9;transport=tls", TLS, replace(TLS, remote=("10.0.0.9", 5061))),
        ("sips:a@10.0.0.9", TLS, replace(TLS, remote=("10.0.0.9", 5061))),
        ("sips:a@10.0.0.9;transport=tcp", TLS, replace(TLS, remote=("10.0.0.9", 5061))),
        # Never in clear what began over TLS, whatever the Contact says.
        ("sip:a@10.0.0.9:5070", TLS, TLS),
        ("sip:a@10.0.0.9:5070;transport=tcp", TLS, TLS),
        ("sip:a@10.0.0.9:5070;transport=tls", UDP, Flow("tls", UDP.local, ("10.0.0.9", 5070))),
        ("sip:a@terminal.example;transport=tls", TLS, TLS),
    ],
)
def test_where_requests_go(contact: str, flow: Flow, hop: Flow):
    assert dialog(contact, flow).next_hop() == hop


def test_a_proved_name_holds_for_its_address_but_for_no_other():
    called = replace(TLS, remote=("10.0.0.9", 5061), connection=0, host="sip.example")
    assert dialog("sip:a@10.0.0.9:5071;transport=tls", called).next_hop().host == "sip.example"
    assert dialog("sip:a@10.0.0.8:5071;transport=tls", called).next_hop().host == ""


def test_requests_in_clear_are_refused():
    secure = dialog("sip:a@10.0.0.9;transport=tls")
    info = Request("INFO", "sip:x@h", Headers([("CSeq", "2 INFO"), ("Via", "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK2")]))
    with pytest.raises(SipError) as caught:
        secure.receive_request(info, UDP)
    assert caught.value.status == 403
    assert (secure.remote_cseq, secure.flow) == (1, TLS)
    secure.receive_request(info, replace(TLS, connection=8))
    assert secure.flow.connection == 8


def test_sips_is_answered_with_sips():
    assert (
        dialog("sip:a@10.0.0.9", uri="sips:1001@10.0.0.1").local_contact.serialize() == "sips:drumtower@10.0.0.1:5061"
    )
    assert dialog("sip:a@10.0.0.9").local_contact.serialize() == "sip:drumtower@10.0.0.1:5061;transport=tls"
