"""REFER: what is asked for, and how its progress is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.errors import SipError
from signaling.placed import Outcome
from signaling.sip.dialling.refer import ReferSubscription, parse_referral, status_of
from signaling.sip.wire.message import Headers, Request


def refer(*headers: tuple[str, str], cseq: int = 7) -> Request:
    return Request("REFER", "sip:1001@10.0.0.1", Headers([("CSeq", f"{cseq} REFER"), *headers]))


@pytest.mark.parametrize(
    ("value", "target", "method", "is_attended"),
    [
        ("<sip:ward3@10.0.0.3>", "sip:ward3@10.0.0.3", "INVITE", False),
        ("sip:ward3@10.0.0.3", "sip:ward3@10.0.0.3", "INVITE", False),
        ("<sip:ward3@10.0.0.3;method=BYE>", "sip:ward3@10.0.0.3", "BYE", False),
        ("<sip:x@h;transport=tcp;method=invite>", "sip:x@h;transport=tcp", "INVITE", False),
        ("<sip:x@h?Replaces=12%40a%3Bto-tag%3D1>", "sip:x@h", "INVITE", True),
        ("<sip:x@h?Subject=y&replaces=1>", "sip:x@h", "INVITE", True),
        ("<tel:+86755123>", "tel:+86755123", "INVITE", False),
    ],
)
def test_what_is_asked_for(value, target, method, is_attended):
    found = parse_referral(refer(("Refer-To", value)))
    assert (found.target.serialize(), found.method, found.is_attended) == (target, method, is_attended)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 400),
        ([("Refer-To", "<sip:a@h>"), ("Refer-To", "<sip:b@h>")], 400),
        ([("Refer-To", "<sip:a@h>, <sip:b@h>")], 400),
        ([("Refer-To", "<sip:a@")], 400),
        ([("Refer-To", "<http://h/>")], 416),
        ([("Refer-To", "<sip:a@h;method=MESSAGE>")], 501),
    ],
)
def test_what_is_refused(headers, status):
    with pytest.raises(SipError) as refused:
        parse_referral(refer(*headers))
    assert refused.value.status == status


@pytest.mark.parametrize(("value", "is_silent"), [("false", True), ("FALSE;x", True), ("true", False), ("", False)])
def test_no_subscription_is_wanted(value, is_silent):
    found = parse_referral(refer(("Refer-To", "<sip:a@h>"), ("Refer-Sub", value)))
    assert found.is_silent is is_silent


def test_who_is_said_to_ask():
    found = parse_referral(refer(("Refer-To", "<sip:a@h>"), ("Referred-By", '"Dr B" <sip:b@h>;cid="x"')))
    assert found.referred_by == "b@h"
    assert parse_referral(refer(("Refer-To", "<sip:a@h>"), ("Referred-By", "<<<"))).referred_by == ""


def test_each_step_is_told_once_and_the_end_last():
    subscription = ReferSubscription(refer(), is_first=False)
    told = [subscription.notify(status) for status in (100, 180, 180, 100, 200, 486, 180)]
    assert [one is not None for one in told] == [True, True, False, False, True, False, False]
    headers, body = told[1]
    assert dict(headers) == {
        "Event": "refer;id=7",
        "Subscription-State": "active;expires=180",
        "Content-Type": "message/sipfrag;version=2.0",
    }
    assert body == b"SIP/2.0 180 Ringing\r\n"
    assert dict(told[4][0])["Subscription-State"] == "terminated;reason=noresource"
    assert told[4][1] == b"SIP/2.0 200 OK\r\n"
    assert subscription.is_over


def test_the_first_needs_no_id():
    headers, _ = ReferSubscription(refer(), is_first=True).notify(100)
    assert dict(headers)["Event"] == "refer"


def test_every_outcome_ends_the_subscription():
    for outcome in Outcome:
        subscription = ReferSubscription(refer(), is_first=True)
        _, body = subscription.notify(status_of(outcome))
        assert subscription.is_over
        assert body.startswith(b"SIP/2.0 ")


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=80))
def test_whatever_stands_in_refer_to(text):
    try:
        found = parse_referral(refer(("Refer-To", text)))
    except SipError as error:
        assert error.status in (400, 416, 501)
    else:
        assert found.method in ("INVITE", "BYE")
        assert found.target.headers == ""
