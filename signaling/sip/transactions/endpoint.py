"""The transaction layer of one user agent, sans-IO: bytes and `now` in, bytes for flows and the next deadline out.

Matches messages with transactions (RFC 3261 17.1.3, 17.2.3), answers what cannot be understood without keeping
state, and bounds the number of open transactions.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple, Protocol

from signaling.errors import SipError
from signaling.sip.sessions.reliable import OPTION as RELIABLE
from signaling.sip.sessions.session_timer import OPTION as TIMER
from signaling.sip.transactions.occupancy import Occupancy
from signaling.sip.transactions.transaction import (
    AckReceived,
    Flow,
    ResponseReceived,
    State,
    Transaction,
    TransactionUser,
)
from signaling.sip.transactions.transaction_client import (
    ClientTransaction,
    InviteClientTransaction,
    NonInviteClientTransaction,
)
from signaling.sip.transactions.transaction_server import (
    InviteServerTransaction,
    MergeKey,
    NonInviteServerTransaction,
    ServerTransaction,
)
from signaling.sip.wire.fields import cseq_of, from_of, to_of, top_via
from signaling.sip.wire.message import BadMessage, Message, Request, Response, parse
from signaling.sip.wire.reply import response_flow, response_to
from signaling.sip.wire.validate import check_meaning, check_routing
from signaling.sip.wire.via import MAGIC_COOKIE, Via, parse_via, stamped_text

MAX_UDP_REQUEST_BYTES = 1300  # RFC 3261 18.1.1: larger requests go by a congestion-controlled transport
BUSY_RETRY_AFTER_S = 10


class Outgoing(NamedTuple):
    """Bytes for a flow; `transaction` is told when they cannot be sent."""

    flow: Flow
    data: bytes
    transaction: Transaction | None = None


class RequestHandler(Protocol):
    """Who serves requests: the agent."""

    def request_received(self, transaction: ServerTransaction | None, request: Request, flow: Flow, now: float) -> None:
        """A valid new request; ACKs of 2xx come without a transaction."""

    def stray_response(self, response: Response, flow: Flow, now: float) -> None:
        """A response without a transaction: a 2xx that is repeated after its transaction ended."""


class Endpoint:
    """Transactions of one user agent over any number of flows.

    `token` gives an unguessable string; `max_open` bounds server transactions that still owe a final response and
    `max_transactions` all of them.
    """

    def __init__(
        self, handler: RequestHandler, token: Callable[[], str], *, max_open: int, max_transactions: int
    ) -> None:
        self._handler = handler
        self._token = token
        self.occupancy = Occupancy(max_open, max_transactions)
        self._servers: dict[tuple[str, ...], ServerTransaction] = {}
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._deadlines: list[tuple[float, int, Transaction]] = []
        self._order = itertools.count()
        self._outbox: deque[Outgoing] = deque()
        self._upgraded: dict[int, Flow] = {}
        self._first: dict[MergeKey, ServerTransaction] = {}
        self.extensions = {RELIABLE, TIMER}
        """Option tags that a request may require."""
        self.unremembered: set[str] = set()
        """Methods whose servers know repetitions by themselves: an answer ends the transaction (RFC 3261 8.2.7)."""
        self.counters: Counter[str] = Counter()

    # ---- in ---------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """One datagram or one message of a stream. Never raises for what a peer sent."""
        if not data.strip(b"\r\n\0"):
            return  # a keep-alive
        try:
            message = parse(data)
        except BadMessage as error:
            self._refuse_malformed(error, flow)
            return
        try:
            check_routing(message)
        except SipError as error:
            self._refuse_malformed(BadMessage(error.reason, message), flow)
            return
        if isinstance(message, Response):
            self._receive_response(message, flow, now)
        else:
            self._receive_request(message, flow, now)

    def handle_timeout(self, now: float) -> None:
        """Run what is due."""
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, _, transaction = heapq.heappop(self._deadlines)
            if transaction.key is None or deadline != transaction.looked_at:
                continue  # forgotten meanwhile, or looked at already
            transaction.looked_at = None
            transaction.handle_timeout(now)
            self._settle(transaction, now)

    def next_timeout(self) -> float | None:
        """When handle_timeout wants to be called."""
        return self._deadlines[0][0] if self._deadlines else None

    def messages_to_send(self) -> Iterator[Outgoing]:
        """Bytes to send, in order."""
        while self._outbox:
            yield self._outbox.popleft()

    def transport_failed(self, transaction: Transaction, now: float) -> None:
        """A message of this transaction could not be sent; one that was moved to TCP for its size returns to UDP."""
        original = self._upgraded.pop(id(transaction), None)
        if original is not None and isinstance(transaction, ClientTransaction):
            self.counters["tcp-refused"] += 1
            request = Request(
                transaction.request.method, transaction.request.uri, transaction.request.headers.copy(),
                transaction.request.body,
            )  # fmt: skip
            _set_via_transport(request, original)
            transaction.restart(request, original, now)
        else:
            self.counters["send-failed"] += 1
            transaction.transport_failed(now)
        self._settle(transaction, now)

    # ---- out --------------------------------------------------------------------------------------------------

    def request(self, request: Request, flow: Flow, user: TransactionUser | None, now: float) -> ClientTransaction:
        """Send a request in a new transaction; its Via is added here."""
        via = Via(flow.transport.upper(), flow.local[0], flow.local[1], (("branch", self.branch()), ("rport", None)))
        return self._start(request, via, flow, user, now)

    def cancel(self, cancel: Request, invite: ClientTransaction, now: float) -> None:
        """Send a CANCEL, which carries the Via of its INVITE."""
        self._run(NonInviteClientTransaction(cancel, invite.flow), (_branch(cancel), "CANCEL"), now)

    def send_ack(self, ack: Request, flow: Flow) -> None:
        """Send the ACK of a 2xx; it has no transaction. Its Via is added when it has none."""
        if "Via" not in ack.headers:
            params = (("branch", self.branch()), ("rport", None))
            ack.headers.prepend("Via", Via(flow.transport.upper(), *flow.local, params).serialize())
        self._outbox.append(Outgoing(flow, ack.serialize()))

    def respond(self, transaction: ServerTransaction, response: Response, now: float) -> None:
        """Send a response in its transaction."""
        # Looked at first: an answered transaction lets go of its request.
        is_over = response.status >= 200 and transaction.request.method in self.unremembered
        transaction.respond(response, now)
        if is_over:
            self._forget(transaction)
        self._settle(transaction, now)

    def branch(self) -> str:
        """A new branch (RFC 3261 8.1.1.7)."""
        return MAGIC_COOKIE + self._token()

    @property
    def transactions(self) -> int:
        """How many transactions are kept now."""
        return len(self._servers) + len(self._clients)

    @property
    def has_open_clients(self) -> bool:
        """Whether a request of ours still waits for its final response."""
        waiting = (State.CALLING, State.TRYING, State.PROCEEDING)
        return any(transaction.state in waiting for transaction in self._clients.values())

    # ---- within -----------------------------------------------------------------------------------------------

    def _start(
        self, request: Request, via: Via, flow: Flow, user: TransactionUser | None, now: float
    ) -> ClientTransaction:
        request.headers.prepend("Via", via.serialize())
        original = None
        if flow.transport == "udp" and len(request.serialize()) > MAX_UDP_REQUEST_BYTES:
            original, flow = flow, replace(flow, transport="tcp", connection=0)
            _set_via_transport(request, flow)
        kind = InviteClientTransaction if request.method == "INVITE" else NonInviteClientTransaction
        transaction = kind(request, flow, user)
        if original is not None:
            self._upgraded[id(transaction)] = original
        self._run(transaction, (via.branch, request.method), now)
        return transaction

    def _run(self, transaction: ClientTransaction, key: tuple[str, str], now: float) -> None:
        self._clients[key] = transaction
        transaction.key = key
        transaction.start(now)
        self._settle(transaction, now)

    def _receive_response(self, response: Response, flow: Flow, now: float) -> None:
        transaction = self._clients.get((_branch(response), cseq_of(response.headers).method))
        # One that has more than our own Via is for somebody else (RFC 3261 8.1.3.3).
        if transaction is None or len(response.headers.values("Via")) != 1:
            self.counters["stray-response"] += 1
            self._handler.stray_response(response, flow, now)
            return
        self._upgraded.pop(id(transaction), None)
        transaction.receive_response(response, now)
        self._settle(transaction, now)

    def _receive_request(self, request: Request, flow: Flow, now: float) -> None:
        via = top_via(request.headers)
        _stamp(request, via, flow)
        key = _server_key(request, via)
        transaction = self._servers.get(key)
        if transaction is not None:
            transaction.receive_request(request, now)
            self._settle(transaction, now)
            return
        try:
            check_meaning(request, self.extensions)
        except SipError as error:
            self.counters[f"refused-{error.status}"] += 1
            self._answer_stateless(request, flow, error)
            return
        if request.method == "ACK":
            self._handler.request_received(None, request, flow, now)
        elif refusal := self.occupancy.refusal(request, flow, self.transactions, now):
            self.counters[refusal] += 1
            busy = SipError(503, "Service Unavailable", (("Retry-After", str(BUSY_RETRY_AFTER_S)),))
            self._answer_stateless(request, flow, busy)
        elif (merge := _merge_key(request)) in self._first:
            self.counters["merged"] += 1  # the same request by another path (RFC 3261 8.2.2.2)
            self._answer_stateless(request, flow, SipError(482, "Loop Detected"))
        else:
            self._open(request, flow, key, merge, now)

    def _open(self, request: Request, flow: Flow, key: tuple[str, ...], merge: MergeKey | None, now: float) -> None:
        kind = InviteServerTransaction if request.method == "INVITE" else NonInviteServerTransaction
        transaction = kind(request, flow, now)
        if request.method in self.unremembered:
            self._handler.request_received(transaction, request, flow, now)
            if transaction.is_open:  # a repetition has to find it until it is answered
                self._keep(transaction, key, merge)
            return
        self._keep(transaction, key, merge)
        self._handler.request_received(transaction, request, flow, now)
        self._settle(transaction, now)

    def _keep(self, transaction: ServerTransaction, key: tuple[str, ...], merge: MergeKey | None) -> None:
        self._servers[key] = transaction
        transaction.key = key
        transaction.merge_key = merge
        if merge is not None:
            self._first[merge] = transaction
        self.occupancy.settled(transaction)
        while (surplus := self.occupancy.surplus(self.transactions - 1)) is not None:
            self.counters["forgotten-early"] += 1
            self._forget(surplus)

    def invite_of(self, cancel: Request) -> ServerTransaction | None:
        """The INVITE that a CANCEL means (RFC 3261 9.2)."""
        via = top_via(cancel.headers)
        return self._servers.get(_server_key(cancel, via, "INVITE"))

    def is_own(self, request: Request) -> bool:
        """Whether a request went out from here and came back: one of its Vias is ours (RFC 3261 16.3)."""
        branches = {parse_via(value).branch for value in request.headers.values("Via")[1:]}
        return any((branch, request.method) in self._clients for branch in branches)

    def _settle(self, transaction: Transaction, now: float) -> None:
        """Hand over what the machine produced, arm its timer, forget it when it is done."""
        for data in transaction.messages_to_send():
            self._outbox.append(Outgoing(transaction.destination, data, transaction))
        while (event := transaction.next_event()) is not None:
            if isinstance(event, AckReceived):
                self._handler.request_received(None, event.request, transaction.flow, now)
            elif isinstance(transaction, ClientTransaction) and transaction.user is not None:
                transaction.user.transaction_event(transaction, event, now)
            elif not isinstance(event, ResponseReceived):
                self.counters[f"transaction-{event.reason}"] += 1
        if transaction.has_moved and isinstance(transaction, ServerTransaction) and transaction.key is not None:
            transaction.has_moved = False
            self.occupancy.settled(transaction)
        if transaction.is_terminated:
            self._forget(transaction)
        elif transaction.key is not None and (deadline := transaction.next_timeout()) is not None:
            self._look_at(transaction, deadline)

    def _look_at(self, transaction: Transaction, deadline: float) -> None:
        """One that will be looked at earlier is asked again then: timers mostly move to later."""
        if transaction.looked_at is None or deadline < transaction.looked_at:
            transaction.looked_at = deadline
            heapq.heappush(self._deadlines, (deadline, next(self._order), transaction))
            self._compact()

    def _compact(self) -> None:
        """Entries of what was forgotten pile up; rebuild before they outnumber the live ones fourfold."""
        if len(self._deadlines) > 64 + 4 * self.transactions:
            self._deadlines = [entry for entry in self._deadlines if entry[2].key is not None]
            heapq.heapify(self._deadlines)

    def _forget(self, transaction: Transaction) -> None:
        key, transaction.key = transaction.key, None
        if key is None:
            return
        self._upgraded.pop(id(transaction), None)
        if isinstance(transaction, ServerTransaction):
            self.occupancy.forgotten(transaction)
            self._servers.pop(key, None)
            if transaction.merge_key is not None:
                self._first.pop(transaction.merge_key, None)
        else:
            self._clients.pop((key[0], key[1]), None)

    def _refuse_malformed(self, error: BadMessage, flow: Flow) -> None:
        self.counters["malformed"] += 1
        request = error.partial
        if not isinstance(request, Request) or request.method == "ACK" or "CSeq" not in request.headers:
            self.counters["dropped"] += 1
            return
        try:
            _stamp(request, top_via(request.headers), flow)
        except (SipError, IndexError):
            self.counters["dropped"] += 1
            return
        self._answer_stateless(request, flow, error)

    def _answer_stateless(self, request: Request, flow: Flow, error: SipError) -> None:
        """RFC 3261 8.2.7: no state is kept, a repeated request gets the same answer."""
        if request.method == "ACK":
            return
        response = response_to(request, error.status, error.reason, to_tag="stateless")
        for name, value in error.headers:
            response.headers.add(name, value)
        self._outbox.append(Outgoing(response_flow(flow, request.headers), response.serialize()))


def _stamp(request: Request, via: Via, flow: Flow) -> None:
    stamped = via.stamped(*flow.remote)
    if (text := stamped_text(request.headers.get("Via"), *flow.remote)) is not None:
        request.headers.set_first("Via", text, stamped)
        return
    vias = request.headers.values("Via")
    if len(vias) > 1:
        request.headers.set("Via", stamped.serialize())
        for value in vias[1:]:
            request.headers.add("Via", value)
    request.headers.set_first("Via", stamped.serialize(), stamped)


def _branch(message: Message) -> str:
    return top_via(message.headers).branch


def _server_key(request: Request, via: Via, method: str = "") -> tuple[str, ...]:
    """RFC 3261 17.2.3; without the magic cookie the headers of RFC 2543 tell transactions apart."""
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    branch = via.branch
    if branch.startswith(MAGIC_COOKIE) and len(branch) > len(MAGIC_COOKIE):
        return (branch, via.sent_by, method)
    headers = request.headers
    cseq = cseq_of(headers).number
    return (request.uri, headers.get("From"), headers.get("Call-ID"), str(cseq), via.sent_by, method)


def _merge_key(request: Request) -> MergeKey | None:
    """What requests out of dialog share that reach us by several paths (RFC 3261 8.2.2.2)."""
    headers = request.headers
    if request.method == "CANCEL" or to_of(headers).tag:
        return None
    return (request.method, headers.get("Call-ID"), from_of(headers).tag, cseq_of(headers).number)


def _set_via_transport(request: Request, flow: Flow) -> None:
    via = top_via(request.headers)
    request.headers.set_first("Via", replace(via, transport=flow.transport.upper()).serialize())
