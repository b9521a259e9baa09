"""What happens in the directory, for the portal, the gate, the audit and the store."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from auth8021x.directory.session import Held, Session


class EndCause(Enum):
    """Why a session is over."""

    STOPPED = "stopped"
    """Its end was told."""
    REPLACED = "replaced"
    """The same device has a newer one."""
    NAS_RESTARTED = "nas-restarted"
    EXPIRED = "expired"
    """Nothing was heard of it for three interim updates and the grace time; it may be there all the same."""
    RESTARTED = "restarted"
    """We were started anew, and with us our own ports were closed."""
    ORDERED = "ordered"
    """By an administrator."""


class LossCause(Enum):
    """Why a session has an address no more."""

    TAKEN = "taken"
    """By another device."""
    CHANGED = "changed"
    """The device has another one."""
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True)
class Opened:
    """A device was let in."""

    session: Session


@dataclass(frozen=True, slots=True)
class Changed:
    """Identity, role, VLAN, port or entry of a session are others."""

    before: Session
    session: Session


@dataclass(frozen=True, slots=True)
class Heard:
    """A session goes on: only times have changed."""

    session: Session


@dataclass(frozen=True, slots=True)
class Ended:
    """A session is over; it holds the addresses that it had."""

    session: Session
    cause: EndCause
    detail: str = ""
    """Acct-Terminate-Cause, or why it was ordered."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A session has an address."""

    session: Session
    held: Held


@dataclass(frozen=True, slots=True)
class Revoked:
    """A session has an address no more."""

    session: Session
    held: Held
    cause: LossCause
    by: bytes = b""
    """The MAC that has taken it."""


Event = Opened | Changed | Heard | Ended | Bound | Revoked
