"""What the gatekeeper tells its owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from signaling.h323.h2351 import Fault
from signaling.h323.ras.address import Address
from signaling.h323.ras.registration import Registration


class Leaving(StrEnum):
    """Why an endpoint is not registered any more."""

    REMOVED = "removed"
    """By the terminal."""
    REPLACED = "replaced"
    """The same terminal, or another with its alias, registered anew."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    """By us."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A new endpoint, or one whose aliases or addresses changed; a mere keep-alive is no news."""

    registration: Registration


@dataclass(frozen=True, slots=True)
class Unregistered:
    """An endpoint that is gone; its calls may go on."""

    registration: Registration
    why: Leaving


@dataclass(frozen=True, slots=True)
class Admitted:
    """A terminal may make, or answer, this call."""

    registration: Registration
    call_id: bytes
    is_answer: bool
    bandwidth_bps: int


@dataclass(frozen=True, slots=True)
class Disengaged:
    """A call of a terminal is over, by DRQ or because the terminal is gone."""

    identifier: str
    call_id: bytes


@dataclass(frozen=True, slots=True)
class NotProven:
    """Somebody could not show that they know the password."""

    request: str
    sender: str
    """What they called themselves, as they wrote it."""
    source: Address
    fault: Fault


@dataclass(frozen=True, slots=True)
class Answered:
    """An endpoint answered a request of ours; `name` is that of its message, None where it did not answer at all."""

    ticket: int
    identifier: str
    request: str
    name: str | None
    body: dict[str, Any]
    call_id: bytes = b""
    """Of the call that the request was about, if it was about one."""


Event = Registered | Unregistered | Admitted | Disengaged | NotProven | Answered
