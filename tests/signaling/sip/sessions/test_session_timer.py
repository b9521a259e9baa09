"""RFC 4028: negotiation, refreshes, the end of a session that nobody refreshes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.errors import SipError
from signaling.sip.sessions.events import Ended
from signaling.sip.sessions.session import SessionState
from signaling.sip.sessions.session_timer import Due, SessionTimer, TimerSettings
from signaling.sip.wire.message import Headers, Request, Response
from tests.signaling.sip.network import Network, Peer

OURS = TimerSettings(1800, 90)


def request(**fields: str) -> Request:
    return Request("INVITE", "sip:a@b", Headers((name.replace("_", "-"), value) for name, value in fields.items()))


@pytest.mark.parametrize(
    ("fields", "answer"),
    [  # RFC 4028 9, table 2
        ({}, ()),
        ({"Supported": "timer"}, ("1800;refresher=uac", "timer")),
        ({"Supported": "timer", "Session_Expires": "600"}, ("600;refresher=uac", "timer")),
        ({"Supported": "timer", "Session_Expires": "600;refresher=uas"}, ("600;refresher=uas", "timer")),
        ({"Supported": "timer", "Session_Expires": "600 ; Refresher=UAC"}, ("600;refresher=uac", "timer")),
        ({"Supported": "timer", "Session_Expires": "7200"}, ("1800;refresher=uac", "timer")),
        ({"Supported": "timer", "Session_Expires": "7200", "Min_SE": "3600"}, ("3600;refresher=uac", "timer")),
        ({"Supported": "timer", "Min_SE": "3600"}, ("3600;refresher=uac", "timer")),
        ({"Session_Expires": "600"}, ("600;refresher=uas",)),  # a proxy put it in: refreshing is up to us
        ({"Session_Expires": "40"}, ("40;refresher=uas",)),  # 422 would not be understood
    ],
)
def test_answers(fields, answer):
    timer = SessionTimer(OURS)
    asked = request(**fields)
    timer.check(asked)
    assert tuple(value for _, value in timer.answer_fields(asked, 0.0)) == answer
    assert bool(timer.expires_s) == bool(answer)


def test_too_small_and_malformed_intervals_are_refused():
    timer = SessionTimer(TimerSettings(1800, 300))
    with pytest.raises(SipError) as refused:
        timer.check(request(Supported="timer", Session_Expires="299"))
    assert (refused.value.status, refused.value.headers) == (422, (("Min-SE", "300"),))
    timer.check(request(Supported="timer", Session_Expires="300"))
    for text in ("x", "-5", "5x", "99999999999", ";refresher=uac"):
        with pytest.raises(SipError) as refused:
            timer.check(request(Session_Expires=text))
        assert refused.value.status == 400


@pytest.mark.parametrize(
    ("value", "is_refresher", "refresh_at", "expires_at"),
    [
        ("600;refresher=uac", True, 300.0, 568.0),
        ("600", True, 300.0, 568.0),
        ("90;refresher=uas", False, None, 60.0),
        ("5;refresher=uac", True, 45.0, 60.0),  # less than our Min-SE is not taken
        ("", False, None, None),
        ("nonsense", False, None, None),
    ],
)
def test_our_side_of_an_answer(value, is_refresher, refresh_at, expires_at):
    timer = SessionTimer(OURS)
    timer.answered(Headers([("Session-Expires", value)] if value else []), 0.0)
    assert timer.next_timeout() == (refresh_at or expires_at)
    if refresh_at:
        assert timer.due(refresh_at) is Due.REFRESH
    assert timer.is_refresher is is_refresher
    if expires_at:
        assert timer.due(expires_at - 0.1) is Due.NOTHING
        assert timer.due(expires_at) is Due.EXPIRED
    assert timer.next_timeout() is None


def test_a_422_raises_what_we_ask_for_until_it_is_no_use():
    timer = SessionTimer(OURS)
    assert timer.request_fields() == (("Session-Expires", "1800"), ("Min-SE", "90"))
    assert timer.was_too_small(Response(422, headers=Headers([("Min-SE", "3600")])))
    assert timer.request_fields() == (("Session-Expires", "3600"), ("Min-SE", "3600"))
    for same in ("3600", "", "x"):
        assert not timer.was_too_small(Response(422, headers=Headers([("Min-SE", same)])))


def test_switched_off():
    timer = SessionTimer(TimerSettings(0))
    assert timer.request_fields() == ()
    assert timer.answer_fields(request(Supported="timer", Session_Expires="600"), 0.0) == ()
    timer.answered(Headers([("Session-Expires", "600")]), 0.0)
    assert timer.next_timeout() is None


@settings(max_examples=100, deadline=None)
@given(st.text("0123456789;=refreshuacs \t,x", max_size=30), st.text("0123456789;x ", max_size=12))
def test_any_header_is_understood_or_refused(expires, minimum):
    timer = SessionTimer(OURS)
    asked = request(Supported="timer", Session_Expires=expires, Min_SE=minimum)
    try:
        timer.check(asked)
    except SipError as error:
        assert error.status in (400, 422)
        return
    timer.answer_fields(asked, 0.0)
    timer.answered(asked.headers, 0.0)


# ---- whole sessions ------------------------------------------------------------------------------------------------


def talking(network: Network, a_timers: TimerSettings, b_timers: TimerSettings) -> tuple[Peer, Peer]:
    a = network.peer("10.0.0.1")
    b = network.peers.get(("10.0.0.2", 5060)) or network.peer("10.0.0.2")
    a.agent.timers, b.agent.timers = a_timers, b_timers
    b.answers_at_once = b"answer"
    for peer in (a, b):
        peer.answers = lambda body, peer=peer: peer.session.accept(b"again", network.now)
    a.call(b)
    network.run(0.3)
    return a, b


def test_refreshed_by_update_for_hours():
    network = Network()
    a, b = talking(network, OURS, OURS)
    network.run(4 * 3600.0)
    assert 14 <= network.sent("UPDATE") <= 16
    assert network.sent("INVITE") == 1
    assert a.names() == ["Answered"]
    assert b.names() == ["Confirmed"]
    assert a.session.timer.expires_s == b.session.timer.expires_s == 1800
    update = next(data for data in network.log if data.startswith(b"UPDATE"))
    assert b"\r\nSession-Expires: 1800;refresher=uac\r\n" in update


def test_refreshed_by_reinvite_where_update_is_not_known():
    network = Network()
    b = network.peer("10.0.0.2")
    del b.agent.inbound.methods["UPDATE"]
    a, b = talking(network, OURS, OURS)
    network.run(2000.0)
    assert network.sent("UPDATE") == 0
    assert b.names() == ["Confirmed", "Offered", "Confirmed", "Offered", "Confirmed"]
    assert b"\r\n\r\noffer" in [data for data in network.log if data.startswith(b"INVITE")][-1]
    assert a.names() == ["Answered"]  # nothing changed, so nobody has to know
    assert b.session.state is SessionState.ESTABLISHED


def test_refused_update_becomes_a_reinvite():
    network = Network()
    _a, b = talking(network, OURS, OURS)
    del b.agent.inbound.methods["UPDATE"]
    network.run(1000.0)
    assert network.sent("UPDATE") == 1
    assert b.names() == ["Confirmed", "Offered", "Confirmed"]
    network.run(2000.0)
    assert network.sent("UPDATE") == 1


def test_a_peer_that_stops_refreshing_is_hung_up_on():
    network = Network()
    a, b = talking(network, OURS, TimerSettings(300, 90))
    assert b.session.timer.expires_s == 300
    network.drop = lambda data: True
    network.run(267.0)
    assert b.names() == ["Confirmed"]
    assert a.events[-1] == Ended("gone")  # its refresh at half time had no answer
    network.run(270.0)
    assert b.events[-1] == Ended("expired")  # 32 s before its time
    network.run(400.0)
    assert a.agent.sessions == b.agent.sessions == []


def test_422_is_followed():
    network = Network()
    a, b = talking(network, TimerSettings(100, 90), TimerSettings(1800, 600))
    assert network.sent("SIP/2.0 422") == 1
    assert len(b.incoming) == 1
    assert a.names() == ["Answered"]
    assert a.session.timer.expires_s == b.session.timer.expires_s == 600
    first, second = (data for data in network.log if data.startswith(b"INVITE"))
    assert b"\r\nCSeq: 2 INVITE\r\n" in second
    assert b"\r\nMin-SE: 600\r\n" in second
    assert (call_id := b"\r\nCall-ID: 10.0.0.1-") in first and call_id in second


def test_a_refresh_that_nobody_answers_ends_the_call():
    network = Network()
    a, _b = talking(network, OURS, OURS)
    network.run(899.0)
    network.drop = lambda data: data.startswith((b"UPDATE", b"SIP/2.0 200"))
    network.run(940.0)
    assert a.events[-1] == Ended("gone")
