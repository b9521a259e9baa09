"""What is asked of RADIUS servers, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import msgspec

from auth8021x.wire import attribute
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code
from auth8021x.wire.packet import Packet


class Chance(Protocol):
    """Randomness, from outside."""

    def octets(self, count: int) -> bytes:
        """Octets that nobody can foretell."""

    def spread(self) -> float:
        """A number between -0.1 and 0.1 (RAND of RFC 5080 2.2.1)."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server as the core sees it: where it is knows the transport."""

    name: str
    secret: bytes = field(repr=False)
    is_reliable: bool = False
    """Its transport repeats what is lost and tells when it breaks: RadSec."""
    demands_message_authenticator: bool = True
    has_status_server: bool = True
    max_lanes: int = 8
    """Sockets or connections; 256 requests may wait on each."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Attributes that say who asks and where: of every request about a terminal, so that they are written once."""

    attributes: tuple[Attribute, ...] = ()
    octets: bytes = b""
    """The same on the wire."""

    @classmethod
    def of(cls, attributes: tuple[Attribute, ...]) -> Place:
        """Write them."""
        return cls(attributes, attribute.serialize(attributes))


NOWHERE = Place()


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request, without what each server makes different: identifier, authenticators, the hidden password."""

    code: Code
    attributes: tuple[Attribute, ...] = ()
    password: bytes | None = None
    server: str = ""
    """The only server that is asked, where a conversation goes on there; "" asks one after the other."""
    can_begin_anew: bool = False
    """Whoever asks would rather begin anew elsewhere than wait for this server until the end."""
    place: Place = NOWHERE
    """More attributes, which follow."""

    def __repr__(self) -> str:
        return f"Request({self.code!r}, {self.attributes}, server={self.server!r}, {self.place.attributes})"


class Failure(Enum):
    """Why there is no answer; the value names its counter."""

    NO_ANSWER = "no-answer"
    TOO_MANY = "too-many-requests"
    """As many as there are identifiers wait already."""
    NO_SERVER = "no-server"
    """There is none, or none of this name."""
    TOO_LONG = "request-too-long"


class Answered(msgspec.Struct, frozen=True, gc=False):
    """An answer that is proved to come from the server."""

    ticket: int
    server: str
    packet: Packet
    took_s: float
    is_excused: bool = False
    """It had no Message-Authenticator, which an administrator allows this server."""


class GaveUp(msgspec.Struct, frozen=True, gc=False):
    """No answer came, whatever was tried."""

    ticket: int
    failure: Failure


class ServerChanged(msgspec.Struct, frozen=True, gc=False):
    """A server is taken for dead, or is back."""

    server: str
    is_up: bool


Event = Answered | GaveUp | ServerChanged


class Datagram(msgspec.Struct, frozen=True, gc=False):
    """What leaves now: by which socket or connection (lane) of which server."""

    server: int
    lane: int
    octets: bytes

    def __repr__(self) -> str:
        return f"Datagram(server={self.server}, lane={self.lane}, {len(self.octets)} octets)"
