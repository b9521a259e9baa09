"""What an H.323 call needs of the rest of the server."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from config.h323 import H323Settings
from mcu.fleet.worker import Fleet
from signaling.attendant.desk import Desk
from signaling.h323.call_handle import CallHandle
from signaling.services import Calls, Gate


@dataclass(frozen=True, slots=True)
class Identity:
    """The terminal of the administrator that a call is proven to come from."""

    alias: str
    name: str = ""
    """As the administrator named it."""


Identify = Callable[[CallHandle], Identity | None]
"""None for a stranger."""


def signer(call: CallHandle) -> Identity | None:
    """Who signed the Setup (H.235.1)."""
    return Identity(call.account) if call.account else None


@dataclass(frozen=True, slots=True)
class Services:
    """What every call uses."""

    settings: H323Settings
    gate: Gate
    calls: Calls
    fleet: Fleet
    desk: Desk | None = None
    """The attendant; without it callers who dialled no room of theirs are released."""
    identify: Identify = signer
    own_names: frozenset[str] = frozenset()
    """Aliases and addresses by which terminals call the server itself, in lower case."""
    _conference_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def conference_id(self, room: str) -> bytes:
        """The conferenceID of a room, 16 octets: the same for all its callers while the server runs (H.323 8.4.3)."""
        return hashlib.blake2b(room.encode(), key=self._conference_key, digest_size=16).digest()
