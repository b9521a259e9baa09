"""Requests of peers: each finds its session, its server, or the status that refuses it (RFC 3261 8.2, 12.2.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from signaling.errors import SipError
from signaling.sip.sessions.dialog import Dialog, dialog_id_of_request
from signaling.sip.sessions.session import INFO_TYPES, Session
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transactions.transaction_server import ServerTransaction
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.reply import SDP_TYPE

if TYPE_CHECKING:
    from signaling.sip.agent import Agent

Handler = Callable[[ServerTransaction, Request, Session | None, Flow, float], None]
"""Serves one method: (transaction, request, the session of its dialog if any, flow, now)."""

# Methods that exist (RFC 3261 21.4.6 asks for 405), also where nobody serves them; others get 501.
_OTHER_METHODS = frozenset({"REGISTER", "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH"})
_DESCRIBING = frozenset({"INVITE", "UPDATE", "PRACK"})
_OUT_OF_DIALOG = frozenset({"INVITE", "OPTIONS"})


class Inbound:
    """The endpoint's RequestHandler; `methods` are those of calls, `served` what others take beyond them."""

    def __init__(self, agent: Agent) -> None:
        self.served: dict[str, Handler] = {}
        self._agent = agent
        self.methods: dict[str, Handler] = {
            "INVITE": self._invite,
            "BYE": self._bye,
            "OPTIONS": self._options,
            "INFO": self._info,
            "UPDATE": self._update,
            "PRACK": self._prack,
        }

    @property
    def allowed(self) -> tuple[str, ...]:
        """All methods that are taken."""
        return ("ACK", "CANCEL", *self.methods, *self.served)

    def request_received(self, transaction: ServerTransaction | None, request: Request, flow: Flow, now: float) -> None:
        """A valid request; see endpoint.RequestHandler."""
        dialog_id = dialog_id_of_request(request)
        session = self._agent.session_of(dialog_id)
        dialog = session.dialog_of(dialog_id) if session is not None else None
        method = request.method
        if transaction is None:
            self._ack(request, session, dialog, flow, now)
        elif method == "CANCEL":
            self._cancel(transaction, request, now)
        elif method in self.served or (method in self.methods and (session is not None or not dialog_id[1])):
            self._within(transaction, request, session, dialog, flow, now)
        elif method in self.methods:
            self._agent.reply(transaction, request, 481, now)
        else:
            status = 405 if method in _OTHER_METHODS else 501
            self._agent.reply(transaction, request, status, now, (("Allow", self._agent.allow),))

    def stray_response(self, response: Response, flow: Flow, now: float) -> None:
        """Nobody waits for it (RFC 3261 18.1.2); the endpoint has counted it."""

    def _ack(self, request: Request, session: Session | None, dialog: Dialog | None, flow: Flow, now: float) -> None:
        if session is not None and (dialog is None or dialog.is_from_peer(flow)):
            session.ack_received(request, now)
        else:
            self._agent.endpoint.counters["stray-ack"] += 1

    def _within(
        self,
        transaction: ServerTransaction,
        request: Request,
        session: Session | None,
        dialog: Dialog | None,
        flow: Flow,
        now: float,
    ) -> None:
        """Order and content type first, then the method's own handler."""
        try:
            if dialog is not None:
                dialog.receive_request(request, flow)
            if request.method in _DESCRIBING:
                _check_acceptance(request)
                _check_description(request)
            if session is None and request.method not in self.served and request.method not in _OUT_OF_DIALOG:
                raise SipError(481, "Call/Transaction Does Not Exist")
        except SipError as error:
            self._agent.reply(transaction, request, error.status, now, error.headers)
            return
        handler = self.served.get(request.method) or self.methods[request.method]
        handler(transaction, request, session, flow, now)

    # ---- methods ----------------------------------------------------------------------------------------------

    def _invite(
        self, transaction: ServerTransaction, request: Request, session: Session | None, flow: Flow, now: float
    ) -> None:
        if session is not None:
            session.invite_received(transaction, request, now)
        elif self._agent.endpoint.is_own(request):
            self._agent.reply(transaction, request, 482, now)
        else:
            self._agent.new_call(transaction, request, flow, now)

    def _bye(self, transaction: ServerTransaction, _: Request, session: Session | None, __: Flow, now: float) -> None:
        if session is not None:
            session.bye_received(transaction, now)

    def _info(
        self, transaction: ServerTransaction, request: Request, session: Session | None, _: Flow, now: float
    ) -> None:
        if session is not None:
            session.info_received(transaction, request, now)

    def _update(
        self, transaction: ServerTransaction, request: Request, session: Session | None, _: Flow, now: float
    ) -> None:
        dialog = session.dialog_of(dialog_id_of_request(request)) if session is not None else None
        if session is not None and dialog is not None:
            session.updates.update_received(transaction, request, dialog, now)

    def _prack(
        self, transaction: ServerTransaction, request: Request, session: Session | None, _: Flow, now: float
    ) -> None:
        dialog = session.dialog_of(dialog_id_of_request(request)) if session is not None else None
        if session is not None and dialog is not None:
            session.updates.prack_received(transaction, request, dialog, now)

    def _cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """RFC 3261 9.2: 200 for every CANCEL that finds its INVITE, also when that has its answer already."""
        invite = self._agent.endpoint.invite_of(request)
        if invite is None:
            self._agent.reply(transaction, request, 481, now)
            return
        session = next((item for item in self._agent.sessions if item.is_served_by(invite)), None)
        tag = session.dialog.local.tag if session and session.dialog else ""
        self._agent.reply(transaction, request, 200, now, tag=tag)
        if session is not None and invite.is_open:
            session.cancelled(now)

    def _options(
        self, transaction: ServerTransaction, request: Request, _: Session | None, __: Flow, now: float
    ) -> None:
        """RFC 3261 11.2."""
        agent = self._agent
        accept = ("Accept", ", ".join((SDP_TYPE, *INFO_TYPES)))
        agent.reply(transaction, request, 200, now, (("Allow", agent.allow), accept, ("Supported", agent.supported)))


def _check_acceptance(request: Request) -> None:
    """Raises SipError 406 where the peer takes no SDP (RFC 3261 20.1; without Accept it does)."""
    taken = {value.partition(";")[0].strip().lower() for value in request.headers.values("Accept")}
    if request.method == "INVITE" and taken and not taken & {SDP_TYPE, "application/*", "*/*"}:
        raise SipError(406, "Not Acceptable", (("Accept", SDP_TYPE),))


def _check_description(request: Request) -> None:
    """Raises SipError 415 for a body that is no SDP; one that may be ignored is (RFC 3261 8.2.3, 20.11)."""
    content_type = request.headers.get("Content-Type", SDP_TYPE).partition(";")[0].strip().lower()
    if request.body and content_type != SDP_TYPE:
        disposition = request.headers.get("Content-Disposition").lower().replace(" ", "")
        if "handling=optional" not in disposition:
            raise SipError(415, "Unsupported Media Type", (("Accept", SDP_TYPE),))
        request.body = b""
