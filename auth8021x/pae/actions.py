"""What a port wants done: by the socket, the RADIUS client, the driver of the bridge and the accounting client."""

from __future__ import annotations

import msgspec

from auth8021x.pae.grant import Grant
from auth8021x.radius.request import Request
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, TerminateCause


class SendFrame(msgspec.Struct, frozen=True, gc=False):
    """Send an Ethernet frame out of the port."""

    frame: bytes

    def __repr__(self) -> str:
        return f"SendFrame({len(self.frame)} octets)"


class Ask(msgspec.Struct, frozen=True, gc=False):
    """Ask a RADIUS server; its answer goes to Port.answered(), or Port.no_answer(), with this ticket."""

    ticket: int
    request: Request


class Admit(msgspec.Struct, frozen=True, gc=False):
    """Let a terminal in, or change what it is let into; nothing it sends may be lost when it is in already."""

    mac: bytes
    grant: Grant
    session: str


class Expel(msgspec.Struct, frozen=True, gc=False):
    """Let a terminal in no longer."""

    mac: bytes
    session: str
    cause: TerminateCause


class Refuse(msgspec.Struct, frozen=True, gc=False):
    """A terminal was refused; nothing is to be done, but people are told."""

    mac: bytes
    identity: str
    """Who it says it is, "" where it has not said."""
    reason: str
    """A word of small letters and hyphens."""


class Account(msgspec.Struct, frozen=True, gc=False):
    """Tell a RADIUS server about a session (AccountingClient.put)."""

    session: str
    status: AcctStatusType
    attributes: tuple[Attribute, ...]


Action = SendFrame | Ask | Admit | Expel | Refuse | Account
