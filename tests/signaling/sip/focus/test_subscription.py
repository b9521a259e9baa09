"""A notifier and a virtual clock (RFC 6665, RFC 4575)."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from signaling.sip.focus.conference_info import ConferenceInfo, UserInfo
from signaling.sip.focus.subscription import MIN_INTERVAL_S, State, Subscription
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.message import Request
from signaling.sip.wire.uri import parse_name_addr, parse_uri

EMPTY = ConferenceInfo("sip:1001@192.0.2.1", "Ward round")
ONE = replace(EMPTY, users=(UserInfo("sip:p1@anonymous.invalid", "Anna"),))


def subscription(expires_s: int = 600) -> Subscription:
    made = Subscription(
        Dialog(
            "call",
            parse_name_addr("<sip:1001@192.0.2.1>;tag=us"),
            parse_name_addr("<sip:anna@192.0.2.9>;tag=them"),
            parse_uri("sip:anna@192.0.2.9:5070"),
            parse_uri("sip:1001@192.0.2.1"),
            (),
            Flow("udp", ("192.0.2.1", 5060), ("192.0.2.9", 5070)),
        ),
        EMPTY,
    )
    made.subscribe(expires_s, 0.0)
    return made


def told(request: Request | None) -> tuple[str, str, str]:
    """Kind, version, subscription state of a NOTIFY."""
    assert request is not None
    document = fromstring(request.body)
    return document.attrib["state"], document.attrib["version"], request.headers.get("Subscription-State")


def test_a_subscriber_is_told_everything_at_once_then_what_changes():
    found = subscription()
    assert told(found.next_notify(0.0)) == ("full", "1", "active;expires=600")
    found.answered(200)
    found.update(ONE)
    assert found.next_timeout() == MIN_INTERVAL_S
    assert found.next_notify(1.0) is None, "not more often than RFC 4575 3.10 says"
    assert told(found.next_notify(MIN_INTERVAL_S)) == ("partial", "2", "active;expires=595")


def test_one_notify_at_a_time_and_the_newest_state_afterwards():
    found = subscription()
    found.next_notify(0.0)
    found.update(ONE)
    assert found.next_notify(10.0) is None
    assert found.next_timeout() is None
    found.answered(200)
    assert told(found.next_notify(10.0))[0] == "partial"


def test_what_went_back_to_what_was_told_is_not_told():
    found = subscription()
    found.next_notify(0.0)
    found.answered(200)
    found.update(ONE)
    found.update(EMPTY)
    assert found.next_notify(100.0) is None
    assert found.next_timeout() == 600.0


def test_a_refresh_is_answered_with_the_whole_state():
    found = subscription()
    found.next_notify(0.0)
    found.answered(200)
    found.subscribe(300, 100.0)
    assert told(found.next_notify(100.0)) == ("full", "2", "active;expires=300")


@pytest.mark.parametrize("expires_s", [0, 60])
def test_it_ends_with_a_last_notify(expires_s: int):
    found = subscription(expires_s)
    if expires_s:
        assert told(found.next_notify(0.0))[0] == "full"
        found.answered(200)
    assert told(found.next_notify(float(expires_s)))[2] == "terminated;reason=timeout"
    found.answered(200)
    assert found.is_terminated
    assert found.next_timeout() is None


def test_the_end_of_the_conference_is_told():
    found = subscription()
    found.next_notify(0.0)
    found.answered(200)
    found.conference_ended()
    assert told(found.next_notify(0.5)) == ("partial", "2", "terminated;reason=noresource")


@pytest.mark.parametrize("status", [481, 408, 500])
def test_who_does_not_take_a_notify_is_forgotten(status: int):
    found = subscription()
    found.next_notify(0.0)
    found.answered(status)
    assert found.state is State.TERMINATED
    found.subscribe(600, 1.0)
    assert found.next_notify(1.0) is None
