"""The floor control server as one terminal sees it (RFC 8855 13): one conference, one floor, the shared screen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from signaling.bfcp.attributes import Attribute, RequestStatus, Type, group, number, status, text
from signaling.bfcp.events import Event, FloorReleased, FloorRequested
from signaling.bfcp.exchange import Exchange, Reply
from signaling.bfcp.message import ErrorCode, Message, Primitive

REFRESH_S = 25.0
"""The status is told again so often: it keeps the path through a NAT open (RFC 4787 4.3 allows two minutes)."""
_MAX_FINISHED = 8


@dataclass(frozen=True, slots=True)
class Holder:
    """Who presents, somebody other than this terminal."""

    user_id: int
    name: str


@dataclass(slots=True)
class _Request:
    number: int
    asked: Message | None
    """The FloorRequest that waits for its first answer."""
    status: RequestStatus = RequestStatus.PENDING


class FloorServer:
    """Pure. Who holds the floor is decided elsewhere, for all protocols alike."""

    def __init__(self, conference_id: int, user_id: int, floor_id: int, version: int, first_transaction: int) -> None:
        self.exchange = Exchange(conference_id, user_id, version, first_transaction)
        self.floor_id = floor_id
        self._holder: Holder | None = None
        self._requests: dict[int, _Request] = {}
        self._next_request = 0
        self._is_watching = False
        self._refresh_at: float | None = None
        self._events: deque[Event] = deque()
        self._handlers: dict[int, Callable[[Message, float], None]] = {
            Primitive.FLOOR_REQUEST: self._floor_request,
            Primitive.FLOOR_RELEASE: self._floor_release,
            Primitive.FLOOR_REQUEST_QUERY: self._floor_request_query,
            Primitive.USER_QUERY: self._user_query,
            Primitive.FLOOR_QUERY: self._floor_query,
            Primitive.CHAIR_ACTION: self._chair_action,
            Primitive.HELLO: self._hello,
            Primitive.GOODBYE: self._goodbye,
        }

    # ---- what arrives

    def receive(self, data: bytes, now: float) -> None:
        """A message of the terminal."""
        received = self.exchange.receive(data, now)
        if received is None or isinstance(received, Reply):
            return
        handler = self._handlers.get(received.primitive)
        if handler is None:
            self.exchange.refuse(received, ErrorCode.UNKNOWN_PRIMITIVE, now)
        else:
            handler(received, now)

    def next_event(self) -> Event | None:
        """What the owner has to know."""
        return self._events.popleft() if self._events else None

    def data_to_send(self) -> list[bytes]:
        """Messages for the terminal."""
        return self.exchange.data_to_send()

    # ---- what the conference decides

    def grant(self, request: int, now: float) -> None:
        """The floor is the terminal's."""
        self._answer(request, RequestStatus.GRANTED, now)

    def deny(self, request: int, now: float, info: str = "") -> None:
        """Somebody else keeps it."""
        self._answer(request, RequestStatus.DENIED, now, info)

    def revoke(self, now: float, info: str = "") -> None:
        """The terminal has to stop presenting, if it does."""
        for request in list(self._requests.values()):
            if not request.status.is_final:
                self._answer(request.number, RequestStatus.REVOKED, now, info)

    def show_holder(self, holder: Holder | None, now: float) -> None:
        """Somebody else presents, or nobody else does."""
        if holder != self._holder:
            self._holder = holder
            self._tell_status(now)

    @property
    def is_granted(self) -> bool:
        """Whether the terminal holds the floor."""
        return any(request.status is RequestStatus.GRANTED for request in self._requests.values())

    # ---- time

    def next_timeout(self) -> float | None:
        """When handle_timeout() has something to do."""
        times = [time for time in (self.exchange.next_timeout(), self._refresh_at) if time is not None]
        return min(times, default=None)

    def handle_timeout(self, now: float) -> None:
        """Repeat what was not acknowledged; tell the status again."""
        self.exchange.handle_timeout(now)
        while self.exchange.next_lost():
            pass  # a terminal that acknowledges nothing still knows what it asked for; its call decides its end
        if self._refresh_at is not None and now >= self._refresh_at:
            self._tell_status(now)

    # ---- requests of the terminal

    def _floor_request(self, asked: Message, now: float) -> None:
        beneficiary = asked.find(Type.BENEFICIARY_ID)
        if asked.floor_ids != [self.floor_id]:
            self.exchange.refuse(asked, ErrorCode.INVALID_FLOOR, now)
        elif beneficiary is not None and beneficiary.number != asked.user_id:
            self.exchange.refuse(asked, ErrorCode.UNAUTHORIZED, now)
        elif any(not request.status.is_final for request in self._requests.values()):
            self.exchange.refuse(asked, ErrorCode.TOO_MANY_REQUESTS, now)
        else:
            self._next_request = self._next_request % 0xFFFF + 1
            self._requests[self._next_request] = _Request(self._next_request, asked)
            while len(self._requests) > _MAX_FINISHED:
                del self._requests[next(iter(self._requests))]
            self._events.append(FloorRequested(self._next_request))

    def _floor_release(self, asked: Message, now: float) -> None:
        request = self._named(asked, now)
        if request is None:
            return
        if not request.status.is_final:
            was_granted = request.status is RequestStatus.GRANTED
            request.status = RequestStatus.RELEASED if was_granted else RequestStatus.CANCELLED
            self._events.append(FloorReleased(request.number))
        self.exchange.reply(asked, Primitive.FLOOR_REQUEST_STATUS, (self._information(request),), now)

    def _floor_request_query(self, asked: Message, now: float) -> None:
        request = self._named(asked, now)
        if request is not None:
            self.exchange.reply(asked, Primitive.FLOOR_REQUEST_STATUS, (self._information(request),), now)

    def _user_query(self, asked: Message, now: float) -> None:
        own = [self._information(each) for each in self._requests.values() if not each.status.is_final]
        self.exchange.reply(asked, Primitive.USER_STATUS, tuple(own), now)

    def _floor_query(self, asked: Message, now: float) -> None:
        """A query without a floor ends the notices (RFC 8855 12.1.1)."""
        floors = asked.floor_ids
        if floors and floors != [self.floor_id]:
            self.exchange.refuse(asked, ErrorCode.INVALID_FLOOR, now)
            return
        self._is_watching = bool(floors)
        self._refresh_at = now + REFRESH_S if floors and not self.exchange.is_reliable else None
        self.exchange.reply(asked, Primitive.FLOOR_STATUS, self._status() if floors else (), now)

    def _chair_action(self, asked: Message, now: float) -> None:
        self.exchange.refuse(asked, ErrorCode.UNAUTHORIZED, now, "the chair is in the conference itself")

    def _hello(self, asked: Message, now: float) -> None:
        primitives = bytes(sorted({*self._handlers, *_SENT}))
        kinds = bytes(kind << 1 for kind in Type)
        answer = (Attribute(Type.SUPPORTED_PRIMITIVES, primitives), Attribute(Type.SUPPORTED_ATTRIBUTES, kinds))
        self.exchange.reply(asked, Primitive.HELLO_ACK, answer, now)

    def _goodbye(self, asked: Message, now: float) -> None:
        self.exchange.reply(asked, Primitive.GOODBYE_ACK, (), now)
        self._is_watching, self._refresh_at = False, None
        for request in self._requests.values():
            if not request.status.is_final:
                request.status = RequestStatus.RELEASED
                self._events.append(FloorReleased(request.number))

    def _named(self, asked: Message, now: float) -> _Request | None:
        identifier = asked.find(Type.FLOOR_REQUEST_ID)
        request = None if identifier is None else self._requests.get(identifier.number)
        if request is None:
            self.exchange.refuse(asked, ErrorCode.NO_SUCH_REQUEST, now)
        return request

    # ---- answers

    def _answer(self, identifier: int, result: RequestStatus, now: float, info: str = "") -> None:
        request = self._requests.get(identifier)
        if request is None or request.status.is_final:
            return
        request.status = result
        asked, request.asked = request.asked, None
        told = (self._information(request, info),)
        if asked is not None:
            self.exchange.reply(asked, Primitive.FLOOR_REQUEST_STATUS, told, now)
        else:
            self.exchange.notify(Primitive.FLOOR_REQUEST_STATUS, told, now)
        self._tell_status(now)

    def _tell_status(self, now: float) -> None:
        if not self._is_watching:
            return
        if not self.exchange.is_reliable:
            self._refresh_at = now + REFRESH_S
        self.exchange.notify(Primitive.FLOOR_STATUS, self._status(), now)

    def _status(self) -> tuple[Attribute, ...]:
        """FLOOR-ID and whoever holds the floor (RFC 8855 5.3.8)."""
        found = [number(Type.FLOOR_ID, self.floor_id)]
        found += [
            self._information(request) for request in self._requests.values() if request.status is RequestStatus.GRANTED
        ]
        if self._holder is not None:
            who = group(
                Type.BENEFICIARY_INFORMATION, self._holder.user_id, [text(Type.USER_DISPLAY_NAME, self._holder.name)]
            )
            found.append(
                group(
                    Type.FLOOR_REQUEST_INFORMATION, self._holder.user_id,
                    [*self._overall(self._holder.user_id, RequestStatus.GRANTED), who],
                )
            )  # fmt: skip
        return tuple(found)

    def _information(self, request: _Request, info: str = "") -> Attribute:
        parts = [
            *self._overall(request.number, request.status, info),
            group(Type.BENEFICIARY_INFORMATION, self.exchange.user_id, ()),
        ]
        return group(Type.FLOOR_REQUEST_INFORMATION, request.number, parts)

    def _overall(self, identifier: int, result: RequestStatus, info: str = "") -> list[Attribute]:
        why = [text(Type.STATUS_INFO, info)] if info else []
        return [
            group(Type.OVERALL_REQUEST_STATUS, identifier, [status(result), *why]),
            group(Type.FLOOR_REQUEST_STATUS, self.floor_id, [status(result)]),
        ]


_SENT = (
    Primitive.FLOOR_REQUEST_STATUS, Primitive.USER_STATUS, Primitive.FLOOR_STATUS, Primitive.HELLO_ACK,
    Primitive.ERROR, Primitive.FLOOR_REQUEST_STATUS_ACK, Primitive.FLOOR_STATUS_ACK, Primitive.GOODBYE_ACK,
)  # fmt: skip
