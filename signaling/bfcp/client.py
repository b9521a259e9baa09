"""The floor participant: how we ask a terminal that is itself the floor control server (RFC 8855 9 to 12)."""

from __future__ import annotations

from collections import deque

from signaling.bfcp import attributes
from signaling.bfcp.attributes import Attribute, RequestStatus, Type, number
from signaling.bfcp.events import Event, FloorGranted, FloorLost, PeerPresents
from signaling.bfcp.exchange import Exchange, Reply
from signaling.bfcp.message import ErrorCode, Message, Primitive

HELLO_S = 25.0
"""A Hello so often keeps the path through a NAT open, over UDP (RFC 4787 4.3 allows two minutes)."""


class FloorClient:
    """Pure. Watches the terminal's floor and asks for it when the conference has something to show."""

    def __init__(self, conference_id: int, user_id: int, floor_id: int, version: int, first_transaction: int) -> None:
        self.exchange = Exchange(conference_id, user_id, version, first_transaction)
        self.floor_id = floor_id
        self.is_granted = False
        """Whether we may show something."""
        self._request = 0
        """The number of our request; 0 while there is none, or it has not been told."""
        self._is_wanted = False
        self._has_asked = False
        self._peer_presents = False
        self._hello_at: float | None = None
        self._events: deque[Event] = deque()

    def start(self, now: float) -> None:
        """The association is there: introduce ourselves, and watch the floor."""
        self.exchange.request(Primitive.HELLO, (), now)
        self.exchange.request(Primitive.FLOOR_QUERY, (number(Type.FLOOR_ID, self.floor_id),), now)
        if not self.exchange.is_reliable:
            self._hello_at = now + HELLO_S

    def want_floor(self, is_wanted: bool, now: float) -> None:
        """The conference has something to show, or no longer."""
        if is_wanted != self._is_wanted:
            self._is_wanted = is_wanted
            self._ask(now)

    def receive(self, data: bytes, now: float) -> None:
        """A message of the terminal."""
        received = self.exchange.receive(data, now)
        if isinstance(received, Reply):
            self._take_reply(received, now)
        elif received is not None:
            self._take_notice(received, now)

    def next_event(self) -> Event | None:
        """What the owner has to know."""
        return self._events.popleft() if self._events else None

    def data_to_send(self) -> list[bytes]:
        """Messages for the terminal."""
        return self.exchange.data_to_send()

    def goodbye(self, now: float) -> None:
        """The call ends."""
        self.exchange.request(Primitive.GOODBYE, (), now)

    # ---- time

    def next_timeout(self) -> float | None:
        """When handle_timeout() has something to do."""
        times = [time for time in (self.exchange.next_timeout(), self._hello_at) if time is not None]
        return min(times, default=None)

    def handle_timeout(self, now: float) -> None:
        """Repeat, give up, keep the path open."""
        self.exchange.handle_timeout(now)
        while (lost := self.exchange.next_lost()) is not None:
            self._take_reply(lost, now)
        if self._hello_at is not None and now >= self._hello_at:
            self._hello_at = now + HELLO_S
            self.exchange.request(Primitive.HELLO, (), now)

    # ---- what the terminal says

    def _take_reply(self, reply: Reply, now: float) -> None:
        answer = reply.message
        if answer is not None and answer.primitive == Primitive.FLOOR_STATUS:
            self._take_floor(answer)
        if reply.request.primitive == Primitive.FLOOR_REQUEST:
            if answer is None or answer.primitive == Primitive.ERROR:
                self._has_asked = False
                self._lose()
            else:
                self._take_status(answer)
                self._ask(now)  # it may not be wanted any more
        elif reply.request.primitive == Primitive.FLOOR_RELEASE:
            self._has_asked = False
            self._request = 0
            self._ask(now)

    def _take_notice(self, received: Message, now: float) -> None:
        acknowledgement = _ACKNOWLEDGEMENTS.get(received.primitive)
        if acknowledgement is None:
            self.exchange.refuse(received, ErrorCode.UNKNOWN_PRIMITIVE, now)
            return
        if not self.exchange.is_reliable:
            self.exchange.reply(received, acknowledgement, (), now)
        if received.primitive == Primitive.FLOOR_STATUS:
            self._take_floor(received)
        elif received.primitive == Primitive.FLOOR_REQUEST_STATUS:
            self._take_status(received)

    def _take_status(self, received: Message) -> None:
        """What became of our request."""
        information = received.find(Type.FLOOR_REQUEST_INFORMATION)
        if information is None or (self._request and information.number != self._request):
            return
        self._request = information.number
        result = _status_of(information)
        if result == RequestStatus.GRANTED and not self.is_granted:
            self.is_granted = True
            self._events.append(FloorGranted())
        elif result is not None and result >= RequestStatus.DENIED:
            self._request = 0
            self._has_asked = False
            self._lose()

    def _take_floor(self, received: Message) -> None:
        """Whether somebody on the terminal's side presents."""
        others = [
            each
            for each in received.attributes
            if each.type == Type.FLOOR_REQUEST_INFORMATION
            and _status_of(each) == RequestStatus.GRANTED
            and not self._is_ours(each)
        ]
        if bool(others) != self._peer_presents:
            self._peer_presents = bool(others)
            self._events.append(PeerPresents(self._peer_presents))

    def _is_ours(self, information: Attribute) -> bool:
        who = attributes.find(information.children, Type.BENEFICIARY_INFORMATION)
        if who is not None:
            return who.number == self.exchange.user_id
        return bool(self._request) and information.number == self._request

    def _lose(self) -> None:
        self.is_granted = False
        self._is_wanted = False
        self._events.append(FloorLost())

    def _ask(self, now: float) -> None:
        """Bring what we asked for in line with what is wanted, one step at a time."""
        if self._is_wanted and not self._has_asked:
            self._has_asked = True
            self.exchange.request(Primitive.FLOOR_REQUEST, (number(Type.FLOOR_ID, self.floor_id),), now)
        elif not self._is_wanted and self._has_asked and self._request:
            self.is_granted = False
            self.exchange.request(
                Primitive.FLOOR_RELEASE, (number(Type.FLOOR_REQUEST_ID, self._request),), now
            )  # fmt: skip


_ACKNOWLEDGEMENTS: dict[int, Primitive] = {
    Primitive.FLOOR_STATUS: Primitive.FLOOR_STATUS_ACK,
    Primitive.FLOOR_REQUEST_STATUS: Primitive.FLOOR_REQUEST_STATUS_ACK,
    Primitive.HELLO: Primitive.HELLO_ACK,
    Primitive.GOODBYE: Primitive.GOODBYE_ACK,
}


def _status_of(information: Attribute) -> int | None:
    """OVERALL-REQUEST-STATUS, or that of the one floor where it is missing."""
    for kind in (Type.OVERALL_REQUEST_STATUS, Type.FLOOR_REQUEST_STATUS):
        part = attributes.find(information.children, kind)
        found = None if part is None else attributes.find(part.children, Type.REQUEST_STATUS)
        if found is not None:
            return found.content[0]
    return None
