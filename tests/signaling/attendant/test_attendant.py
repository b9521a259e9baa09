"""The attendant's core: a row an arrow, then whole conversations on a virtual clock."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.attendant import AttendantSettings
from signaling.attendant.actions import Action, Ask, Enter, EnterTestRoom, HangUp, Say, Show
from signaling.attendant.attendant import Attendant, State
from signaling.attendant.entry import DOT, MAX_DIGITS
from signaling.refusal import Refusal, WaitReason

SETTINGS = AttendantSettings()
UNTIL_GOODBYE_S = SETTINGS.max_prompts * SETTINGS.prompt_interval_s + 5


class Talk:
    """An attendant, a clock, and what was wanted so far."""

    def __init__(self, room: str = "") -> None:
        self.attendant = Attendant(SETTINGS, room)
        self.now = 100.0
        self.done: list[Action] = []

    def keys(self, keys: str) -> None:
        for key in keys:
            self.now += 0.3
            self.attendant.receive_digit(key, self.now)
        self.collect()

    def do(self, verb: str, *facts: object) -> None:
        self.now += 0.1
        if verb == "keys":
            self.keys(*facts)
        elif verb == "pass":
            self.wait(*facts)
        elif verb == "start":
            self.attendant.start(self.now, *facts)
        elif verb == "admitted":
            self.attendant.admitted(self.now)
        else:
            getattr(self.attendant, verb)(*facts, self.now)
        self.collect()

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.attendant.next_timeout()) is not None and deadline <= end:
            self.now = deadline
            self.attendant.handle_timeout(self.now)
        self.now = end
        self.collect()

    def collect(self) -> None:
        while (action := self.attendant.next_action()) is not None:
            self.done.append(action)

    @property
    def panel(self):
        return next(action.panel for action in reversed(self.done) if isinstance(action, Show))

    @property
    def said(self) -> list[str]:
        return [prompt for action in self.done if isinstance(action, Say) for prompt in action.prompts]

    @property
    def asked(self) -> list[tuple[str, str | None]]:
        return [(action.room, action.passcode) for action in self.done if isinstance(action, Ask)]


NEW = []
ASKING_ROOM = [("start",)]
CHECKING = [*ASKING_ROOM, ("keys", "1001#")]
ASKING_PASSCODE = [*CHECKING, ("refused", Refusal.PASSCODE_REQUIRED)]
WAITING = [*CHECKING, ("waiting", WaitReason.HOST)]
LEAVING = [*CHECKING, ("refused", Refusal.FULL)]
OVER = [*CHECKING, ("admitted",)]


@pytest.mark.parametrize(
    ("before", "step", "state", "said"),
    [
        (NEW, ("start",), State.ASKING_ROOM, ["attendant-welcome-room"]),
        (NEW, ("start", Refusal.UNKNOWN_ROOM), State.ASKING_ROOM, ["attendant-unknown-room", "attendant-welcome-room"]),
        (NEW, ("start", Refusal.PASSCODE_REQUIRED), State.ASKING_PASSCODE, ["attendant-passcode"]),
        (NEW, ("admitted",), State.OVER, []),
        (NEW, ("waiting", WaitReason.LOCKED), State.WAITING, ["waiting-locked"]),
        (NEW, ("refused", Refusal.ENCRYPTION_REQUIRED), State.LEAVING,
         ["attendant-encryption-required", "attendant-goodbye"]),
        (ASKING_ROOM, ("keys", "12"), State.ASKING_ROOM, []),
        (ASKING_ROOM, ("keys", "12*"), State.ASKING_ROOM, []),
        (ASKING_ROOM, ("keys", "#"), State.ASKING_ROOM, ["attendant-welcome-room"]),
        (ASKING_ROOM, ("keys", "12#"), State.CHECKING, []),
        (ASKING_ROOM, ("pass", SETTINGS.prompt_interval_s), State.ASKING_ROOM, ["attendant-welcome-room"]),
        (ASKING_ROOM, ("pass", UNTIL_GOODBYE_S), State.LEAVING, ["attendant-welcome-room"] * 3 + ["attendant-goodbye"]),
        (CHECKING, ("refused", Refusal.UNKNOWN_ROOM), State.ASKING_ROOM,
         ["attendant-unknown-room", "attendant-welcome-room"]),
        (CHECKING, ("refused", Refusal.PASSCODE_REQUIRED), State.ASKING_PASSCODE, ["attendant-passcode"]),
        (CHECKING, ("refused", Refusal.FULL), State.LEAVING, ["attendant-room-full", "attendant-goodbye"]),
        (CHECKING, ("refused", Refusal.CAPACITY), State.LEAVING, ["attendant-goodbye"]),
        (CHECKING, ("refused", Refusal.SLOW_DOWN), State.LEAVING, ["attendant-too-many-tries", "attendant-goodbye"]),
        (CHECKING, ("waiting", WaitReason.HOST), State.WAITING, ["waiting-for-host"]),
        (CHECKING, ("admitted",), State.OVER, []),
        (CHECKING, ("pass", 900.0), State.CHECKING, []),
        (ASKING_PASSCODE, ("keys", "24"), State.ASKING_PASSCODE, []),
        (ASKING_PASSCODE, ("keys", "24*"), State.ASKING_PASSCODE, []),
        (ASKING_PASSCODE, ("keys", "24#"), State.CHECKING, []),
        (ASKING_PASSCODE, ("keys", "#"), State.ASKING_PASSCODE, ["attendant-passcode"]),
        (ASKING_PASSCODE, ("pass", UNTIL_GOODBYE_S), State.LEAVING, ["attendant-passcode"] * 3 + ["attendant-goodbye"]),
        ([*ASKING_PASSCODE, ("keys", "1#")], ("refused", Refusal.PASSCODE_WRONG), State.ASKING_PASSCODE,
         ["attendant-wrong-passcode", "attendant-passcode"]),
        ([*ASKING_PASSCODE, ("keys", "1#")], ("refused", Refusal.TOO_MANY_TRIES), State.LEAVING,
         ["attendant-too-many-tries", "attendant-goodbye"]),
        ([*ASKING_PASSCODE, ("keys", "1#")], ("refused", Refusal.UNKNOWN_ROOM), State.ASKING_ROOM,
         ["attendant-unknown-room", "attendant-welcome-room"]),
        (WAITING, ("waiting", WaitReason.LOCKED), State.WAITING, ["waiting-locked"]),
        (WAITING, ("pass", 60.0), State.WAITING, ["waiting-for-host"] * 2),
        (WAITING, ("keys", "12"), State.WAITING, []),
        (WAITING, ("admitted",), State.OVER, []),
        (WAITING, ("refused", Refusal.PASSCODE_REQUIRED), State.ASKING_PASSCODE, ["attendant-passcode"]),
        (WAITING, ("refused", Refusal.UNKNOWN_ROOM), State.ASKING_ROOM,
         ["attendant-unknown-room", "attendant-welcome-room"]),
        (WAITING, ("refused", Refusal.NOT_LET_IN), State.LEAVING, ["not-let-in", "attendant-goodbye"]),
        (LEAVING, ("keys", "1"), State.LEAVING, []),
        (LEAVING, ("admitted",), State.LEAVING, []),
        (LEAVING, ("pass", SETTINGS.goodbye_s), State.OVER, []),
        (OVER, ("keys", "1#"), State.OVER, []),
        (OVER, ("refused", Refusal.FULL), State.OVER, []),
    ],
)  # fmt: skip
def test_arrows(before, step, state, said):
    talk = Talk()
    for earlier in before:
        talk.do(*earlier)
    talk.done.clear()
    talk.do(*step)
    assert (talk.attendant.state, talk.said) == (state, said)


def test_from_the_first_prompt_into_the_room():
    talk = Talk()
    talk.do("start")
    talk.keys("100")
    assert talk.panel.entry == "100"
    talk.keys("1#")
    assert talk.asked == [("1001", None)]
    talk.do("refused", Refusal.PASSCODE_REQUIRED)
    talk.keys("246")
    assert talk.panel.entry == DOT * 3
    talk.keys("8#")
    assert talk.asked[-1] == ("1001", "2468")
    talk.do("admitted")
    assert talk.done[-1] == Enter()
    assert "2468" not in repr([action for action in talk.done if not isinstance(action, Show)])
    assert all("2" not in action.panel.entry for action in talk.done[-8:] if isinstance(action, Show))


def test_a_digit_cuts_the_prompt_short():
    talk = Talk()
    talk.do("start")
    talk.keys("1")
    assert talk.done[-1] == Say((), is_interrupting=True)


def test_a_pause_ends_the_entry_like_the_hash_key():
    talk = Talk()
    talk.do("start")
    talk.keys("1001")
    talk.wait(4.9)
    assert talk.asked == []
    talk.wait(0.2)
    assert talk.asked == [("1001", None)]


def test_star_begins_again():
    talk = Talk()
    talk.do("start")
    talk.keys("99*1001#")
    assert talk.asked == [("1001", None)]
    talk.do("refused", Refusal.PASSCODE_REQUIRED)
    talk.keys("99*")
    assert talk.panel.entry == ""
    talk.keys("2468#")
    assert talk.asked[-1] == ("1001", "2468")


def test_three_unknown_rooms_then_goodbye():
    talk = Talk()
    talk.do("start")
    for _ in range(3):
        assert talk.attendant.state is State.ASKING_ROOM
        talk.keys("7777#")
        talk.do("refused", Refusal.UNKNOWN_ROOM)
    assert talk.attendant.state is State.LEAVING
    assert talk.said[-2:] == ["attendant-too-many-tries", "attendant-goodbye"]
    assert "Too many" in talk.panel.note
    talk.wait(SETTINGS.goodbye_s)
    assert talk.done[-1] == HangUp()


def test_an_unknown_number_that_was_dialled_is_the_first_try():
    talk = Talk("7777")
    talk.do("start", Refusal.UNKNOWN_ROOM)
    assert "no such room" in talk.panel.note
    for _ in range(2):
        talk.keys("7777#")
        talk.do("refused", Refusal.UNKNOWN_ROOM)
    assert talk.attendant.state is State.LEAVING


def test_what_went_wrong_is_shown_until_the_next_digit():
    talk = Talk()
    for step in (("start",), ("keys", "1#"), ("refused", Refusal.UNKNOWN_ROOM)):
        talk.do(*step)
    assert talk.panel.note
    talk.keys("1")
    assert talk.panel.note == ""


def test_digits_keyed_ahead_are_for_the_passcode():
    talk = Talk()
    talk.do("start")
    talk.keys("1001#2468#")
    assert talk.asked == [("1001", None)]
    talk.do("refused", Refusal.PASSCODE_REQUIRED)
    assert talk.asked[-1] == ("1001", "2468")


def test_digits_keyed_ahead_open_no_other_room():
    talk = Talk()
    talk.do("start")
    talk.keys("7777#2468#")
    talk.do("refused", Refusal.UNKNOWN_ROOM)
    assert talk.asked == [("7777", None)]
    assert talk.panel.entry == ""


def test_the_test_room_is_a_number_too():
    talk = Talk()
    talk.do("start")
    talk.keys(SETTINGS.test_number + "#")
    assert talk.done[-1] == EnterTestRoom()
    assert talk.asked == []


def test_nobody_stays_for_ever():
    """Who keeps the entry alive with * is heard out in the end."""
    talk = Talk()
    talk.do("start")
    while talk.attendant.state is State.ASKING_ROOM and talk.now < 1000:
        talk.keys("1*")
        talk.wait(10.0)
    assert talk.attendant.state is State.LEAVING
    assert talk.now < 100 + SETTINGS.max_asking_s + 20


def test_who_was_still_keying_in_at_the_end_is_hung_up_on_too():
    talk = Talk()
    talk.do("start")
    while talk.attendant.state is State.ASKING_ROOM:
        talk.keys("1*1")
        talk.wait(4.0)
    talk.attendant.handle_timeout(talk.now + SETTINGS.goodbye_s)
    talk.collect()
    assert talk.done[-1] == HangUp()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("keys"), st.text("0123456789*#ABCD", max_size=60)),
            st.tuples(st.just("pass"), st.floats(0, 400)),
            st.tuples(st.just("refused"), st.sampled_from(list(Refusal))),
            st.tuples(st.just("waiting"), st.sampled_from(list(WaitReason))),
            st.tuples(st.just("admitted")),
        ),
        max_size=12,
    )
)
def test_whatever_happens(steps):
    """Nothing raises; one goes in at most once; what is keyed in and what is shown stay bounded; it ends."""
    talk = Talk()
    talk.do("start")
    for step in steps:
        talk.do(*step)
        if talk.attendant.state in (State.ASKING_ROOM, State.ASKING_PASSCODE):
            assert talk.attendant.next_timeout() is not None
    assert talk.done.count(Enter()) + talk.done.count(HangUp()) <= 1
    assert all(len(room) <= MAX_DIGITS and len(passcode or "") <= MAX_DIGITS for room, passcode in talk.asked)
    if talk.attendant.state in (State.ASKING_ROOM, State.ASKING_PASSCODE, State.LEAVING):
        talk.wait(2000)
        assert talk.attendant.state in (State.CHECKING, State.OVER)
