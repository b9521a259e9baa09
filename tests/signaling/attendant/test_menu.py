"""The menu of a remote control: a row an arrow, then what is on it for whom."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.attendant import AttendantSettings
from signaling.attendant.actions import HangUp, Say, Show
from signaling.attendant.entry import DOT
from signaling.attendant.menu import BecomeHost, Facts, LetIn, Menu, Mute, NextLayout, NextOwnLayout, RaiseHand, State
from signaling.refusal import Refusal

SETTINGS = AttendantSettings()
GUEST, HOST = Facts(), Facts(is_host=True)
MUTED, WITH_HAND = Facts(is_muted=True), Facts(has_hand_raised=True)
KNOCKED = Facts(is_host=True, waiting=7, waiting_name="Ward 3 (ward3)")


class Remote:
    def __init__(self, facts: Facts = GUEST) -> None:
        self.menu = Menu(SETTINGS)
        self.facts = facts
        self.now = 10.0
        self.done = []

    def keys(self, keys: str) -> None:
        for key in keys:
            self.now += 0.3
            self.menu.receive_digit(key, self.facts, self.now)
        self.collect()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.menu.handle_timeout(self.now)
        self.collect()

    def collect(self) -> None:
        while (action := self.menu.next_action()) is not None:
            self.done.append(action)

    @property
    def verbs(self):
        return [action for action in self.done if not isinstance(action, Show | Say)]

    @property
    def panel(self):
        return next(action.panel for action in reversed(self.done) if isinstance(action, Show))

    @property
    def said(self) -> list[str]:
        return [prompt for action in self.done if isinstance(action, Say) for prompt in action.prompts]


@pytest.mark.parametrize(
    ("facts", "keys", "verbs", "said", "state"),
    [
        (GUEST, "123", [], [], State.CLOSED),
        (GUEST, "*", [], ["menu"], State.OPEN),
        (GUEST, "**", [], ["menu"], State.CLOSED),
        (GUEST, "*1", [Mute(True)], ["menu", "muted"], State.CLOSED),
        (MUTED, "*1", [Mute(False)], ["menu", "unmuted"], State.CLOSED),
        (GUEST, "*22", [NextOwnLayout(), NextOwnLayout()], ["menu"], State.OPEN),
        (HOST, "*22", [NextLayout(), NextLayout()], ["menu"], State.OPEN),
        (GUEST, "*3", [], ["menu", "attendant-passcode"], State.ASKING_PASSCODE),
        (HOST, "*3", [], ["menu"], State.OPEN),
        (GUEST, "*397*", [], ["menu", "attendant-passcode"], State.ASKING_PASSCODE),
        (GUEST, "*3*", [], ["menu", "attendant-passcode"], State.CLOSED),
        (GUEST, "*3#", [], ["menu", "attendant-passcode"], State.ASKING_PASSCODE),
        (GUEST, "*3975#", [BecomeHost("975")], ["menu", "attendant-passcode"], State.CHECKING),
        (GUEST, "*4", [RaiseHand(True)], ["menu", "hand-raised"], State.CLOSED),
        (WITH_HAND, "*4", [RaiseHand(False)], ["menu", "hand-lowered"], State.CLOSED),
        (GUEST, "*5", [], ["menu"], State.OPEN),
        (HOST, "*5", [], ["menu"], State.OPEN),
        (KNOCKED, "*5", [LetIn(7)], ["menu"], State.CLOSED),
        (GUEST, "*0", [HangUp()], ["menu"], State.CLOSED),
        (GUEST, "*9#", [], ["menu"], State.OPEN),
    ],
)
def test_keys(facts, keys, verbs, said, state):
    remote = Remote(facts)
    remote.keys(keys)
    assert (remote.verbs, remote.said, remote.menu.state) == (verbs, said, state)


def test_what_is_on_the_menu_for_whom():
    remote = Remote(KNOCKED)
    remote.keys("*")
    lines = " ".join(remote.panel.lines)
    assert "Next layout" in lines and "Let in: Ward 3 (ward3)" in lines and "host" not in lines.lower()
    remote = Remote()
    remote.keys("*")
    lines = " ".join(remote.panel.lines)
    assert "Next layout" not in lines and "Let in" not in lines and "My layout" in lines and "Become host" in lines


def test_time_closes_it_and_takes_the_picture_away():
    remote = Remote()
    remote.keys("*")
    remote.wait(SETTINGS.menu_timeout_s - 0.1)
    assert remote.menu.state is State.OPEN
    remote.wait(0.2)
    assert (remote.menu.state, remote.panel, remote.menu.next_timeout()) == (State.CLOSED, None, None)


def test_the_host_passcode_is_dots_and_a_pause_ends_it():
    remote = Remote()
    remote.keys("*399*")
    assert remote.panel.entry == ""
    remote.keys("97")
    assert remote.panel.entry == DOT * 2
    remote.wait(SETTINGS.menu_timeout_s + 0.1)
    assert remote.verbs == [BecomeHost("97")]
    assert "97" not in repr(remote.verbs)


def test_right_wrong_and_too_often():
    remote = Remote()
    remote.keys("*31#")
    remote.menu.refused(Refusal.PASSCODE_WRONG, remote.now)
    remote.collect()
    assert (remote.menu.state, remote.said[-1]) == (State.ASKING_PASSCODE, "attendant-wrong-passcode")
    assert "Wrong passcode" in remote.panel.note
    remote.keys("2#")
    remote.menu.refused(Refusal.TOO_MANY_TRIES, remote.now)
    remote.collect()
    assert (remote.menu.state, remote.said[-1]) == (State.OPEN, "attendant-too-many-tries")
    remote.keys("33#")
    remote.menu.promoted(remote.now)
    remote.collect()
    assert (remote.menu.state, remote.said[-1], remote.panel) == (State.CLOSED, "you-are-host", None)


@settings(max_examples=100, deadline=None)
@given(st.text("0123456789*#ABCD", max_size=80), st.sampled_from([GUEST, HOST, KNOCKED]))
def test_whatever_is_keyed_in(keys, facts):
    remote = Remote(facts)
    remote.keys(keys)
    for_guests = BecomeHost | Mute | NextOwnLayout | RaiseHand | HangUp
    assert all(isinstance(verb, for_guests) for verb in remote.verbs) or facts.is_host
    remote.wait(1000)
    remote.wait(1000)
    assert remote.menu.state in (State.CLOSED, State.CHECKING)
