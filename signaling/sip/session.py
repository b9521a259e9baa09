"""One call: the INVITE usage of a dialog (RFC 3261 13 to 15), for both sides, sans-IO.

A 2xx is repeated until its ACK comes (13.3.1.4); without an ACK for 64*T1 the session ends with a BYE. A BYE before
the ACK of our 2xx waits for it (15). Glare of two re-INVITEs gives 491 (14.2).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from signaling.errors import SipError
from signaling.sip.client_request import MAX_AUTHORIZED_TRIES, Authorize, authorized
from signaling.sip.dialog import Dialog, uac_dialog
from signaling.sip.endpoint import Endpoint
from signaling.sip.events import (
    Answered,
    Cancelled,
    Confirmed,
    Ended,
    InfoReceived,
    Offered,
    Progressed,
    Refused,
    SessionEvent,
    refused_by,
)
from signaling.sip.fields import cseq_of, to_of
from signaling.sip.message import Request, Response
from signaling.sip.reply import SDP_TYPE, dialog_response
from signaling.sip.transaction import (
    T1,
    T2,
    TIMEOUT_S,
    Event,
    Flow,
    ResponseReceived,
    State,
    Transaction,
    TransactionFailed,
)
from signaling.sip.transaction_client import ClientTransaction, cancel_of
from signaling.sip.transaction_server import ServerTransaction
from signaling.sip.uri import Uri

INFO_TYPES = ("application/dtmf-relay", "application/dtmf", "application/media_control+xml")
MAX_RINGING_S = 180.0
"""A call of ours that nobody answers is cancelled after this time."""


class SessionState(Enum):
    """Where a call stands."""

    INCOMING = auto()
    ACCEPTED = auto()
    """Our 2xx is out, its ACK is not here."""
    CALLING = auto()
    CANCELLING = auto()
    ESTABLISHED = auto()
    LEAVING = auto()
    """The owner hung up; a BYE waits for an ACK."""
    ENDED = auto()


class Sessions(Protocol):
    """What a session needs of the agent that keeps it."""

    endpoint: Endpoint
    user_agent: str

    @property
    def allow(self) -> str:
        """The methods that we take."""

    def contact(self, flow: Flow) -> Uri:
        """Our Contact for this peer."""

    def dialog_made(self, session: Session, dialog: Dialog) -> None:
        """Requests of this dialog belong to the session."""

    def session_ended(self, session: Session) -> None:
        """Forget the session."""


class Session:
    """A call that came in (`request` and `dialog` known) or goes out. `observer` is told what happens."""

    def __init__(
        self,
        agent: Sessions,
        observer: Callable[[SessionEvent], None] | None = None,
        authorize: Authorize | None = None,
    ) -> None:
        self.agent = agent
        self.observer = observer
        self.authorize = authorize
        """Credentials for what a proxy or the peer asks for in this call."""
        self._tries = 0
        self._asked: dict[Transaction, Callable[[Response | None], None]] = {}
        self.state = SessionState.CALLING
        self.dialog: Dialog | None = None
        self._server: ServerTransaction | None = None
        self._client: ClientTransaction | None = None
        self._bye: ClientTransaction | None = None
        self._answer: Response | None = None
        self._answer_cseq = 0
        self._interval = T1
        self._repeat_at: float | None = None
        self._deadline: float | None = None
        self._acks: dict[int, Request] = {}
        self._is_cancel_sent = False

    # ---- the owner's side -------------------------------------------------------------------------------------

    def open_incoming(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        """A new INVITE came; the owner answers with ring, accept or reject."""
        self.state, self._server, self.dialog = SessionState.INCOMING, transaction, dialog

    def open_outgoing(self, invite: Request, flow: Flow, now: float) -> None:
        """Send the first INVITE."""
        self._deadline = now + MAX_RINGING_S
        self._client = self.agent.endpoint.request(invite, flow, self, now)

    @property
    def is_saying_goodbye(self) -> bool:
        """Whether the end of the session is not yet confirmed by the peer."""
        if self.state is SessionState.ENDED:
            return self._bye is not None and not self._is_over(self._bye)
        return self.state in (SessionState.LEAVING, SessionState.CANCELLING)

    @property
    def has_pending_offer(self) -> bool:
        """Whether an INVITE of the peer waits for accept() or reject()."""
        return self._server is not None and self._server.is_open

    def is_served_by(self, transaction: ServerTransaction) -> bool:
        """Whether this INVITE of the peer is the one that the session works on."""
        return self._server is transaction

    def ring(self, now: float) -> None:
        """180 Ringing, also again to keep proxies from giving up (RFC 3261 13.3.1.1)."""
        if self.state is SessionState.INCOMING and self._server is not None:
            self.agent.endpoint.respond(self._server, self._response(self._server, 180), now)

    def accept(self, body: bytes, now: float) -> None:
        """200 with an answer, or with our offer; ignored when the peer gave up meanwhile."""
        if not self.has_pending_offer or self._server is None:
            return
        response = self._response(self._server, 200, body)
        self._answer, self._answer_cseq = response, cseq_of(response.headers).number
        self._interval, self._repeat_at, self._deadline = T1, now + T1, now + TIMEOUT_S
        if self.state is SessionState.INCOMING:
            self.state = SessionState.ACCEPTED
        self.agent.endpoint.respond(self._server, response, now)

    def reject(self, status: int, reason: str, headers: tuple[tuple[str, str], ...], now: float) -> None:
        """Refuse the INVITE that waits; a first one ends the session."""
        if self._server is not None and self._server.is_open:
            response = self._response(self._server, status, reason=reason)
            for name, value in headers:
                response.headers.add(name, value)
            self.agent.endpoint.respond(self._server, response, now)
        if self.state is SessionState.INCOMING:
            self._end(None)

    def reinvite(self, body: bytes, now: float) -> None:
        """Offer anew within the session; Answered or Refused follows. Raises SipError 491 where one is on its way."""
        if self.dialog is None or self.state is not SessionState.ESTABLISHED or self._is_busy():
            raise SipError(491, "Request Pending")
        self._client = self._send("INVITE", SDP_TYPE, body, now)

    def info(self, content_type: str, body: bytes, now: float) -> None:
        """Send an INFO within the session; nothing happens outside of one."""
        if self.state is SessionState.ESTABLISHED:
            self._send("INFO", content_type, body, now)

    def request(
        self,
        method: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        on_response: Callable[[Response | None], None],
        now: float,
    ) -> None:
        """Send a REFER, NOTIFY, SUBSCRIBE, ... within the session; its final response, or None when there is none.

        Raises SipError 481 where the session is not established.
        """
        if self.dialog is None or self.state is not SessionState.ESTABLISHED:
            raise SipError(481, "Call/Transaction Does Not Exist")
        request = self.dialog.request(method)
        request.body = body
        for name, value in headers:
            request.headers.add(name, value)
        transaction = self.agent.endpoint.request(request, self.dialog.next_hop(), self, now)
        self._asked[transaction] = on_response

    def cancel(self, now: float) -> None:
        """Give up an outgoing call; Refused(487) or, when the answer was quicker, Ended follows."""
        if self.state is not SessionState.CALLING or self._client is None:
            return
        self.state, self._deadline = SessionState.CANCELLING, now + TIMEOUT_S
        if self._client.state is State.PROCEEDING:  # before a provisional response a CANCEL waits (9.1)
            self._send_cancel(now)

    def hang_up(self, now: float) -> None:
        """End the session in the way that its state asks for."""
        if self.state is SessionState.INCOMING:
            self.reject(480, "Temporarily Unavailable", (), now)
            self._tell(Ended("local"))
        elif self.state is SessionState.CALLING:
            self.cancel(now)
        elif self.state is SessionState.ACCEPTED:
            self.state = SessionState.LEAVING
        elif self.state is SessionState.ESTABLISHED:
            self.reject(487, "", (), now)
            self._send_bye("local", now)

    # ---- the peer's side --------------------------------------------------------------------------------------

    def invite_received(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A re-INVITE (RFC 3261 14.2)."""
        endpoint = self.agent.endpoint
        if self.has_pending_offer or self._answer is not None:
            busy = self._response(transaction, 500)
            busy.headers.add("Retry-After", "2")
            endpoint.respond(transaction, busy, now)
        elif self._client is not None and not self._is_over(self._client):
            endpoint.respond(transaction, self._response(transaction, 491), now)
        elif self.state is not SessionState.ESTABLISHED:
            endpoint.respond(transaction, self._response(transaction, 481), now)
        else:
            self._server = transaction
            self._tell(Offered(request.body))

    def ack_received(self, request: Request, now: float) -> None:
        """The ACK of a 2xx; repeated ones are ignored."""
        if self._answer is None or cseq_of(request.headers).number != self._answer_cseq:
            return
        self._answer, self._repeat_at, self._deadline = None, None, None
        if self.state is SessionState.LEAVING:
            self._send_bye("local", now)
            return
        self.state = SessionState.ESTABLISHED
        self._tell(Confirmed(request.body))

    def cancelled(self, now: float) -> None:
        """The CANCEL of an INVITE that we have not answered; it was already answered itself."""
        if not self.has_pending_offer or self._server is None:
            return
        self.agent.endpoint.respond(self._server, self._response(self._server, 487), now)
        if self.state is SessionState.INCOMING:
            self._end(Cancelled())

    def bye_received(self, transaction: ServerTransaction, now: float) -> None:
        """The peer hangs up."""
        if self.has_pending_offer and self._server is not None:
            self.agent.endpoint.respond(self._server, self._response(self._server, 487), now)
        self.agent.endpoint.respond(transaction, self._response(transaction, 200), now)
        self._end(Ended("bye"))

    def info_received(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """INFO of a known type is passed on, another one refused with 415."""
        content_type = request.headers.get("Content-Type").partition(";")[0].strip().lower()
        is_known = content_type in INFO_TYPES or not request.body
        response = self._response(transaction, 200 if is_known else 415)
        if not is_known:
            response.headers.add("Accept", ", ".join(INFO_TYPES))
        self.agent.endpoint.respond(transaction, response, now)
        if is_known and request.body:
            self._tell(InfoReceived(content_type, request.body))

    def transaction_event(self, transaction: Transaction, event: Event, now: float) -> None:
        """A response to a request of ours, or none."""
        if isinstance(event, ResponseReceived) and self._is_authorized(transaction, event.response, now):
            return
        if transaction.request.method == "INVITE":
            self._invite_event(transaction, event, now)
        elif transaction.request.method != "BYE" and not _is_provisional(event):
            self._answered(transaction, event)

    def _answered(self, transaction: Transaction, event: Event) -> None:
        on_response = self._asked.pop(transaction, None)
        response = event.response if isinstance(event, ResponseReceived) else None
        if on_response is not None:
            on_response(response)
        if response is not None and response.status == 481 and transaction.request.method == "INFO":
            self._end(Ended("gone"))  # an INFO that nobody answers ends nothing: some terminals ignore it

    def _is_authorized(self, transaction: Transaction, response: Response, now: float) -> bool:
        """Whether the request went out again with credentials (RFC 3261 22.2, 22.3)."""
        if response.status not in (401, 407):
            self._tries = self._tries if response.status < 200 else 0
            return False
        may = self.authorize is not None and self._tries < MAX_AUTHORIZED_TRIES
        header = self.authorize(response, transaction.request) if may and self.authorize is not None else None
        if header is None or self.state is SessionState.CANCELLING:
            return False
        self._tries += 1
        cseq = 0
        if self.dialog is not None:
            self.dialog.local_cseq += 1
            cseq = self.dialog.local_cseq
        again = authorized(transaction.request, header, cseq)
        fresh = self.agent.endpoint.request(again, transaction.flow, self, now)
        if transaction is self._client:
            self._client = fresh
        elif transaction is self._bye:
            self._bye = fresh
        elif transaction in self._asked:
            self._asked[fresh] = self._asked.pop(transaction)
        return True

    def next_timeout(self) -> float | None:
        """When handle_timeout wants to be called."""
        return min((time for time in (self._repeat_at, self._deadline) if time is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Repeat a 2xx, give up waiting for an ACK or for an answer."""
        if self._deadline is not None and now >= self._deadline:
            self._give_up(now)
        elif self._repeat_at is not None and now >= self._repeat_at and self._answer and self._server:
            self._interval = min(2 * self._interval, T2)
            self._repeat_at = now + self._interval
            self.agent.endpoint.respond(self._server, self._answer, now)

    # ---- within -----------------------------------------------------------------------------------------------

    def _give_up(self, now: float) -> None:
        self._deadline = self._repeat_at = None
        if self.state is SessionState.CALLING:
            self.cancel(now)
        elif self.state is SessionState.CANCELLING:
            self._end(Refused(487, "Request Terminated"))
        elif self.state is not SessionState.ENDED:
            self._answer = None
            self._send_bye("no-ack", now)

    def _invite_event(self, transaction: Transaction, event: Event, now: float) -> None:
        if not isinstance(event, ResponseReceived):
            status = 503 if event == TransactionFailed("transport") else 408
            self._refused(Refused(status, "No answer" if status == 408 else "Not reachable"), now)
        elif event.response.status < 200:
            self._provisional(event.response, now)
        elif event.response.status < 300:
            self._success(transaction, event.response, now)
        else:
            self._refused(refused_by(event.response), now)

    def _provisional(self, response: Response, now: float) -> None:
        if self.state is SessionState.CANCELLING:
            self._send_cancel(now)
        elif response.status > 100:
            self._tell(Progressed(response.status, response.body))

    def _send_cancel(self, now: float) -> None:
        if self._client is not None and not self._is_cancel_sent:
            self._is_cancel_sent = True
            self.agent.endpoint.cancel(cancel_of(self._client.request), self._client, now)

    def _success(self, transaction: Transaction, response: Response, now: float) -> None:
        number = cseq_of(response.headers).number
        if self.dialog is not None and self.dialog.remote.tag == to_of(response.headers).tag:
            if number in self._acks:  # the ACK was lost
                self._send_ack(number)
                return
            self.dialog.refresh_target(response.headers)
        elif not self._make_dialog(transaction, response, now):
            return
        self._acks = {number: self._ack(number)}
        self._send_ack(number)
        self._deadline = None
        if self.state is SessionState.CANCELLING:
            self._send_bye("local", now)
        elif self.state in (SessionState.CALLING, SessionState.ESTABLISHED):
            self.state = SessionState.ESTABLISHED
            self._tell(Answered(response.body))

    def _make_dialog(self, transaction: Transaction, response: Response, now: float) -> bool:
        """The first 2xx makes the dialog; another fork that answers too is acknowledged and ended (13.2.2.4)."""
        try:
            dialog = uac_dialog(transaction.request, response, transaction.flow, self.agent.contact(transaction.flow))
        except SipError:
            self.agent.endpoint.counters["bad-answer"] += 1
            return False
        if self.dialog is None:
            self.dialog = dialog
            self.agent.dialog_made(self, dialog)
            return True
        self.agent.endpoint.send_ack(dialog.request("ACK", dialog.local_cseq), dialog.next_hop())
        self.agent.endpoint.request(dialog.request("BYE"), dialog.next_hop(), None, now)
        return False

    def _ack(self, number: int) -> Request:
        assert self.dialog is not None
        return self.dialog.request("ACK", number)

    def _send_ack(self, number: int) -> None:
        if self.dialog is not None:
            self.agent.endpoint.send_ack(self._acks[number], self.dialog.next_hop())

    def _refused(self, event: Refused, now: float) -> None:
        if self.state in (SessionState.CALLING, SessionState.CANCELLING):
            self._end(event)
        elif event.status in (408, 481):
            self._send_bye("gone", now)
        else:
            self._tell(event)

    def _send(self, method: str, content_type: str, body: bytes, now: float) -> ClientTransaction:
        assert self.dialog is not None
        request = self.dialog.request(method)
        request.body = body
        if method == "INVITE":
            request.headers.add("Allow", self.agent.allow)
        if body:
            request.headers.add("Content-Type", content_type)
        return self.agent.endpoint.request(request, self.dialog.next_hop(), self, now)

    def _send_bye(self, reason: str, now: float) -> None:
        if self.state is not SessionState.ENDED and self.dialog is not None:
            self._bye = self.agent.endpoint.request(self.dialog.request("BYE"), self.dialog.next_hop(), self, now)
        self._end(Ended(reason))

    def _response(self, transaction: ServerTransaction, status: int, body: bytes = b"", reason: str = "") -> Response:
        agent = self.agent
        return dialog_response(transaction.request, self.dialog, status, reason, body, agent.user_agent, agent.allow)

    def _is_busy(self) -> bool:
        is_asking = self._client is not None and not self._is_over(self._client)
        return is_asking or self.has_pending_offer or self._answer is not None

    @staticmethod
    def _is_over(transaction: ClientTransaction) -> bool:
        return transaction.state in (State.ACCEPTED, State.COMPLETED, State.TERMINATED)

    def _end(self, event: SessionEvent | None) -> None:
        if self.state is SessionState.ENDED:
            return
        self.state = SessionState.ENDED
        self._deadline = self._repeat_at = self._answer = None
        self.agent.session_ended(self)
        if event is not None:
            self._tell(event)

    def _tell(self, event: SessionEvent) -> None:
        if self.observer is not None:
            self.observer(event)


def _is_provisional(event: Event) -> bool:
    return isinstance(event, ResponseReceived) and event.response.status < 200
