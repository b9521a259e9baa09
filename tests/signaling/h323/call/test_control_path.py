from __future__ import annotations

import pytest

from signaling.h323.call.causes import Cause, cause_of, reason_of
from signaling.h323.call.control_path import Carriage, ControlPath, Link
from signaling.h323.call.states import TRANSITIONS, Input
from signaling.h323.call.timers import Timer, Timers, TimerSettings
from signaling.h323.per import _TYPES, Type
from signaling.h323.q931_elements import CallState

SMALL, LARGE = ("10.0.0.1", 9), ("10.0.0.2", 1)
YES, NO, SILENT = True, False, None
TUNNEL, CONNECTION, UNDECIDED = Carriage.TUNNEL, Carriage.CONNECTION, Carriage.UNDECIDED


@pytest.mark.parametrize(
    ("offers", "heard", "carriage", "flag"),
    [
        (True, [], UNDECIDED, True),
        (True, [(YES, False, False)], TUNNEL, True),
        (True, [(NO, False, False)], CONNECTION, False),
        (True, [(SILENT, False, False)], UNDECIDED, True),
        (True, [(NO, True, False)], UNDECIDED, True),
        (True, [(NO, True, False), (YES, False, False)], TUNNEL, True),
        (True, [(YES, False, False), (NO, False, False)], CONNECTION, False),
        (True, [(YES, False, True), (NO, False, False)], TUNNEL, True),
        (True, [(NO, False, False), (YES, False, True)], CONNECTION, False),
        (False, [], CONNECTION, False),
        (False, [(YES, False, True)], CONNECTION, False),
    ],
)
def test_flags_decide_on_the_tunnel(offers, heard, carriage, flag):
    path = ControlPath(offers)
    for word in heard:
        path.hear(*word)
    assert (path.carriage, path.flag) == (carriage, flag)


def test_in_a_tunnel_no_connection_is_made():
    path = ControlPath(True)
    path.hear(YES, False, False)
    path.hear_address(LARGE, is_start=False)
    assert path.address_to_open() is None
    assert not path.must_listen()
    assert path.can_send


def test_an_address_is_opened_once():
    path = ControlPath(False)
    path.hear_address(LARGE, is_start=False)
    assert not path.must_listen()
    assert path.address_to_open() == LARGE
    path.hear_address(LARGE, is_start=False)
    assert path.address_to_open() is None
    assert path.opened()
    assert (path.can_send, path.opened()) == (True, False)
    path.hear_address(SMALL, is_start=True)
    assert (path.link, path.address_to_open()) == (Link.OPEN, None)


@pytest.mark.parametrize(("own", "theirs", "opens"), [(SMALL, LARGE, True), (LARGE, SMALL, False)])
def test_of_two_listeners_the_smaller_address_opens(own, theirs, opens):
    path = ControlPath(False)
    assert path.must_listen()
    assert not path.must_listen()
    assert path.listening(own)
    assert path.offered_address == own
    path.hear_address(theirs, is_start=True)
    assert path.address_to_open() == (theirs if opens else None)
    assert path.offered_address == (None if opens else own)


def test_before_we_listen_the_peers_address_is_taken():
    path = ControlPath(False)
    assert path.must_listen()
    path.hear_address(SMALL, is_start=True)
    assert not path.listening(LARGE)
    assert path.address_to_open() == SMALL


def test_after_one_failure_there_is_listening_and_then_nothing():
    path = ControlPath(False)
    path.hear_address(SMALL, is_start=False)
    path.address_to_open()
    assert path.lost()
    assert path.must_listen()
    assert not path.lost()
    assert path.link is Link.CLOSED
    assert not path.close()


REASONS = tuple(_TYPES[Type.USER_INFORMATION]._cont["h323-uu-pdu"]._cont["h323-message-body"]._cont[
    "releaseComplete"
]._cont["reason"]._cont)  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_cause_and_every_cause_a_reason_of_the_standard(reason):
    assert reason_of(cause_of(reason)) in REASONS
    if cause_of(reason) not in (Cause.NORMAL_CLEARING, Cause.NORMAL_UNSPECIFIED, Cause.INTERWORKING):
        assert cause_of(reason_of(cause_of(reason))) == cause_of(reason)


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("noBandwidth", 34),
        ("gatekeeperResources", 47),
        ("unreachableDestination", 3),
        ("destinationRejection", 16),
        ("invalidRevision", 88),
        ("noPermission", 127),
        ("unreachableGatekeeper", 38),
        ("gatewayResources", 42),
        ("badFormatAddress", 28),
        ("adaptiveBusy", 41),
        ("inConf", 17),
        ("undefinedReason", 31),
        ("facilityCallDeflection", 16),
        ("securityDenied", 31),
        ("calledPartyNotRegistered", 20),
        ("callerNotRegistered", 31),
        ("nonStandardReason", 127),
        ("replaceWithConferenceInvite", 31),
        ("neededFeatureNotSupported", 31),
        ("of a later version", 31),
    ],
)
def test_reasons_stand_for_causes(reason, cause):
    assert cause_of(reason) == cause  # H.225.0 table 5


@pytest.mark.parametrize(
    ("cause", "reason"),
    [(1, "calledPartyNotRegistered"), (16, "undefinedReason"), (17, "inConf"), (21, "destinationRejection"),
     (34, "noBandwidth"), (99, "undefinedReason")],
)  # fmt: skip
def test_causes_stand_for_reasons(cause, reason):
    assert reason_of(cause) == reason


def test_every_timer_has_a_time_and_ends_once():
    timers = Timers(TimerSettings(t303_s=1.0, t301_s=1.5))
    for timer in Timer:
        timers.start(timer, 0)
    assert timers.next_timeout() == 1
    assert timers.expired(0.5) == []
    assert set(timers.expired(1.5)) == {Timer.T303, Timer.T301}
    assert timers.expired(1.5) == []
    timers.stop()
    assert timers.next_timeout() is None


def test_every_state_can_be_reached_and_none_is_left_but_by_the_end():
    reached = {CallState.NULL} | set(TRANSITIONS.values())
    assert reached == set(CallState) - {CallState.CONNECT_REQUEST}
    assert {step for _, step in TRANSITIONS} == set(Input)
    assert not [state for state, _ in TRANSITIONS if state is CallState.ACTIVE]


def test_behind_firewalls_one_end_listens_and_the_other_opens():
    """H.460.18: whatever the hidden end says of itself; and it never listens."""
    server, terminal = ControlPath(False), ControlPath(False, listens=False)
    server.opens = False
    server.hear_address(SMALL, is_start=True)
    assert server.address_to_open() is None
    assert server.must_listen()
    assert not terminal.must_listen()
    terminal.hear_address(LARGE, is_start=True)
    assert terminal.address_to_open() == LARGE
