"""STUN on the SIP port: the codec that aioice brings is the other side."""

from __future__ import annotations

import pytest
from aioice import stun as other
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sip.transport.stun import answered_transaction, binding_answer, binding_request, is_stun

ID = bytes(range(12))


@pytest.mark.parametrize("source", [("192.0.2.7", 40123), ("2001:db8::7", 5060)])
def test_the_answer_names_the_source(source):
    request = bytes(other.Message(other.Method.BINDING, other.Class.REQUEST, ID))
    assert is_stun(request)
    answer = binding_answer(request, source)
    assert answer is not None
    read = other.parse_message(answer)
    assert (read.message_class, read.transaction_id) == (other.Class.RESPONSE, ID)
    assert read.attributes == {"XOR-MAPPED-ADDRESS": source}
    assert answered_transaction(answer) == ID


def test_our_request_is_understood():
    read = other.parse_message(binding_request(ID))
    assert (read.message_method, read.message_class, read.transaction_id) == (
        other.Method.BINDING,
        other.Class.REQUEST,
        ID,
    )


def test_optional_attributes_are_ignored_others_refused():
    request = other.Message(other.Method.BINDING, other.Class.REQUEST, ID)
    request.add_fingerprint()
    assert binding_answer(bytes(request), ("192.0.2.7", 1)) is not None
    request = other.Message(other.Method.BINDING, other.Class.REQUEST, ID, {"USERNAME": "a:b"})
    assert binding_answer(bytes(request), ("192.0.2.7", 1)) is None


def test_nothing_else_is_answered():
    answer = binding_answer(binding_request(ID), ("192.0.2.7", 1))
    assert answer is not None
    assert binding_answer(answer, ("192.0.2.7", 1)) is None
    assert answered_transaction(binding_request(ID)) is None
    for length in range(20):
        assert not is_stun(binding_request(ID)[:length])
    assert not is_stun(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n")
    assert not is_stun(b"\r\n\r\n" + bytes(20))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_any_tail_is_taken_or_dropped(tail):
    data = binding_request(ID)[:2] + len(tail).to_bytes(2, "big") + binding_request(ID)[4:] + tail
    answer = binding_answer(data, ("192.0.2.7", 1))
    assert answer is None or len(answer) == 32
