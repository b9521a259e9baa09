"""What the gate is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from auth8021x.directory.session import Session


class Proof(Enum):
    """How a caller has proved to us who it is."""

    NONE = "none"
    DIGEST = "digest"
    """SIP digest (RFC 8760) or a certificate of TLS."""
    H235 = "h235.1"
    SIGN_IN = "sign-in"
    """A browser, with a name and a password."""
    INVITED = "invited"
    """We have called it ourselves."""


class Reason(StrEnum):
    """Why. Those that allow come first."""

    OFF = "off"
    NOT_ASKED = "not-asked"
    """This protocol is not asked for a session."""
    SESSION = "session"
    EXEMPT = "exempt"
    """An exempt peer that has proved who it is."""

    NO_SESSION = "no-session"
    GUEST = "guest"
    """In the network of guests."""
    OTHER_IDENTITY = "other-identity"
    """The session is somebody else's."""
    UNPROVEN = "exempt-unproven"
    """An exempt peer that has not."""
    NO_ANSWER = "no-answer"
    """The directory gave none in time."""


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody wants to register, to call or to join."""

    source: str
    """Transport address that the request came from; never that of a header."""
    protocol: str
    """"sip", "h323" or "webrtc"."""
    aliases: tuple[str, ...] = ()
    """What the caller calls itself, and what it has proved to be; none claims nothing."""
    room: str = ""
    """Number of the room, for the audit; "" for a registration."""
    local: str = ""
    """Our address that the request came in at: it tells apart sites with the same ranges."""
    proof: Proof = Proof.NONE
    operation: str = ""
    """"register", "call", "join" or "invite", for the audit."""
    typed_name: str = ""
    """What somebody without an account calls itself on the join page; compared, and written nowhere."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer."""

    is_allowed: bool
    reason: Reason
    site: str = ""
    session: Session | None = field(default=None, repr=False)

    @property
    def is_overlooked(self) -> bool:
        """Whether it would be refused if this site did not only watch."""
        return self.is_allowed and self.reason not in _GOOD


_GOOD = (Reason.OFF, Reason.NOT_ASKED, Reason.SESSION, Reason.EXEMPT)
