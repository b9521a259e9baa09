"""Whether the network that a caller sits in knows it (IEEE 802.1X): asked before it may register, call or join.

The composition root gives the answer. Where there is none nobody is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Proof(Enum):
    """How a caller has proved to us who it is."""

    NONE = "none"
    DIGEST = "digest"
    """SIP digest (RFC 8760), over a connection on which it was given before, or a certificate of TLS."""
    H235 = "h235.1"
    SIGN_IN = "sign-in"
    """A browser, with a name and a password."""
    INVITED = "invited"
    """We have called it."""


@dataclass(frozen=True, slots=True)
class Approach:
    """Somebody wants to register, to call or to join."""

    source: str
    """Transport address that the request came from; never that of a header."""
    protocol: str
    """"sip", "h323" or "webrtc"."""
    aliases: tuple[str, ...]
    """What the caller calls itself, and what it has proved to be; none claims nothing."""
    local: str
    """Our address that the request came in at, "" where unknown."""
    proof: Proof
    operation: str
    """"register", "call", "join" or "invite"."""
    room: str = ""
    """Number of a room that there is, for the audit; never what was merely dialled."""
    typed_name: str = ""
    """What somebody without an account typed into the join page; it may be a patient's name, and is written nowhere."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the network says of whoever wants something."""

    is_allowed: bool
    identity: str = ""
    """As whom its device signed in to the network; "" where nobody knows, and for guests of the network."""


class NetworkAccess(Protocol):
    """Who knows the sessions of the network."""

    async def ask(self, approach: Approach) -> Known:
        """Whether it may, and who it is there; answers in bounded time."""

    def allows_now(self, approach: Approach) -> bool:
        """Whether it may, for those who cannot wait."""


def names(*claimed: str) -> tuple[str, ...]:
    """The names among these, each once, without the passcode that some terminals call themselves by."""
    return tuple(dict.fromkeys(name for each in claimed if (name := each.partition("**")[0].strip())))
