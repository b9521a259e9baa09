"""Transactions of one BFCP association (RFC 8855 8): repeats over UDP, remembered replies, one at a time."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

from signaling.bfcp import attributes, message
from signaling.bfcp.attributes import Attribute
from signaling.bfcp.message import UNRELIABLE, BadMessageError, ErrorCode, Message, Primitive

T1_S = 0.5
"""First repeat of a request (RFC 8855 8.3.1); the interval doubles."""
T2_S = 10.0
"""How long a reply is kept for repeats of its request (RFC 8855 8.3.2)."""
_MAX_REPEATS = 3
_MAX_WAITING = 8
_MAX_REPLIES = 16

_REPLIES: dict[Primitive, Primitive] = {
    Primitive.FLOOR_REQUEST: Primitive.FLOOR_REQUEST_STATUS,
    Primitive.FLOOR_RELEASE: Primitive.FLOOR_REQUEST_STATUS,
    Primitive.FLOOR_REQUEST_QUERY: Primitive.FLOOR_REQUEST_STATUS,
    Primitive.FLOOR_QUERY: Primitive.FLOOR_STATUS,
    Primitive.HELLO: Primitive.HELLO_ACK,
    Primitive.GOODBYE: Primitive.GOODBYE_ACK,
    Primitive.FLOOR_REQUEST_STATUS: Primitive.FLOOR_REQUEST_STATUS_ACK,
    Primitive.FLOOR_STATUS: Primitive.FLOOR_STATUS_ACK,
}
"""What answers our requests, beside an Error."""
_ONLY_REPLIES = frozenset({
    Primitive.HELLO_ACK, Primitive.ERROR, Primitive.FLOOR_REQUEST_STATUS_ACK, Primitive.FLOOR_STATUS_ACK,
    Primitive.GOODBYE_ACK, Primitive.CHAIR_ACTION_ACK, Primitive.USER_STATUS,
})  # fmt: skip


@dataclass(slots=True)
class _Pending:
    request: Message
    due_s: float
    interval_s: float = T1_S
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request of ours; `message` is None where none came."""

    request: Message
    message: Message | None


class Exchange:
    """Pure: bytes and times in, requests of the peer, replies and bytes out."""

    def __init__(self, conference_id: int, user_id: int, version: int, first_transaction: int) -> None:
        self.conference_id = conference_id
        self.user_id = user_id
        self.version = version
        self.counters: Counter[str] = Counter()
        self._next_transaction = first_transaction % 0xFFFF
        self._out: list[bytes] = []
        self._waiting: deque[Message] = deque()
        self._pending: _Pending | None = None
        self._replies: OrderedDict[tuple[int, int], tuple[bytes, float]] = OrderedDict()
        self._lost: deque[Reply] = deque()

    @property
    def is_reliable(self) -> bool:
        """Whether the transport repeats what is lost."""
        return self.version != UNRELIABLE

    # ---- out

    def data_to_send(self) -> list[bytes]:
        """What goes to the peer now, one message each."""
        out, self._out = self._out, []
        return out

    def request(self, primitive: Primitive, attributes_: tuple[Attribute, ...], now: float) -> None:
        """Ask the peer something; of several notices of the same kind that wait the last one counts."""
        self._next_transaction = self._next_transaction % 0xFFFF + 1  # never 0 (RFC 8855 8.2)
        made = self._message(primitive, self._next_transaction, attributes_)
        if primitive is Primitive.FLOOR_STATUS:
            self._waiting = deque(each for each in self._waiting if each.primitive != primitive)
        if len(self._waiting) >= _MAX_WAITING:
            self.counters["requests-not-sent"] += 1
            return
        self._waiting.append(made)
        self._send_next(now)

    def notify(self, primitive: Primitive, attributes_: tuple[Attribute, ...], now: float) -> None:
        """Tell a client something: over TCP without an answer, as transaction 0 (RFC 8855 8.2)."""
        if self.is_reliable:
            self._out.append(self._message(primitive, 0, attributes_).serialize())
        else:
            self.request(primitive, attributes_, now)

    def reply(self, to: Message, primitive: Primitive, attributes_: tuple[Attribute, ...], now: float) -> None:
        """Answer a request of the peer."""
        made = Message(
            primitive, to.conference_id, to.transaction_id, to.user_id, attributes_, self.version, is_response=True
        )
        data = made.serialize()
        self._out.append(data)
        if not self.is_reliable:
            self._replies[to.primitive, to.transaction_id] = data, now + T2_S
            while len(self._replies) > _MAX_REPLIES:
                self._replies.popitem(last=False)

    def refuse(self, to: Message, code: ErrorCode, now: float, info: str = "", details: bytes = b"") -> None:
        """Answer with an Error."""
        self.counters[f"refused-{code.name.lower()}"] += 1
        self.reply(to, Primitive.ERROR, message.error(code, info, details), now)

    def _message(self, primitive: Primitive, transaction: int, attributes_: tuple[Attribute, ...]) -> Message:
        return Message(primitive, self.conference_id, transaction, self.user_id, attributes_, self.version)

    def _send_next(self, now: float) -> None:
        """One request at a time over UDP (RFC 8855 8.3); TCP keeps to it as well."""
        if self._pending is None and self._waiting:
            request = self._waiting.popleft()
            self._pending = _Pending(request, now + (T2_S if self.is_reliable else T1_S))
            self._out.append(request.serialize())

    # ---- in

    def receive(self, data: bytes, now: float) -> Message | Reply | None:
        """A new request of the peer, the answer to ours, or nothing that matters."""
        try:
            received = message.parse(data, self.version)
        except BadMessageError as error:
            self._answer_bad(error)
            return None
        pending = self._pending
        if pending is not None and _answers(received, pending.request):
            self._pending = None
            self._send_next(now)
            return Reply(pending.request, received)
        if received.is_response or received.primitive in _ONLY_REPLIES:
            self.counters["unexpected-replies"] += 1
            return None
        if self._repeat_reply(received, now) or not self._is_for_us(received, now):
            return None
        return received

    def _repeat_reply(self, request: Message, now: float) -> bool:
        known = self._replies.get((request.primitive, request.transaction_id))
        if known is None or known[1] <= now:
            return False
        self._out.append(known[0])
        return True

    def _is_for_us(self, request: Message, now: float) -> bool:
        """RFC 8855 13: conference, user, and attributes that must be understood."""
        if request.conference_id != self.conference_id:
            self.refuse(request, ErrorCode.NO_SUCH_CONFERENCE, now)
        elif request.user_id != self.user_id:
            self.refuse(request, ErrorCode.NO_SUCH_USER, now)
        elif unknown := bytes(
            each.type << 1 for each in request.attributes if each.is_mandatory and not _is_known(each.type)
        ):
            self.refuse(request, ErrorCode.UNKNOWN_MANDATORY_ATTRIBUTE, now, details=unknown)
        else:
            return True
        return False

    def _answer_bad(self, bad: BadMessageError) -> None:
        self.counters["malformed"] += 1
        header = bad.header
        if header is None or header.is_response or header.primitive in _ONLY_REPLIES:
            return
        self._out.append(
            Message(
                Primitive.ERROR, header.conference_id, header.transaction_id, header.user_id,
                message.error(bad.code, bad.info), self.version, is_response=True,
            ).serialize()
        )  # fmt: skip

    # ---- time

    def next_timeout(self) -> float | None:
        """When handle_timeout() has something to do."""
        return None if self._pending is None else self._pending.due_s

    def handle_timeout(self, now: float) -> None:
        """Repeat a request, or give it up."""
        pending = self._pending
        if pending is None or now < pending.due_s:
            return
        if self.is_reliable or pending.repeats == _MAX_REPEATS:
            self.counters["unanswered"] += 1
            self._pending = None
            self._lost.append(Reply(pending.request, None))
            self._send_next(now)
            return
        pending.repeats += 1
        pending.interval_s *= 2
        pending.due_s = now + pending.interval_s
        self._out.append(pending.request.serialize())

    def next_lost(self) -> Reply | None:
        """A request that was given up."""
        return self._lost.popleft() if self._lost else None


def _answers(received: Message, request: Message) -> bool:
    """Some terminals leave the R bit out, so that number and kind decide."""
    if received.transaction_id != request.transaction_id or received.conference_id != request.conference_id:
        return False
    return received.primitive in (_REPLIES.get(Primitive(request.primitive)), Primitive.ERROR)


def _is_known(kind: int) -> bool:
    return kind in attributes.Type.__members__.values()
