"""What of a message changes on its way through us, and that nothing else does."""

from __future__ import annotations

import pytest

from signaling.h323 import h2351, per, q931
from signaling.h323.call import message
from signaling.h323.errors import MalformedPduError
from signaling.h323.q931 import Element, Id, MessageType
from signaling.h323.ras import address
from signaling.h323.routing import rewriting
from signaling.h323.routing.rewriting import Onward
from tests.signaling.h323.call.peer import (
    ADDRESS,
    CHANNEL,
    CONFERENCE,
    DESTINATION,
    GUID,
    ROOM,
    SETUP,
    TOKEN,
    TRANSPORT,
    octets,
)

CALLED, OURS = ("192.0.2.20", 1720), ("2001:db8::1", 1720)
HASHED = h2351.token(1, 2, "drumtower", "or1", bytes(range(12)))
OTHER_TOKEN = ("cryptoGKPwdHash", {"gatekeeperId": "x", "timeStamp": 1,
                                   "token": {"algorithmOID": (1, 2), "paramS": {}, "hash": (1, 8)}})  # fmt: skip
ONWARD = Onward(7, is_from_destination=False, call_id=GUID)
BACK = Onward(7, is_from_destination=True, call_id=GUID)


def setup(**fields):
    body = SETUP | {"endpointIdentifier": "EP1", "destinationAddress": [("dialledDigits", "702")]} | fields
    return message.parse(octets(MessageType.SETUP, body, is_caller=True, carries=(5,)))


def test_setup_gets_the_addresses_of_its_new_leg_and_keeps_the_rest():
    fast_start = message.encode_fast_start([CHANNEL])
    came = setup(fastStart=fast_start, tokens=[TOKEN], h245Address=TRANSPORT, cryptoTokens=[HASHED, OTHER_TOKEN],
                 multipleCalls=True, maintainConnection=True, hopCount=9)  # fmt: skip
    went = message.parse(rewriting.setup(came, ONWARD, CALLED, OURS))
    assert (went.q931.call_reference, went.q931.is_from_destination) == (7, False)
    expected = dict(came.body)
    del expected["endpointIdentifier"]
    assert went.body == expected | {
        "destCallSignalAddress": address.value_of(CALLED),
        "sourceCallSignalAddress": address.value_of(OURS),
        "cryptoTokens": [OTHER_TOKEN],
        "multipleCalls": False,
        "maintainConnection": False,
        "hopCount": 8,
    }
    assert went.body["callIdentifier"]["guid"] == GUID
    assert went.body["conferenceID"] == CONFERENCE
    assert went.body["fastStart"] == fast_start
    assert (went.control, went.is_tunnelling, went.control_address) == (came.control, True, ADDRESS)
    assert [element for element in went.q931.elements if element.identifier != Id.USER_USER] == [
        element for element in came.q931.elements if element.identifier != Id.USER_USER
    ]


def test_a_setup_without_a_hop_count_gets_none():
    assert "hopCount" not in message.parse(rewriting.setup(setup(), ONWARD, CALLED, OURS)).body


@pytest.mark.parametrize(("hops", "is_exhausted"), [({}, False), ({"hopCount": 2}, False), ({"hopCount": 1}, True)])
def test_hops_run_out(hops, is_exhausted):
    assert rewriting.is_exhausted(setup(**hops)) is is_exhausted


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MessageType.CALL_PROCEEDING, DESTINATION),
        (MessageType.ALERTING, DESTINATION | {"h245Address": TRANSPORT}),
        (MessageType.CONNECT, DESTINATION | {"conferenceID": ROOM, "tokens": [TOKEN]}),
        (MessageType.PROGRESS, DESTINATION),
        (MessageType.FACILITY, {"reason": ("startH245", 0), "h245Address": TRANSPORT}),
        (MessageType.FACILITY, None),
        (MessageType.INFORMATION, {}),
        (MessageType.NOTIFY, {}),
        (MessageType.STATUS, {}),
        (MessageType.STATUS_ENQUIRY, {}),
        (MessageType.SETUP_ACKNOWLEDGE, {}),
        (MessageType.RELEASE_COMPLETE, {"reason": ("inConf", 0)}),
    ],
)
def test_messages_without_a_word_to_us_keep_their_octets(kind, body):
    came = octets(kind, body, is_caller=False, carries=(1, 2), elements=(Element(Id.DISPLAY, b"Ward 3"),))
    went = rewriting.passed_on(message.parse(came), BACK)
    # Octets 2 and 3 are the call reference (Q.931 4.3).
    assert went[2:4] == b"\x80\x07"
    assert (went[:2], went[4:]) == (came[:2], came[4:])


def test_what_only_later_versions_know_is_passed_on():
    """An extension of H323-UU-PDU that the codec does not know, beside a token that has to go."""
    kind, body = MessageType.CONNECT, DESTINATION | {"conferenceID": ROOM, "cryptoTokens": [HASHED]}
    came = message.parse(octets(kind, body, is_caller=False))
    unit = per.decode(per.Type.USER_INFORMATION, came.q931.user_information)
    unit["h323-uu-pdu"]["_ext_12"] = b"news"
    information = per.encode(per.Type.USER_INFORMATION, unit)
    came = message.parse(q931.Message(kind, 1, True, (q931.user_user(information),)).serialize())
    went = q931.parse(rewriting.passed_on(came, BACK))
    passed = per.decode(per.Type.USER_INFORMATION, went.user_information)["h323-uu-pdu"]
    assert passed["_ext_12"] == b"news"
    assert "cryptoTokens" not in passed["h323-message-body"][1]


def test_promises_and_signatures_hold_for_one_hop():
    body = DESTINATION | {"multipleCalls": True, "maintainConnection": True, "cryptoTokens": [HASHED]}
    came = message.parse(octets(MessageType.ALERTING, body, is_caller=False))
    went = message.parse(rewriting.passed_on(came, BACK))
    kept = {name: value for name, value in came.body.items() if name != "cryptoTokens"}
    assert went.body == kept | {"multipleCalls": False, "maintainConnection": False}


def test_a_second_user_user_element_goes_no_further():
    """Receivers ignore it (Q.931 5.8.6.2), or take it for the first."""
    body = DESTINATION | {"cryptoTokens": [HASHED]}
    came = message.parse(octets(MessageType.ALERTING, body, is_caller=False, elements=(q931.user_user(b"x"),)))
    went = q931.parse(rewriting.passed_on(replace_first(came), BACK))
    assert [element.identifier for element in went.elements].count(Id.USER_USER) == 1


def replace_first(signal):
    """With the element that is read standing first."""
    elements = sorted(signal.q931.elements, key=lambda element: len(element.contents), reverse=True)
    unit = q931.Message(signal.q931.type, 1, True, tuple(elements)).serialize()
    return message.parse(unit)


def test_a_late_call_proceeding_becomes_a_facility():
    body = DESTINATION | {"h245Address": TRANSPORT, "tokens": [TOKEN], "cryptoTokens": [HASHED]}
    body |= {"fastStart": message.encode_fast_start([CHANNEL])}
    came = message.parse(octets(MessageType.CALL_PROCEEDING, body, is_caller=False, carries=(3,)))
    went = message.parse(rewriting.forwarded(came, BACK))
    assert went.type == MessageType.FACILITY
    assert went.q931.find(Id.FACILITY) == b""
    assert went.body["reason"] == ("forwardedElements", 0)
    assert went.body["callIdentifier"]["guid"] == GUID
    assert (went.fast_start, went.control_address, went.tokens) == ((CHANNEL,), ADDRESS, (TOKEN,))
    assert (went.control, went.is_tunnelling) == (came.control, True)
    assert "cryptoTokens" not in went.body


def test_a_late_call_proceeding_without_news_is_left_out():
    assert (
        rewriting.forwarded(message.parse(octets(MessageType.CALL_PROCEEDING, DESTINATION, is_caller=False)), BACK)
        is None
    )


def test_what_grows_too_long_is_refused():
    came = setup(fastStart=[bytes(1000)] * 16)
    with pytest.raises(MalformedPduError):
        rewriting.setup(came, Onward(7, False, GUID, lambda encode: encode([HASHED] * 12)), CALLED, OURS)
