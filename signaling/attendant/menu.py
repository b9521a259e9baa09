"""The menu of a remote control inside a room: `*` opens it, one digit does something, `*` or time closes it.

Pure, like the attendant: digits, facts and `now` come in, actions come out. Nothing is on the menu that the caller may
not do; the shell asks the conference and the gate.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import ClassVar

from config.attendant import AttendantSettings
from signaling.attendant.actions import HangUp, Say, Show
from signaling.attendant.entry import Entry
from signaling.attendant.words import host_panel, menu_panel, note_of
from signaling.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Facts:
    """What the menu depends on, as it is when a digit comes."""

    is_host: bool = False
    is_muted: bool = False
    has_hand_raised: bool = False
    waiting: int = 0
    """Who came first of those outside; 0 where nobody waits."""
    waiting_name: str = ""


@dataclass(frozen=True, slots=True)
class Mute:
    """Mute or unmute the caller."""

    is_muted: bool


@dataclass(frozen=True, slots=True)
class NextLayout:
    """Arrange the picture otherwise, for all."""


@dataclass(frozen=True, slots=True)
class NextOwnLayout:
    """Arrange the caller's own picture otherwise."""


@dataclass(frozen=True, slots=True)
class RaiseHand:
    """Raise the caller's hand, or lower it."""

    is_raised: bool


@dataclass(frozen=True, slots=True)
class LetIn:
    """Let one in who waits outside."""

    waiting: int


@dataclass(frozen=True, slots=True)
class BecomeHost:
    """Ask the gate; its result comes back as promoted() or refused()."""

    passcode: str = field(repr=False)


MenuAction = Show | Say | HangUp | Mute | NextLayout | NextOwnLayout | RaiseHand | LetIn | BecomeHost


class State(Enum):
    """What is open."""

    CLOSED = auto()
    OPEN = auto()
    ASKING_PASSCODE = auto()
    CHECKING = auto()
    """The gate looks at the host passcode."""


class Input(Enum):
    """What may happen."""

    OPEN = auto()
    CLOSE = auto()
    MUTE = auto()
    LAYOUT = auto()
    OWN_LAYOUT = auto()
    HOST = auto()
    HAND = auto()
    LET_IN = auto()
    LEAVE = auto()
    DIGIT = auto()
    CLEAR = auto()
    END = auto()
    PROMOTED = auto()
    WRONG = auto()
    REFUSED = auto()


_KEYS = {"1": Input.MUTE, "4": Input.HAND, "0": Input.LEAVE, "*": Input.CLOSE}
_GUEST_KEYS = _KEYS | {"2": Input.OWN_LAYOUT, "3": Input.HOST}
_HOST_KEYS = _KEYS | {"2": Input.LAYOUT}
_PROMPTS = {
    Refusal.PASSCODE_WRONG: "attendant-wrong-passcode",
    Refusal.ENCRYPTION_REQUIRED: "attendant-encryption-required",
}


class Menu:
    """One caller's remote control."""

    def __init__(self, settings: AttendantSettings) -> None:
        self.state = State.CLOSED
        self._settings = settings
        self._entry = Entry()
        self._facts = Facts()
        self._refusal = Refusal.PASSCODE_WRONG
        self._deadline: float | None = None
        self._actions: deque[MenuAction] = deque()

    def receive_digit(self, digit: str, facts: Facts, now: float) -> None:
        """A key was pressed."""
        self._facts = facts
        happened = self._meaning_of(digit)
        if happened is not None:
            self._step(happened, now, digit)

    def promoted(self, now: float) -> None:
        """The host passcode was right."""
        self._step(Input.PROMOTED, now)

    def refused(self, reason: Refusal, now: float) -> None:
        """The host passcode was not taken."""
        self._refusal = reason
        self._step(Input.WRONG if reason is Refusal.PASSCODE_WRONG else Input.REFUSED, now)

    def next_action(self) -> MenuAction | None:
        """What has to be done next; None for nothing."""
        return self._actions.popleft() if self._actions else None

    def next_timeout(self) -> float | None:
        """When handle_timeout() is due."""
        return self._deadline

    def handle_timeout(self, now: float) -> None:
        """No digit came for a while."""
        if self._deadline is not None and now >= self._deadline:
            self._step(Input.END if self._entry else Input.CLOSE, now)

    # ---- the machine ------------------------------------------------------------------------------------------

    def _meaning_of(self, digit: str) -> Input | None:
        if self.state is State.CLOSED:
            return Input.OPEN if digit == "*" else None
        if self.state is State.OPEN:
            if digit == "5" and self._facts.is_host and self._facts.waiting:
                return Input.LET_IN
            return (_HOST_KEYS if self._facts.is_host else _GUEST_KEYS).get(digit)
        if digit == "*":
            return Input.CLEAR if self._entry else Input.CLOSE
        return Input.DIGIT if digit != "#" else (Input.END if self._entry else None)

    def _step(self, happened: Input, now: float, digit: str = "") -> None:
        """One arrow of the table; a pair that is missing there has no meaning and changes nothing."""
        found = self._TRANSITIONS.get((self.state, happened))
        if found is None:
            return
        action, self.state = found
        if happened is Input.DIGIT:
            self._entry.add(digit)
        action(self)
        is_timed = self.state in (State.OPEN, State.ASKING_PASSCODE)
        self._deadline = now + self._settings.menu_timeout_s if is_timed else None

    def _do(self, *actions: MenuAction) -> None:
        self._actions.extend(actions)

    def _lines(self) -> tuple[str, ...]:
        facts = self._facts
        lines = ["1  取消静音  Unmute" if facts.is_muted else "1  静音  Mute"]
        if facts.is_host:
            lines.append("2  切换布局  Next layout")
        else:
            lines += ["2  我的布局  My layout", "3  成为主持人  Become host"]
        lines.append("4  放下手  Lower hand" if facts.has_hand_raised else "4  举手  Raise hand")
        if facts.is_host and facts.waiting:
            lines.append(f"5  允许进入  Let in: {facts.waiting_name}")
        return (*lines, "0  离开  Leave", "*  关闭  Close")

    def _open(self) -> None:
        self._do(Show(menu_panel(self._lines())), Say(("menu",), is_interrupting=True))

    def _close(self) -> None:
        self._entry.clear()
        self._do(Show(None), Say((), is_interrupting=True))

    def _mute(self) -> None:
        is_muted = not self._facts.is_muted
        self._close()
        self._do(Mute(is_muted), Say(("muted" if is_muted else "unmuted",)))

    def _hand(self) -> None:
        is_raised = not self._facts.has_hand_raised
        self._close()
        self._do(RaiseHand(is_raised), Say(("hand-raised" if is_raised else "hand-lowered",)))

    def _layout(self) -> None:
        self._do(Say((), is_interrupting=True), NextLayout())

    def _own_layout(self) -> None:
        self._do(Say((), is_interrupting=True), NextOwnLayout())

    def _let_in(self) -> None:
        self._close()
        self._do(LetIn(self._facts.waiting))

    def _leave(self) -> None:
        self._close()
        self._do(HangUp())

    def _ask_passcode(self) -> None:
        self._do(Show(host_panel("")), Say(("attendant-passcode",), is_interrupting=True))

    def _typed(self) -> None:
        self._do(Show(host_panel(self._entry.dots)), Say((), is_interrupting=True))

    def _clear(self) -> None:
        self._entry.clear()
        self._typed()

    def _try_passcode(self) -> None:
        self._do(BecomeHost(self._entry.take()))

    def _say_promoted(self) -> None:
        self._close()
        self._do(Say(("you-are-host",)))

    def _say_wrong(self) -> None:
        self._do(Show(host_panel("", note_of(self._refusal))), Say(("attendant-wrong-passcode",), is_interrupting=True))

    def _say_refused(self) -> None:
        prompt = _PROMPTS.get(self._refusal, "attendant-too-many-tries")
        self._do(Show(menu_panel(self._lines(), note_of(self._refusal))), Say((prompt,), is_interrupting=True))

    # The arrows, in the order of the states.
    _TRANSITIONS: ClassVar[dict[tuple[State, Input], tuple[Callable[[Menu], None], State]]] = {
        (State.CLOSED, Input.OPEN): (_open, State.OPEN),
        (State.OPEN, Input.CLOSE): (_close, State.CLOSED),
        (State.OPEN, Input.MUTE): (_mute, State.CLOSED),
        # Whoever looks for a layout presses the key again and again.
        (State.OPEN, Input.LAYOUT): (_layout, State.OPEN),
        (State.OPEN, Input.OWN_LAYOUT): (_own_layout, State.OPEN),
        (State.OPEN, Input.HOST): (_ask_passcode, State.ASKING_PASSCODE),
        (State.OPEN, Input.HAND): (_hand, State.CLOSED),
        (State.OPEN, Input.LET_IN): (_let_in, State.CLOSED),
        (State.OPEN, Input.LEAVE): (_leave, State.CLOSED),
        (State.ASKING_PASSCODE, Input.DIGIT): (_typed, State.ASKING_PASSCODE),
        (State.ASKING_PASSCODE, Input.CLEAR): (_clear, State.ASKING_PASSCODE),
        (State.ASKING_PASSCODE, Input.CLOSE): (_close, State.CLOSED),
        (State.ASKING_PASSCODE, Input.END): (_try_passcode, State.CHECKING),
        (State.CHECKING, Input.PROMOTED): (_say_promoted, State.CLOSED),
        (State.CHECKING, Input.WRONG): (_say_wrong, State.ASKING_PASSCODE),
        (State.CHECKING, Input.REFUSED): (_say_refused, State.OPEN),
    }
