"""What the owner of the gatekeeper is asked: may this call be made, where does it go, who signs with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from crypto.h235.password_key import PasswordKey
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias
from signaling.h323.ras.registration import Registration


class Refusal(StrEnum):
    """Reasons of an AdmissionReject (H.225.0 7.11.3) that an owner may have."""

    NOT_REGISTERED = "calledPartyNotRegistered"
    PERMISSION = "invalidPermission"
    DENIED = "requestDenied"
    UNDEFINED = "undefinedReason"
    RESOURCES = "resourceUnavailable"
    SECURITY = "securityDenial"
    INCOMPLETE = "incompleteAddress"
    CAPACITY = "exceedsCallCapacity"
    NO_ROUTE = "noRouteToDestination"
    UNALLOCATED = "unallocatedNumber"


@dataclass(frozen=True, slots=True)
class Question:
    """An AdmissionRequest of a terminal that has proven what it had to."""

    ticket: int
    """For Gatekeeper.decide(), where the answer comes later."""
    caller: Registration
    """Who asks: the one that calls, or with `is_answer` the one that is called."""
    is_answer: bool
    called: tuple[Alias, ...]
    called_address: Address | None
    calling: tuple[Alias, ...]
    call_id: bytes
    conference_id: bytes
    target: Registration | None
    """The registered endpoint that `called` means."""
    wanted_bps: int


@dataclass(frozen=True, slots=True)
class Admit:
    """The call may be made."""

    destination: Address | None = None
    """Where to; None for the target, or for this server where there is none or calls are routed."""
    aliases: tuple[Alias, ...] = ()
    """What the terminal shall dial instead, where it takes that (canMapAlias)."""
    is_ours: bool = False
    """To this server, whoever is registered under that name: it is the number of a room."""


class Admission(Protocol):
    """The owner's say about calls."""

    def admit(self, question: Question) -> Admit | Refusal | None:
        """None: not known yet, Gatekeeper.decide() follows."""

    def locate(self, called: Sequence[Alias]) -> bool:
        """Whether these aliases are served here beside registered terminals: rooms."""


@dataclass(frozen=True, slots=True)
class Account:
    """A terminal of the administrator, and the key of its password."""

    name: str
    """The same for all the aliases of the terminal."""
    key: PasswordKey


class Accounts(Protocol):
    """Terminals with a password."""

    def account_of(self, alias: str) -> Account | None:
        """Whose alias this is; None where nobody with a password has it."""
