"""What answers of a RADIUS server are worth: the odd ones of real servers never open a port."""

import pytest

from auth8021x.pae.conversation import MAX_ROUNDS, Conversation
from auth8021x.pae.grant import By, Grant
from auth8021x.wire import attribute, eap, eap_message, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, TerminationAction, Type
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.packet import Packet

REQUEST, RESPONSE = eap.Code.REQUEST, eap.Code.RESPONSE


def answer(code: Code, packet: Eap | None, *more: Attribute) -> Packet:
    carried = () if packet is None else eap_message.split(packet.serialize())
    return Packet(code, 1, attributes=(*carried, *more))


def conversation(*methods: int, last: int | None = None) -> Conversation:
    """After Identity and one request and response of each method; `last` is the type of the last response."""
    made = Conversation()
    made.responded(Eap(RESPONSE, 1, Method.IDENTITY, b"vt1"))
    for number, method in enumerate(methods, 2):
        ruling = made.rule("r0", answer(Code.ACCESS_CHALLENGE, Eap(REQUEST, number, method)))
        assert ruling.code == REQUEST
        made.responded(Eap(RESPONSE, number, method if last is None else last))
    return made


SUCCESS = answer(Code.ACCESS_ACCEPT, eap.success(9))


@pytest.mark.parametrize(
    ("methods", "reason"),
    [
        ((), "accept-without-method"),
        ((Method.NOTIFICATION,), "accept-without-method"),
        ((Method.TLS,), "accept-without-method"),
        ((Method.PEAP,), "accept-without-method"),
        ((Method.TTLS,), "accept-without-method"),
        ((Method.MSCHAPV2,), "accept-without-method"),
        ((Method.MSCHAPV2, Method.MSCHAPV2), ""),
        ((Method.TLS, Method.MD5_CHALLENGE), ""),
        ((Method.MD5_CHALLENGE,), ""),
        ((Method.TLS, Method.TLS), ""),
        ((Method.PEAP, Method.PEAP, Method.PEAP), ""),
    ],
)
def test_an_accept_counts_only_after_a_method(methods: tuple[int, ...], reason: str):
    ruling = conversation(*methods).rule("r0", SUCCESS)
    assert ruling.reason == reason
    assert ruling.code == (eap.Code.FAILURE if reason else eap.Code.SUCCESS)
    assert (ruling.grant is None) is bool(reason)


def test_an_accept_after_a_refused_method_counts_for_nothing():
    assert conversation(Method.MD5_CHALLENGE, last=Method.NAK).rule("r0", SUCCESS).reason == "accept-without-method"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer(Code.ACCESS_ACCEPT, None), "accept-without-eap"),
        (answer(Code.ACCESS_ACCEPT, eap.failure(2)), "accept-without-success"),
        (answer(Code.ACCESS_ACCEPT, Eap(REQUEST, 3, Method.MD5_CHALLENGE)), "accept-without-success"),
        (answer(Code.ACCESS_ACCEPT, Eap(RESPONSE, 3, Method.MD5_CHALLENGE)), "accept-without-success"),
        (answer(Code.ACCESS_ACCEPT, None, Attribute(Type.EAP_MESSAGE, b"\x03")), "malformed-answer"),
        (answer(Code.ACCESS_ACCEPT, eap.success(2), Attribute(Type.SESSION_TIMEOUT, b"\1")), "malformed-answer"),
        (answer(Code.ACCESS_ACCEPT, eap.success(2), *tunnel.vlan_attributes("42")[:2]), "malformed-answer"),
        (
            answer(Code.ACCESS_ACCEPT, eap.success(2), attribute.number(Type.TERMINATION_ACTION, 7)),
            "malformed-answer",
        ),
        (answer(Code.ACCESS_REJECT, eap.failure(2)), "rejected"),
        (answer(Code.ACCESS_REJECT, None), "rejected"),
        (answer(Code.ACCESS_REJECT, eap.success(2)), "rejected"),
        (answer(Code.ACCESS_REJECT, Eap(REQUEST, 3, Method.MD5_CHALLENGE)), "rejected"),
        (answer(Code.ACCESS_CHALLENGE, None), "challenge-without-request"),
        (answer(Code.ACCESS_CHALLENGE, eap.success(2)), "challenge-without-request"),
        (answer(Code.ACCESS_CHALLENGE, eap.failure(2)), "challenge-without-request"),
    ],
)
def test_odd_answers_are_failures_and_the_supplicant_is_told(given: Packet, reason: str):
    ruling = conversation(Method.MD5_CHALLENGE).rule("r0", given)
    assert (ruling.packet, ruling.grant, ruling.reason) == (eap.failure(2), None, reason)


def test_attributes_count_from_the_accept_alone():
    """FreeRADIUS with files before eap sends VLAN and Session-Timeout with the challenge, too."""
    made = Conversation()
    made.responded(Eap(RESPONSE, 1, Method.IDENTITY, b"vt1"))
    vlan, timeout = tunnel.vlan_attributes("42"), attribute.number(Type.SESSION_TIMEOUT, 3600)
    ruling = made.rule("r0", answer(Code.ACCESS_CHALLENGE, Eap(REQUEST, 2, Method.MD5_CHALLENGE), *vlan, timeout))
    assert (ruling.grant, ruling.timeout_s) == (None, 60), "how long the answer may take, with a bound"
    made.responded(Eap(RESPONSE, 2, Method.MD5_CHALLENGE))
    assert made.rule("r0", answer(Code.ACCESS_ACCEPT, eap.success(2))).grant == Grant("vt1")


def test_what_an_accept_grants():
    found = conversation(Method.MD5_CHALLENGE).rule(
        "r0",
        answer(
            Code.ACCESS_ACCEPT, eap.success(2), *tunnel.vlan_attributes("42"), attribute.text(Type.FILTER_ID, "video"),
            Attribute(Type.CLASS, b"room-a"), Attribute(Type.CLASS, b"\0\1"),
            attribute.number(Type.SESSION_TIMEOUT, 3600), attribute.number(Type.TERMINATION_ACTION, 1),
            attribute.number(Type.ACCT_INTERIM_INTERVAL, 600), attribute.text(Type.USER_NAME, "ward 3"),
        ),
    )  # fmt: skip
    assert found.grant == Grant(
        "ward 3", By.EAP, "42", "video", (b"room-a", b"\0\1"), 3600, TerminationAction.RADIUS_REQUEST, 600
    )


def test_state_goes_back_to_the_server_that_sent_it():
    made = conversation()
    state = Attribute(Type.STATE, b"one")
    made.rule("r1", answer(Code.ACCESS_CHALLENGE, Eap(REQUEST, 2, Method.MD5_CHALLENGE), state))
    response = Eap(RESPONSE, 2, Method.MD5_CHALLENGE, b"x")
    made.responded(response)
    assert made.server == "r1"
    assert made.attributes(response) == (*eap_message.split(response.serialize()), state)
    made.rule("r1", answer(Code.ACCESS_CHALLENGE, Eap(REQUEST, 3, Method.MD5_CHALLENGE)))
    assert made.attributes(response) == eap_message.split(response.serialize()), "the last answer had none"
    made.begin()
    assert (made.server, made.state, made.identity) == ("", None, b"")


def test_a_conversation_without_end_has_one():
    made = conversation(*[Method.TLS] * MAX_ROUNDS)
    ruling = made.rule("r0", answer(Code.ACCESS_CHALLENGE, Eap(REQUEST, 1, Method.TLS)))
    assert ruling.reason == "too-many-rounds"
