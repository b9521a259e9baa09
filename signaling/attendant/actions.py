"""What the cores of the attendant want done; the shells carry it out in this order."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcu.worker.messages import Panel


@dataclass(frozen=True, slots=True)
class Show:
    """The caller is to see this; None takes the picture away."""

    panel: Panel | None


@dataclass(frozen=True, slots=True)
class Say:
    """The caller is to hear these prompts one after the other."""

    prompts: tuple[str, ...]
    is_interrupting: bool = False
    """Cut short what is still being said: the caller has pressed a digit."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the gate; its result comes back as admitted(), waiting() or refused()."""

    room: str
    passcode: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Enter:
    """The gate is open: take the caller into the room."""


@dataclass(frozen=True, slots=True)
class EnterTestRoom:
    """Give the caller their own sound and picture back."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Action = Show | Say | Ask | Enter | EnterTestRoom | HangUp
