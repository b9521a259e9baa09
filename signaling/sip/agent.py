"""The core of a user agent (RFC 3261 8), sans-IO: requests find their session, or their answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from signaling.errors import SipError
from signaling.sip.client_request import Authorize, ClientRequest, final_only, new_request
from signaling.sip.dialog import Dialog, DialogId, dialog_id_of_request, uas_dialog
from signaling.sip.endpoint import BUSY_RETRY_AFTER_S, Endpoint, Outgoing
from signaling.sip.events import SessionEvent
from signaling.sip.fields import cseq_of, from_of
from signaling.sip.message import Request, Response
from signaling.sip.reply import METHODS, SDP_TYPE, response_to
from signaling.sip.session import INFO_TYPES, Session
from signaling.sip.transaction import Flow, Transaction
from signaling.sip.transaction_server import ServerTransaction
from signaling.sip.uri import NameAddr, Uri

# Methods that exist (RFC 3261 21.4.6 asks for 405) but that we do not take; others get 501.
_OTHER_METHODS = frozenset({"REGISTER", "UPDATE", "PRACK", "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH"})

Handler = Callable[[ServerTransaction, Request, Session | None, Flow, float], None]
"""Serves one method: (transaction, request, the session of its dialog if any, flow, now)."""


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """What peers may make grow."""

    max_sessions: int = 400
    max_open_invites: int = 200
    max_transactions: int = 4000


class Agent:
    """Sessions over one Endpoint. `incoming` is given every new call and answers it through the session."""

    def __init__(
        self,
        contact: Callable[[Flow], Uri],
        token: Callable[[], str],
        incoming: Callable[[Session, Request, Flow], None] | None,
        *,
        user_agent: str = "",
        limits: AgentLimits | None = None,
    ) -> None:
        limits = limits or AgentLimits()
        self.contact = contact
        self.user_agent = user_agent
        self.endpoint = Endpoint(
            self, token, max_open=limits.max_open_invites, max_transactions=limits.max_transactions
        )
        self._limits = limits
        self._token = token
        self._incoming = incoming
        self._sessions: dict[int, Session] = {}
        self._dialogs: dict[DialogId, Session] = {}
        self._open: dict[tuple[str, str, int], Session] = {}
        self._served: dict[str, Handler] = {}
        self._methods: dict[str, Handler] = {
            "INVITE": self._invite,
            "BYE": self._bye,
            "CANCEL": self._cancel,
            "OPTIONS": self._options,
            "INFO": self._info,
        }

    @property
    def sessions(self) -> list[Session]:
        """All calls that have not ended."""
        return list(self._sessions.values())

    @property
    def allow(self) -> str:
        """The methods that are taken, for Allow headers (RFC 3261 20.5)."""
        return ", ".join((*METHODS, *self._served))

    # ---- the shell's side -------------------------------------------------------------------------------------

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """One message from the network."""
        self.endpoint.receive(data, flow, now)

    def messages_to_send(self) -> Iterator[Outgoing]:
        """Bytes to send, in order."""
        return self.endpoint.messages_to_send()

    def transport_failed(self, transaction: Transaction, now: float) -> None:
        """A message of this transaction could not be sent."""
        self.endpoint.transport_failed(transaction, now)

    def next_timeout(self) -> float | None:
        """When handle_timeout wants to be called."""
        times = [session.next_timeout() for session in self._sessions.values()]
        times.append(self.endpoint.next_timeout())
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Run what is due."""
        self.endpoint.handle_timeout(now)
        for session in list(self._sessions.values()):
            session.handle_timeout(now)

    def serve(self, method: str, handler: Handler) -> None:
        """Take a method beyond our own from now on; Allow lists it.

        Requests within a dialog of ours arrive with their session, in order (RFC 3261 12.2.2). All others arrive with
        None, also those with a To tag: their dialog is the handler's own, or it answers 481.
        """
        self._served[method] = handler

    def request(self, request: Request, flow: Flow, on_response: Callable[[Response | None], None], now: float) -> None:
        """Send a request out of dialog; its final response, or None when there is none or it could not be sent."""
        self.ask(ClientRequest(request, flow, final_only(on_response)), now)

    def ask(self, asked: ClientRequest, now: float) -> None:
        """Send a request out of dialog, again with credentials where its owner has them."""
        asked.start(self.endpoint, now)

    def reply(
        self,
        transaction: ServerTransaction,
        request: Request,
        status: int,
        now: float,
        headers: tuple[tuple[str, str], ...] = (),
        tag: str = "",
        body: bytes = b"",
        reason: str = "",
        *,
        is_remembered: bool = True,
    ) -> None:
        """Answer a request; a To tag is made where neither the request nor `tag` has one.

        `is_remembered` is for Endpoint.respond().
        """
        response = response_to(request, status, reason, to_tag=tag or self._token())
        for name, value in headers:
            response.headers.add(name, value)
        if self.user_agent:
            response.headers.add("Server", self.user_agent)
        response.body = body
        self.endpoint.respond(transaction, response, now, is_remembered=is_remembered)

    def invite(
        self,
        target: NameAddr,
        origin: NameAddr,
        body: bytes,
        flow: Flow,
        observer: Callable[[SessionEvent], None],
        now: float,
        headers: tuple[tuple[str, str], ...] = (),
        *,
        route: tuple[str, ...] = (),
        authorize: Authorize | None = None,
    ) -> Session:
        """Call somebody. `flow` says how the first request travels, `route` which proxies it visits.

        Raises SipError 503 over the limit.
        """
        if len(self._sessions) >= self._limits.max_sessions:
            raise SipError(503, "Too many calls")
        session = Session(self, observer, authorize)
        to = NameAddr(target.uri.without_passcode(), target.display_name)
        given = (
            ("To", to.serialize()),
            ("Allow", self.allow),
            *headers,
            *((("Content-Type", SDP_TYPE),) if body else ()),
        )
        request = new_request(
            "INVITE", target.uri, given, body, origin=origin, contact=self.contact(flow), token=self._token,
            route=route, user_agent=self.user_agent,
        )  # fmt: skip
        self._sessions[id(session)] = session
        session.open_outgoing(request, flow, now)
        return session

    # ---- the endpoint's side ----------------------------------------------------------------------------------

    def request_received(self, transaction: ServerTransaction | None, request: Request, flow: Flow, now: float) -> None:
        """A valid request; see endpoint.RequestHandler."""
        dialog_id = dialog_id_of_request(request)
        session = self._dialogs.get(dialog_id)
        if transaction is None:
            if session is not None and (session.dialog is None or session.dialog.is_from_peer(flow)):
                session.ack_received(request, now)
            else:
                self.endpoint.counters["stray-ack"] += 1
            return
        if request.method in self._served:
            self._within(transaction, request, session, flow, now)
        elif request.method not in self._methods:
            status = 405 if request.method in _OTHER_METHODS else 501
            self.reply(transaction, request, status, now, (("Allow", self.allow),))
        elif request.method == "CANCEL":
            self._cancel(transaction, request, None, flow, now)
        elif dialog_id[1] and session is None:
            self.reply(transaction, request, 481, now)
        else:
            self._within(transaction, request, session, flow, now)

    def stray_response(self, response: Response, flow: Flow, now: float) -> None:
        """Nobody waits for it (RFC 3261 18.1.2)."""

    def dialog_made(self, session: Session, dialog: Dialog) -> None:
        """See session.Sessions."""
        self._dialogs[dialog.id] = session

    def session_ended(self, session: Session) -> None:
        """See session.Sessions."""
        self._sessions.pop(id(session), None)
        if session.dialog is not None:
            self._dialogs.pop(session.dialog.id, None)
        self._open = {key: other for key, other in self._open.items() if other is not session}

    # ---- methods ----------------------------------------------------------------------------------------------

    def _within(
        self, transaction: ServerTransaction, request: Request, session: Session | None, flow: Flow, now: float
    ) -> None:
        if session is not None and session.dialog is not None:
            try:
                session.dialog.receive_request(request, flow)
            except SipError as error:
                self.reply(transaction, request, error.status, now)
                return
        handler = self._served.get(request.method) or self._methods[request.method]
        handler(transaction, request, session, flow, now)

    def _invite(
        self, transaction: ServerTransaction, request: Request, session: Session | None, flow: Flow, now: float
    ) -> None:
        content_type = request.headers.get("Content-Type", SDP_TYPE).partition(";")[0].strip().lower()
        if request.body and content_type != SDP_TYPE:
            self.reply(transaction, request, 415, now, (("Accept", SDP_TYPE),))
        elif session is not None:
            session.invite_received(transaction, request, now)
        else:
            self._new_call(transaction, request, flow, now)

    def _new_call(self, transaction: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        key = _merge_key(request)
        if key in self._open:  # the same request by another path (RFC 3261 8.2.2.2)
            self.reply(transaction, request, 482, now)
            return
        if self._incoming is None or len(self._sessions) >= self._limits.max_sessions:
            self.endpoint.counters["too-many-calls"] += 1
            self.reply(transaction, request, 503, now, (("Retry-After", str(BUSY_RETRY_AFTER_S)),))
            return
        self.endpoint.respond(transaction, response_to(request, 100), now)
        session = Session(self)
        dialog = uas_dialog(request, flow, self._token(), self.contact(flow))
        dialog.user_agent = self.user_agent
        session.open_incoming(transaction, dialog)
        self._sessions[id(session)] = session
        self._dialogs[dialog.id] = session
        self._open[key] = session
        self._incoming(session, request, flow)

    def _bye(
        self, transaction: ServerTransaction, request: Request, session: Session | None, _: Flow, now: float
    ) -> None:
        if session is None:
            self.reply(transaction, request, 481, now)
        else:
            session.bye_received(transaction, now)

    def _info(
        self, transaction: ServerTransaction, request: Request, session: Session | None, _: Flow, now: float
    ) -> None:
        if session is None:
            self.reply(transaction, request, 481, now)
        else:
            session.info_received(transaction, request, now)

    def _cancel(
        self, transaction: ServerTransaction, request: Request, _: Session | None, __: Flow, now: float
    ) -> None:
        invite = self.endpoint.invite_of(request)
        if invite is None:
            self.reply(transaction, request, 481, now)
            return
        session = next((item for item in self._sessions.values() if item.is_served_by(invite)), None)
        self.reply(transaction, request, 200, now, tag=session.dialog.local.tag if session and session.dialog else "")
        if session is not None and invite.is_open:
            session.cancelled(now)

    def _options(
        self, transaction: ServerTransaction, request: Request, _: Session | None, __: Flow, now: float
    ) -> None:
        """RFC 3261 11.2."""
        headers = (("Allow", self.allow), ("Accept", ", ".join((SDP_TYPE, *INFO_TYPES))), ("Supported", ""))
        self.reply(transaction, request, 200, now, headers)


def _merge_key(request: Request) -> tuple[str, str, int]:
    origin = from_of(request.headers)
    return (request.headers.get("Call-ID"), origin.tag, cseq_of(request.headers).number)
