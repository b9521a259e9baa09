"""The core of a user agent (RFC 3261 8), sans-IO: calls in and out, and what others serve through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from signaling.errors import SipError
from signaling.sip.client_request import Authorize, ClientRequest, final_only, new_request
from signaling.sip.inbound import Handler, Inbound
from signaling.sip.sessions.dialog import Dialog, DialogId, uas_dialog
from signaling.sip.sessions.events import SessionEvent
from signaling.sip.sessions.session import Session
from signaling.sip.sessions.session_state import SessionState
from signaling.sip.sessions.session_timer import TimerSettings
from signaling.sip.transactions.endpoint import BUSY_RETRY_AFTER_S, Endpoint, Outgoing
from signaling.sip.transactions.transaction import Flow, Transaction
from signaling.sip.transactions.transaction_server import ServerTransaction
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.reply import SDP_TYPE, response_to
from signaling.sip.wire.uri import NameAddr, Uri
from signaling.tries import source_key


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """What peers may make grow."""

    max_sessions: int = 400
    max_sessions_of_source: int = 400
    max_open_invites: int = 200
    max_transactions: int = 4000
    max_unconfirmed: int = 40


class Agent:
    """Sessions over one Endpoint. `incoming` is given every new call and answers it through the session.

    `chance` gives a random number from 0 up to 1.
    """

    def __init__(
        self,
        contact: Callable[[Flow], Uri],
        token: Callable[[], str],
        incoming: Callable[[Session, Request, Flow], None] | None,
        *,
        user_agent: str = "",
        limits: AgentLimits | None = None,
        timers: TimerSettings | None = None,
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        limits = limits or AgentLimits()
        self.contact = contact
        self.user_agent = user_agent
        self.timers = timers or TimerSettings()
        self.chance = chance
        self.inbound = Inbound(self)
        self.endpoint = Endpoint(
            self.inbound, token, max_open=limits.max_open_invites, max_transactions=limits.max_transactions
        )
        self._limits = limits
        self._token = token
        self._incoming = incoming
        self._sessions: dict[Session, list[DialogId]] = {}
        self._callers: dict[Session, str] = {}
        self._calls_of: Counter[str] = Counter()
        self._dialogs: dict[DialogId, Session] = {}

    @property
    def sessions(self) -> list[Session]:
        """All calls that have not ended."""
        return list(self._sessions)

    @property
    def allow(self) -> str:
        """The methods that are taken, for Allow headers (RFC 3261 20.5)."""
        return ", ".join(self.inbound.allowed)

    @property
    def supported(self) -> str:
        """The extensions that we know, for Supported headers (RFC 3261 20.37)."""
        return ", ".join(sorted(self.endpoint.extensions))

    def support(self, extension: str) -> None:
        """Take an option tag beyond our own in Require from now on; Supported lists it."""
        self.endpoint.extensions.add(extension.lower())

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
        times = [session.next_timeout() for session in self._sessions]
        times.append(self.endpoint.next_timeout())
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Run what is due."""
        self.endpoint.handle_timeout(now)
        for session in list(self._sessions):
            session.handle_timeout(now)

    def serve(self, method: str, handler: Handler, *, remembers: bool = True) -> None:
        """Take a method beyond our own from now on; Allow lists it.

        Requests within a dialog of ours arrive with their session, in order (RFC 3261 12.2.2). All others arrive with
        None, also those with a To tag: their dialog is the handler's own, or it answers 481.
        A handler that knows repeated requests by itself has no answers kept for them: `remembers` is then False.
        """
        self.inbound.served[method] = handler
        if not remembers:
            self.endpoint.unremembered.add(method)

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
    ) -> None:
        """Answer a request; a To tag is made where neither the request nor `tag` has one."""
        response = response_to(request, status, reason, to_tag=tag or self._token())
        for name, value in headers:
            response.headers.add(name, value)
        if self.user_agent:
            response.headers.add("Server", self.user_agent)
        response.body = body
        self.endpoint.respond(transaction, response, now)

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
            ("Supported", self.supported),
            *session.timer.request_fields(),
            *headers,
            *((("Content-Type", SDP_TYPE),) if body else ()),
        )
        request = new_request(
            "INVITE", target.uri, given, body, origin=origin, contact=self.contact(flow), token=self._token,
            route=route, user_agent=self.user_agent,
        )  # fmt: skip
        self._sessions[session] = []
        session.open_outgoing(request, flow, now)
        return session

    # ---- the sessions' side -----------------------------------------------------------------------------------

    def session_of(self, dialog_id: DialogId) -> Session | None:
        """The call to which a dialog belongs."""
        return self._dialogs.get(dialog_id)

    def new_call(self, transaction: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        """An INVITE out of dialog."""
        source = source_key(flow.remote[0])
        if self._incoming is None or not self._has_place(source, flow):
            self.endpoint.counters["too-many-calls"] += 1
            self.reply(transaction, request, 503, now, (("Retry-After", str(BUSY_RETRY_AFTER_S)),))
            return
        session = Session(self)
        try:
            session.timer.check(request)
        except SipError as error:
            self.reply(transaction, request, error.status, now, error.headers)
            return
        self._drop_unconfirmed(now)
        dialog = uas_dialog(request, flow, self._token(), self.contact(flow))
        dialog.user_agent = self.user_agent
        self._sessions[session] = []
        self._callers[session] = source
        self._calls_of[source] += 1
        self.dialog_made(session, dialog)
        session.open_incoming(transaction, dialog)
        self._incoming(session, request, flow)

    def _drop_unconfirmed(self, now: float) -> None:
        """Of calls that were answered and not acknowledged the oldest makes way: an invented caller sends no ACK."""
        if len(self._sessions) < self._limits.max_unconfirmed:
            return
        waiting = [session for session in self._sessions if session.state is SessionState.ACCEPTED]
        if len(waiting) >= self._limits.max_unconfirmed:
            self.endpoint.counters["unconfirmed-dropped"] += 1
            waiting[0].lost(now)

    def _has_place(self, source: str, flow: Flow) -> bool:
        if len(self._sessions) >= self._limits.max_sessions:
            return False
        is_few = self._calls_of[source] < self._limits.max_sessions_of_source
        return is_few or self.endpoint.occupancy.is_unlimited(flow)

    def dialog_made(self, session: Session, dialog: Dialog) -> None:
        """See session.Sessions."""
        if dialog.id not in self._dialogs and session in self._sessions:
            self._dialogs[dialog.id] = session
            self._sessions[session].append(dialog.id)

    def dialog_gone(self, dialog: Dialog) -> None:
        """See session.Sessions."""
        session = self._dialogs.pop(dialog.id, None)
        if session is not None:
            self._sessions[session].remove(dialog.id)

    def session_ended(self, session: Session) -> None:
        """See session.Sessions."""
        for dialog_id in self._sessions.pop(session, ()):
            self._dialogs.pop(dialog_id, None)
        source = self._callers.pop(session, None)
        if source is not None:
            self._calls_of[source] -= 1
            if not self._calls_of[source]:
                del self._calls_of[source]
