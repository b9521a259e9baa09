"""One request on its way: to which servers it goes, when it is sent again (RFC 5080 2.2.1). Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from auth8021x.radius.request import Request
from auth8021x.wire import authenticity, password
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.packet import Packet
from config.dot1x import RadiusTimers

PROBE: Final = 0
"""The ticket of our own Status-Server requests."""


class Exchange(msgspec.Struct, gc=False, eq=False):
    """A request that waits for its answer."""

    ticket: int
    request: Request
    candidates: list[int]
    """Servers that it may go to, by their number; the first is the one that has it."""
    started_at: float
    tries: int = 0
    tries_here: int = 0
    sent_here_at: float = 0.0
    """When the server that has it was sent it first."""
    interval_s: float = 0.0
    due_at: float = 0.0
    place: tuple[int, int] | None = None
    """Lane and identifier; None while it waits for a new connection."""
    authenticator: bytes = b""
    octets: bytes = b""

    def __repr__(self) -> str:
        return f"Exchange({self.ticket}, {self.request}, candidates={self.candidates})"

    @property
    def server(self) -> int:
        """The server that has it."""
        return self.candidates[0]

    @property
    def is_probe(self) -> bool:
        """Whether it is a question of our own for the server's status."""
        return self.ticket == PROBE


def interval(previous_s: float, timers: RadiusTimers, spread: float) -> float:
    """How long an answer is waited for; `previous_s` is 0 the first time, `spread` between -0.1 and 0.1."""
    if previous_s == 0:
        return timers.retransmit_s * (1 + spread)
    doubled_s = previous_s * (2 + spread)
    return doubled_s if doubled_s <= timers.max_retransmit_s else timers.max_retransmit_s * (1 + spread)


def build(request: Request, identifier: int, authenticator: bytes, secret: bytes) -> bytes:
    """The request as one server is sent it. Raises ValueError when it does not fit into a packet."""
    attributes = request.attributes
    if request.password is not None:
        hidden = password.hide(request.password, authenticator, secret)
        attributes = (*attributes, Attribute(Type.USER_PASSWORD, hidden))
    packet = Packet(request.code, identifier, authenticator, attributes)
    return authenticity.request_octets(packet, secret, request.place.octets)


def status_request(request: Request, name: str) -> Request:
    """A question for the status of a server (RFC 5997 3), with what names us taken from another request."""
    own = tuple(each for each in request.attributes if each.type == Type.NAS_IDENTIFIER)
    return msgspec.structs.replace(request, code=Code.STATUS_SERVER, attributes=own, password=None, server=name)
