"""The attendant: asks for the room, then for its passcode, says what went wrong, and lets go after three tries.

Pure: facts and `now` (seconds of a steady clock) come in, actions come out; the gate is asked by an action and its
result is a fact. The tries of passcodes are counted by the gate, those of room numbers here.

    attendant.start(now);  attendant.receive_digit("1", now);  attendant.refused(reason, now)
    attendant.next_action() -> Action | None
    attendant.next_timeout() -> float | None;  attendant.handle_timeout(now)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import ClassVar

from config.attendant import AttendantSettings
from signaling.attendant import words
from signaling.attendant.actions import Action, Ask, Enter, EnterTestRoom, HangUp, Say, Show
from signaling.attendant.entry import MAX_DIGITS, Entry
from signaling.refusal import Refusal, WaitReason


class State(Enum):
    """Where the conversation stands."""

    NEW = auto()
    ASKING_ROOM = auto()
    ASKING_PASSCODE = auto()
    CHECKING = auto()
    """The gate is looking."""
    WAITING = auto()
    """Admitted, but a host or the lock is waited for."""
    LEAVING = auto()
    """The good-bye is being said."""
    OVER = auto()


class Input(Enum):
    """What may happen."""

    START = auto()
    DIGIT = auto()
    CLEAR = auto()
    END = auto()
    SILENCE = auto()
    PATIENCE_OVER = auto()
    NEEDS_PASSCODE = auto()
    UNKNOWN = auto()
    WRONG = auto()
    REFUSED = auto()
    MUST_WAIT = auto()
    ADMITTED = auto()


_PROMPTS = {
    Refusal.UNKNOWN_ROOM: "attendant-unknown-room",
    Refusal.PASSCODE_WRONG: "attendant-wrong-passcode",
    Refusal.TOO_MANY_TRIES: "attendant-too-many-tries",
    Refusal.SLOW_DOWN: "attendant-too-many-tries",
    Refusal.FULL: "attendant-room-full",
    Refusal.LOCKED: "not-let-in",
    Refusal.NOT_LET_IN: "not-let-in",
    Refusal.ENCRYPTION_REQUIRED: "attendant-encryption-required",
}
_ANNOUNCEMENTS = {WaitReason.HOST: "waiting-for-host", WaitReason.LOCKED: "waiting-locked"}
_KINDS = {
    Refusal.PASSCODE_REQUIRED: Input.NEEDS_PASSCODE,
    Refusal.UNKNOWN_ROOM: Input.UNKNOWN,
    Refusal.PASSCODE_WRONG: Input.WRONG,
}


class Attendant:
    """One caller before a room."""

    def __init__(self, settings: AttendantSettings, room: str = "") -> None:
        self.state = State.NEW
        self.room = room
        """What was dialled or keyed in last; only the gate knows whether there is such a room."""
        self._settings = settings
        self._entry = Entry()
        self._ahead: deque[str] = deque(maxlen=MAX_DIGITS)
        self._tries_left = settings.tries
        self._prompts_left = settings.max_prompts
        self._refusal = Refusal.UNKNOWN_ROOM
        self._reason = WaitReason.HOST
        self._note = ""
        self._deadline: float | None = None
        self._asking_until = 0.0
        self._actions: deque[Action] = deque()

    # ---- what happens -----------------------------------------------------------------------------------------

    def start(self, now: float, refusal: Refusal | None = None) -> None:
        """Ask for the room, or for what is missing after `refusal` was the gate's answer to the room dialled."""
        if refusal is None:
            self._step(Input.START, now)
        else:
            self.refused(refusal, now)

    def receive_digit(self, digit: str, now: float) -> None:
        """A key was pressed; what comes while the gate looks is kept for what may be asked next."""
        if self.state is State.CHECKING:
            self._ahead.append(digit)
        elif digit == "#":
            self._step(Input.END if self._entry else Input.SILENCE, now)
        elif digit == "*":
            self._step(Input.CLEAR, now)
        else:
            self._step(Input.DIGIT, now, digit)

    def admitted(self, now: float) -> None:
        """The gate is open."""
        self._step(Input.ADMITTED, now)

    def waiting(self, reason: WaitReason, now: float) -> None:
        """The gate would open, but for this."""
        self._reason = reason
        self._step(Input.MUST_WAIT, now)

    def refused(self, reason: Refusal, now: float) -> None:
        """The gate stays shut."""
        self._refusal = reason
        self._step(_KINDS.get(reason, Input.REFUSED), now)

    # ---- what to do -------------------------------------------------------------------------------------------

    def next_action(self) -> Action | None:
        """What has to be done next; None for nothing."""
        return self._actions.popleft() if self._actions else None

    def next_timeout(self) -> float | None:
        """When handle_timeout() is due."""
        return self._deadline

    def handle_timeout(self, now: float) -> None:
        """Time has passed without a digit."""
        if self._deadline is None or now < self._deadline:
            return
        is_asking = self.state in (State.ASKING_ROOM, State.ASKING_PASSCODE)
        if is_asking and (now >= self._asking_until or (self._prompts_left <= 0 and not self._entry)):
            self._step(Input.PATIENCE_OVER, now)
        else:
            self._step(Input.END if is_asking and self._entry else Input.SILENCE, now)

    # ---- the machine ------------------------------------------------------------------------------------------

    def _step(self, happened: Input, now: float, digit: str = "") -> None:
        """One arrow of the table; a pair that is missing there has no meaning and changes nothing."""
        found = self._TRANSITIONS.get((self.state, happened))
        if found is None:
            return
        if self.state is State.NEW:
            self._asking_until = now + self._settings.max_asking_s
        action, self.state = found
        if digit:
            self._entry.add(digit)
        detour = action(self)
        if detour is not None:
            self._step(detour, now)
            return
        self._deadline = self._next_deadline(now)
        ahead = list(self._ahead) if self.state is State.ASKING_PASSCODE else []
        if self.state is not State.CHECKING:
            self._ahead.clear()
        for waiting_digit in ahead:
            self.receive_digit(waiting_digit, now)

    def _next_deadline(self, now: float) -> float | None:
        settings = self._settings
        if self.state in (State.ASKING_ROOM, State.ASKING_PASSCODE):
            due = now + (settings.digit_timeout_s if self._entry else settings.prompt_interval_s)
            return min(due, max(now, self._asking_until))
        if self.state is State.WAITING:
            self._asking_until = now + settings.max_asking_s
            return now + settings.announcement_interval_s
        return now + settings.goodbye_s if self.state is State.LEAVING else None

    def _do(self, *actions: Action) -> None:
        self._actions.extend(actions)

    # Actions. One that returns an input takes that arrow at once.

    def _ask_room(self) -> Input | None:
        self._prompts_left -= 1
        self._do(Show(words.room_panel("", self._note)), Say(("attendant-welcome-room",)))
        return None

    def _ask_passcode(self) -> Input | None:
        self._prompts_left -= 1
        self._do(Show(words.passcode_panel(self.room, "")), Say(("attendant-passcode",)))
        return None

    def _begin_passcode(self) -> Input | None:
        self._prompts_left = self._settings.max_prompts
        return self._ask_passcode()

    def _type_room(self) -> Input | None:
        self._typed(Show(words.room_panel(self._entry.digits)))
        return None

    def _type_passcode(self) -> Input | None:
        self._typed(Show(words.passcode_panel(self.room, self._entry.dots)))
        return None

    def _clear_room(self) -> Input | None:
        self._entry.clear()
        return self._type_room()

    def _clear_passcode(self) -> Input | None:
        self._entry.clear()
        return self._type_passcode()

    def _typed(self, show: Show) -> None:
        self._note = ""
        self._prompts_left = self._settings.max_prompts
        self._do(show, Say((), is_interrupting=True))

    def _try_room(self) -> Input | None:
        self.room = self._entry.take()
        if self._settings.is_test_room(self.room):
            self._do(EnterTestRoom())
        else:
            self._do(Show(words.checking_panel(self.room)), Ask(self.room))
        return None

    def _try_passcode(self) -> Input | None:
        self._do(Show(words.checking_panel(self._entry.dots)), Ask(self.room, self._entry.take()))
        return None

    def _room_was_wrong(self) -> Input | None:
        self._tries_left -= 1
        if self._tries_left <= 0:
            return Input.PATIENCE_OVER
        self._note = words.note_of(self._refusal)
        self._do(Say(("attendant-unknown-room",), is_interrupting=True))
        return self._ask_room()

    def _passcode_was_wrong(self) -> Input | None:
        note = words.note_of(self._refusal)
        self._prompts_left = self._settings.max_prompts
        self._do(
            Show(words.passcode_panel(self.room, "", note)),
            Say(("attendant-wrong-passcode", "attendant-passcode"), is_interrupting=True),
        )
        return None

    def _ask_changed_passcode(self) -> Input | None:
        self._do(
            Show(words.passcode_panel(self.room, "", words.note_of(Refusal.PASSCODE_REQUIRED))),
            Say(("attendant-passcode",), is_interrupting=True),
        )
        return None

    def _announce(self) -> Input | None:
        self._do(Show(words.waiting_panel(self.room, self._reason)), Say((_ANNOUNCEMENTS[self._reason],)))
        return None

    def _say_why(self) -> Input | None:
        prompt = _PROMPTS.get(self._refusal)
        self._do(
            Show(words.goodbye_panel(words.note_of(self._refusal))),
            Say((*((prompt,) if prompt else ()), "attendant-goodbye"), is_interrupting=True),
        )
        return None

    def _say_goodbye(self) -> Input | None:
        has_tried = self._tries_left < self._settings.tries
        self._refusal = Refusal.TOO_MANY_TRIES
        if has_tried:
            return self._say_why()
        self._do(Show(words.goodbye_panel(words.NO_ENTRY)), Say(("attendant-goodbye",), is_interrupting=True))
        return None

    def _enter(self) -> Input | None:
        self._do(Enter())
        return None

    def _hang_up(self) -> Input | None:
        self._do(HangUp())
        return None

    # The arrows, in the order of the states.
    _TRANSITIONS: ClassVar[dict[tuple[State, Input], tuple[Callable[[Attendant], Input | None], State]]] = {
        (State.NEW, Input.START): (_ask_room, State.ASKING_ROOM),
        (State.NEW, Input.UNKNOWN): (_room_was_wrong, State.ASKING_ROOM),
        (State.NEW, Input.NEEDS_PASSCODE): (_begin_passcode, State.ASKING_PASSCODE),
        # Callers who were admitted already, and wait at most.
        (State.NEW, Input.ADMITTED): (_enter, State.OVER),
        (State.NEW, Input.MUST_WAIT): (_announce, State.WAITING),
        (State.NEW, Input.REFUSED): (_say_why, State.LEAVING),
        (State.ASKING_ROOM, Input.DIGIT): (_type_room, State.ASKING_ROOM),
        (State.ASKING_ROOM, Input.CLEAR): (_clear_room, State.ASKING_ROOM),
        (State.ASKING_ROOM, Input.END): (_try_room, State.CHECKING),
        (State.ASKING_ROOM, Input.SILENCE): (_ask_room, State.ASKING_ROOM),
        (State.ASKING_ROOM, Input.PATIENCE_OVER): (_say_goodbye, State.LEAVING),
        (State.ASKING_PASSCODE, Input.DIGIT): (_type_passcode, State.ASKING_PASSCODE),
        (State.ASKING_PASSCODE, Input.CLEAR): (_clear_passcode, State.ASKING_PASSCODE),
        (State.ASKING_PASSCODE, Input.END): (_try_passcode, State.CHECKING),
        (State.ASKING_PASSCODE, Input.SILENCE): (_ask_passcode, State.ASKING_PASSCODE),
        (State.ASKING_PASSCODE, Input.PATIENCE_OVER): (_say_goodbye, State.LEAVING),
        (State.CHECKING, Input.NEEDS_PASSCODE): (_begin_passcode, State.ASKING_PASSCODE),
        (State.CHECKING, Input.UNKNOWN): (_room_was_wrong, State.ASKING_ROOM),
        (State.CHECKING, Input.WRONG): (_passcode_was_wrong, State.ASKING_PASSCODE),
        (State.CHECKING, Input.REFUSED): (_say_why, State.LEAVING),
        (State.CHECKING, Input.MUST_WAIT): (_announce, State.WAITING),
        (State.CHECKING, Input.ADMITTED): (_enter, State.OVER),
        (State.WAITING, Input.MUST_WAIT): (_announce, State.WAITING),
        (State.WAITING, Input.SILENCE): (_announce, State.WAITING),
        (State.WAITING, Input.ADMITTED): (_enter, State.OVER),
        (State.WAITING, Input.NEEDS_PASSCODE): (_ask_changed_passcode, State.ASKING_PASSCODE),
        # The room was deleted, or blocked in between: nothing tells the two apart.
        (State.WAITING, Input.UNKNOWN): (_room_was_wrong, State.ASKING_ROOM),
        (State.WAITING, Input.REFUSED): (_say_why, State.LEAVING),
        (State.LEAVING, Input.SILENCE): (_hang_up, State.OVER),
    }
