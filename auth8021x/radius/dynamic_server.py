"""Dynamic authorisation server: Disconnect and CoA requests are checked, done once and answered (RFC 5176). Pure."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from auth8021x.errors import MalformedPacketError
from auth8021x.radius import dynamic_orders
from auth8021x.radius.dynamic_orders import Kind, Order, Refusal
from auth8021x.radius.replies import Replies, Seen, Source
from auth8021x.wire import attribute, authenticity, packet
from auth8021x.wire.authenticity import Fault
from auth8021x.wire.dictionary import Code, ErrorCause, Type
from auth8021x.wire.packet import Packet


@dataclass(frozen=True, slots=True)
class DynamicClient:
    """Who may send orders."""

    name: str
    address: str
    secret: bytes = field(repr=False)
    demands_message_authenticator: bool = True
    demands_event_timestamp: bool = True


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an order came from: what its answer needs."""

    request: Packet
    client: DynamicClient
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pending:
    """An order that is to be answered with DynamicServer.reply()."""

    order: Order
    origin: Origin


class DynamicServer:
    """One for all addresses that are listened on. What is not believed is dropped without a word, and counted."""

    def __init__(
        self, clients: Sequence[DynamicClient], nas_identifier: str, nas_addresses: Collection[str], window_s: float,
        max_remembered: int,
    ) -> None:  # fmt: skip
        """`nas_addresses`: who names another one means another authenticator; none: we do not know ours."""
        self._clients = {_address(client.address): client for client in clients}
        self._nas_identifier = nas_identifier
        self._nas_addresses = frozenset(ipaddress.ip_address(each).packed for each in nas_addresses)
        self._window_s = window_s
        self._replies = Replies(max_remembered)
        self.counters: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        """Orders that were believed without Message-Authenticator, by the name of who gave them; cumulative."""

    def receive(self, data: bytes, source: Source, now_utc: float) -> Pending | bytes | None:
        """A datagram: an order to be done, a reply to be sent at once, or nothing."""
        client = self._clients.get(_address(source[0]))
        if client is None:
            self._drop("unknown-client")
            return None
        try:
            request = packet.parse(data)
            stamp = attribute.first_number(request.attributes, Type.EVENT_TIMESTAMP)
        except MalformedPacketError:
            self._drop("malformed")
            return None
        if request.code not in _KINDS:
            self._drop("unexpected")
            return None
        if len(data) > _MAX_REQUEST_BYTES:
            self._drop("too-long")
            return None
        reason = self._disbelief(client, request, stamp, now_utc)
        if reason:
            self._drop(reason)
            return None
        if attribute.first(request.attributes, Type.MESSAGE_AUTHENTICATOR) is None:
            self.excused[client.name] += 1
        key = f"{client.name} {request.code} {request.identifier} ".encode() + request.authenticator
        # A time may be ahead of ours by the window: it is as long again until it is refused for its age.
        seen, reply = self._replies.check(key, source, now_utc, 2 * self._window_s + 1)
        if seen is not Seen.NEW:
            self._drop(_COUNTERS[seen])
            return reply
        return self._taken(Origin(request, client, key))

    def reply(self, origin: Origin, cause: ErrorCause | None) -> bytes:
        """The answer to an order: it was done, or why not. It is remembered for when the request comes again."""
        request = origin.request
        positive, negative = _ANSWERS[request.code]
        attributes = tuple(each for each in request.attributes if each.type == Type.PROXY_STATE)
        if cause is not None:
            attributes = (attribute.number(Type.ERROR_CAUSE, cause), *attributes)
        answer = Packet(positive if cause is None else negative, request.identifier, attributes=attributes)
        sealed = authenticity.seal_response(answer, request.authenticator, origin.client.secret).serialize()
        self._replies.answered(origin.key, sealed)
        self.counters["done" if cause is None else "refused"] += 1
        return sealed

    def _taken(self, origin: Origin) -> Pending | bytes:
        kind, found = _KINDS[origin.request.code], origin.request.attributes
        try:
            order = dynamic_orders.read(kind, origin.client.name, found, self._nas_identifier, self._nas_addresses)
        except Refusal as refusal:
            return self.reply(origin, refusal.cause)
        return Pending(order, origin)

    def _disbelief(self, client: DynamicClient, request: Packet, stamp: int | None, now_utc: float) -> str:
        """Why a request is not believed, as the name of a counter; "" when it is."""
        fault = authenticity.check_request(request, client.secret)
        if fault is not None:
            return fault.value
        has_proof = attribute.first(request.attributes, Type.MESSAGE_AUTHENTICATOR) is not None
        if client.demands_message_authenticator and not has_proof:
            return Fault.NO_MESSAGE_AUTHENTICATOR.value
        if stamp is None:
            return "no-event-timestamp" if client.demands_event_timestamp else ""
        return "old-event-timestamp" if abs(now_utc - stamp) > self._window_s else ""

    def _drop(self, reason: str) -> None:
        self.counters[reason] += 1


def _address(text: str) -> str:
    """One spelling of an address, whatever the socket says."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


_KINDS: Final[dict[int, Kind]] = {Code.DISCONNECT_REQUEST: Kind.DISCONNECT, Code.COA_REQUEST: Kind.CHANGE}
_ANSWERS: Final[dict[int, tuple[Code, Code]]] = {
    Code.DISCONNECT_REQUEST: (Code.DISCONNECT_ACK, Code.DISCONNECT_NAK),
    Code.COA_REQUEST: (Code.COA_ACK, Code.COA_NAK),
}
_MAX_REQUEST_BYTES: Final = packet.MAX_PACKET_BYTES - 24
"""The answer has all that proxies put in, and Message-Authenticator and Error-Cause beside it."""
_COUNTERS: Final = {Seen.AGAIN: "repeated", Seen.REPLAYED: "replayed", Seen.TOO_MANY: "too-many"}
