"""What a port wants done: by the socket, the RADIUS client, the driver of the bridge and the accounting client."""

from __future__ import annotations

from dataclasses import dataclass, field

from auth8021x.pae.grant import Grant
from auth8021x.radius.request import Request
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, TerminateCause


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send an Ethernet frame out of the port."""

    frame: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a RADIUS server; its answer goes to Port.answered(), or Port.no_answer(), with this ticket."""

    ticket: int
    request: Request


@dataclass(frozen=True, slots=True)
class Admit:
    """Let a terminal in, or change what it is let into; nothing it sends may be lost when it is in already."""

    mac: bytes
    grant: Grant
    session: str


@dataclass(frozen=True, slots=True)
class Expel:
    """Let a terminal in no longer."""

    mac: bytes
    session: str
    cause: TerminateCause


@dataclass(frozen=True, slots=True)
class Account:
    """Tell a RADIUS server about a session (AccountingClient.put)."""

    session: str
    status: AcctStatusType
    attributes: tuple[Attribute, ...]


Action = SendFrame | Ask | Admit | Expel | Account
