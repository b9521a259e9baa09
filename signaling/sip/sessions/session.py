"""One call: the INVITE usage of a dialog (RFC 3261 13 to 15) with all that may happen in it, for both sides, sans-IO.

The parts: invite_client (our first INVITE), invite_server (INVITEs of the peer), exchange (re-INVITEs and UPDATEs of
ours), session_timer. A BYE before the ACK of our 2xx waits for it (15).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from signaling.errors import SipError
from signaling.sip.client_request import Authorize, ClientRequest
from signaling.sip.sessions.core import Core
from signaling.sip.sessions.dialog import Dialog, DialogId
from signaling.sip.sessions.dialog_reply import dialog_response
from signaling.sip.sessions.dialog_request import send_within
from signaling.sip.sessions.early_dialogs import Fork
from signaling.sip.sessions.events import (
    Answered,
    Cancelled,
    Confirmed,
    Ended,
    InfoReceived,
    Offered,
    Progressed,
    Refused,
    SessionEvent,
)
from signaling.sip.sessions.invite_client import ClientInvite
from signaling.sip.sessions.invite_server import ServerInvite
from signaling.sip.sessions.offers import Turn
from signaling.sip.sessions.own_offers import OwnOffers
from signaling.sip.sessions.peer_offers import PeerOffers
from signaling.sip.sessions.session_state import SessionState
from signaling.sip.sessions.session_timer import Due, SessionTimer
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transactions.transaction_server import ServerTransaction
from signaling.sip.wire.message import Request, Response

_BEFORE_ACK = (SessionState.INCOMING, SessionState.ACCEPTED, SessionState.LEAVING)
INFO_TYPES = ("application/dtmf-relay", "application/dtmf", "application/media_control+xml")


class Sessions(Core, Protocol):
    """What a session needs of the agent that keeps it."""

    def dialog_made(self, session: Session, dialog: Dialog) -> None:
        """Requests of this dialog belong to the session."""

    def dialog_gone(self, dialog: Dialog) -> None:
        """They do not any more."""

    def session_ended(self, session: Session) -> None:
        """Forget the session and its dialogs."""


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
        self.state = SessionState.CALLING
        self.dialog: Dialog | None = None
        self.timer = SessionTimer(agent.timers)
        self._calling: ClientInvite | None = None
        self.server: ServerInvite | None = None
        """The last INVITE of the peer."""
        self._own_offers = OwnOffers(agent, self.timer, self)
        self.updates = PeerOffers(agent, self.timer, self)
        self._bye: ClientRequest | None = None

    # ---- the owner's side: the call ---------------------------------------------------------------------------

    def open_incoming(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        """A new INVITE came; the owner answers with ring, accept or reject."""
        self.state, self.dialog = SessionState.INCOMING, dialog
        self._serve(transaction, dialog)

    def open_outgoing(self, invite: Request, flow: Flow, now: float) -> None:
        """Send the first INVITE."""
        self._calling = ClientInvite(self.agent, self, self.authorize, self.timer)
        self._calling.start(invite, flow, now)

    @property
    def is_saying_goodbye(self) -> bool:
        """Whether the end of the session is not yet confirmed by the peer."""
        if self.state is SessionState.ENDED:
            return self._bye is not None and not self._bye.is_over
        return self.state in (SessionState.LEAVING, SessionState.CANCELLING)

    @property
    def has_pending_offer(self) -> bool:
        """Whether an INVITE of the peer, or an offer in its UPDATE, waits for accept() or reject()."""
        return self.updates.is_waiting or (self.server is not None and self.server.is_open)

    def is_served_by(self, transaction: ServerTransaction) -> bool:
        """Whether this INVITE of the peer is the one that the session works on."""
        return self.server is not None and self.server.transaction is transaction

    def ring(self, now: float, body: bytes = b"") -> None:
        """180 Ringing, also again to keep proxies from giving up (RFC 3261 13.3.1.1).

        `body` is an early answer, or an early offer to an INVITE without one; it goes out only where the peer takes
        reliable provisional responses (183, RFC 3262).
        """
        if self.state is SessionState.INCOMING and self.server is not None:
            self.server.ring(body, now)

    def accept(self, body: bytes, now: float) -> None:
        """200 with an answer, or with our offer, to the INVITE that waits, else to the UPDATE; ignored without one."""
        if self.server is None or not self.server.is_open:
            self.updates.accept(body, now)
            return
        self.server.accept(body, now)
        if self.state is SessionState.INCOMING:
            self.state = SessionState.ACCEPTED

    def reject(self, status: int, reason: str, headers: tuple[tuple[str, str], ...], now: float) -> None:
        """Refuse the INVITE that waits, else the offer in an UPDATE; a first INVITE ends the session."""
        if self.state is not SessionState.INCOMING and (self.server is None or not self.server.is_open):
            self.updates.reject(status, reason, headers, now)
        if self.server is not None:
            self.server.reject(status, reason, headers, now)
        if self.state is SessionState.INCOMING:
            self._end(None, now)

    def cancel(self, now: float) -> None:
        """Give up an outgoing call; Refused(487) or, when the answer was quicker, Ended follows."""
        if self.state is SessionState.CALLING and self._calling is not None:
            self.state = SessionState.CANCELLING
            self._calling.cancel(now)

    def hang_up(self, now: float) -> None:
        """End the session in the way that its state asks for."""
        if self.state is SessionState.INCOMING:
            self.reject(480, "Temporarily Unavailable", (), now)
            self.tell(Ended("local"))
        elif self.state is SessionState.CALLING:
            self.cancel(now)
        elif self.state is SessionState.ACCEPTED:
            self.state = SessionState.LEAVING
        elif self.state is SessionState.ESTABLISHED:
            self.reject(487, "", (), now)
            self._send_bye("local", now)

    # ---- the owner's side: within the call --------------------------------------------------------------------

    def reinvite(self, body: bytes, now: float) -> None:
        """Offer anew, by re-INVITE, before the call is answered by UPDATE; Answered or Refused follows.

        Glare with an offer of the peer is settled by waiting and trying again (RFC 3261 14.1). Raises SipError 491
        where another exchange is on its way, or the call is not so far yet.
        """
        dialog = self.dialog or self._early_dialog()
        states = (SessionState.INCOMING, SessionState.CALLING, SessionState.ESTABLISHED)
        if dialog is None or self.state not in states:
            raise SipError(491, "Request Pending")
        self._own_offers.offer(dialog, body, now)

    def info(self, content_type: str, body: bytes, now: float) -> None:
        """Send an INFO within the session; nothing happens outside of one."""
        if self.state is SessionState.ESTABLISHED and self.dialog is not None:

            def answered(response: Response | None) -> None:
                """An INFO that nobody answers ends nothing: some terminals ignore it."""
                if response is not None and response.status == 481:
                    self._end(Ended("gone"), now)

            fields = (("Content-Type", content_type),)
            send_within(self.agent, self.dialog, self.authorize, "INFO", now, fields, body, answered)

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
        send_within(self.agent, self.dialog, self.authorize, method, now, headers, body, on_response)

    # ---- the peer's side --------------------------------------------------------------------------------------

    def dialog_of(self, dialog_id: DialogId) -> Dialog | None:
        """The dialog, confirmed or early, with this id."""
        dialogs = [] if self.dialog is None else [self.dialog]
        dialogs += [fork.dialog for fork in self._calling.early] if self._calling and not dialogs else []
        return next((dialog for dialog in dialogs if dialog.id == dialog_id), None)

    def invite_received(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A re-INVITE (RFC 3261 14.2)."""
        if self.dialog is None or self.state not in (SessionState.ESTABLISHED, SessionState.ACCEPTED):
            self._respond(transaction, 481, now)
            return
        if self.state is SessionState.ACCEPTED:
            # Our 2xx is still to be acknowledged: it would never be, nor given up, if another INVITE took its place.
            self._respond(transaction, 500, now, (("Retry-After", "1"),))
            return
        if not self.updates.refuses(transaction, self.dialog, now, is_offer=True):
            self._serve(transaction, self.dialog)
            self.tell(Offered(request.body))

    def ack_received(self, request: Request, now: float) -> None:
        """The ACK of a 2xx; repeated ones are ignored."""
        if self.server is None or self.dialog is None or not self.server.acknowledged(request):
            return
        was_offer = self.dialog.offers.turn is Turn.PEER
        if was_offer and request.body:
            self.dialog.offers.received_answer(request.body)
        elif was_offer:
            self.dialog.offers.drop()
        if self.state is SessionState.LEAVING:
            self._send_bye("local", now)
            return
        self.state = SessionState.ESTABLISHED
        self.tell(Confirmed(request.body if was_offer else b""))

    def cancelled(self, now: float) -> None:
        """The CANCEL of an INVITE that we have not answered; it was already answered itself."""
        if self.server is None or not self.server.transaction.is_open:
            return
        self.server.reject(487, "", (), now)
        if self.state in _BEFORE_ACK:
            self._end(Cancelled(), now)

    def bye_received(self, transaction: ServerTransaction, now: float) -> None:
        """The peer hangs up; a callee who does so before it answered (RFC 3261 15 forbids it) ends nothing."""
        self._respond(transaction, 200, now)
        if self.dialog is not None:
            self._end(Ended("bye"), now)

    def info_received(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """INFO of a known type is passed on, another one refused with 415."""
        content_type = request.headers.get("Content-Type").partition(";")[0].strip().lower()
        is_known = content_type in INFO_TYPES or not request.body
        accept = () if is_known else (("Accept", ", ".join(INFO_TYPES)),)
        self._respond(transaction, 200 if is_known else 415, now, accept)
        if is_known and request.body:
            self.tell(InfoReceived(content_type, request.body))

    # ---- time -------------------------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """When handle_timeout wants to be called."""
        times = [
            self.timer.next_timeout(),
            self.server.next_timeout() if self.server else None,
            self._calling.next_timeout() if self._calling else None,
            self._own_offers.next_timeout(),
        ]
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Repeat, refresh, try again, give up."""
        if self.server is not None:
            self._peer_is_late(self.server.handle_timeout(now), now)
        if self._calling is not None:
            self._calling.handle_timeout(now)
        self._own_offers.handle_timeout(now)
        due = self.timer.due(now)
        if due is Due.REFRESH:
            self._own_offers.refresh(self.dialog, now)
        elif due is Due.EXPIRED:
            self._send_bye("expired", now)

    def _peer_is_late(self, for_what: str, now: float) -> None:
        if for_what == "no-ack":
            self._send_bye("no-ack", now)
        elif for_what == "no-prack" and self.server is not None:  # RFC 3262 3 asks for a 5xx
            self.server.reject(504, "No PRACK", (), now)
            if self.state in _BEFORE_ACK:
                self._end(Ended("no-prack"), now)

    # ---- invite_client.Caller ---------------------------------------------------------------------------------

    def dialog_made(self, dialog: Dialog) -> None:
        """See invite_client.Caller."""
        self.agent.dialog_made(self, dialog)

    def dialogs_dropped(self) -> None:
        """See invite_client.Caller."""
        for fork in self._calling.early if self._calling else ():
            if fork.dialog is not self.dialog:
                self.agent.dialog_gone(fork.dialog)

    def progressed(self, response: Response) -> None:
        """See invite_client.Caller."""
        self.tell(Progressed(response.status, response.body))

    def established(self, fork: Fork, response: Response, now: float) -> None:
        """See invite_client.Caller."""
        if self.state is SessionState.ENDED:
            return
        self.dialog = fork.dialog
        self.dialogs_dropped()
        self.agent.dialog_made(self, self.dialog)
        if self.state is SessionState.CANCELLING:
            self._send_bye("local", now)
        else:
            self.state = SessionState.ESTABLISHED
            self.tell(Answered(self.dialog.offers.remote or response.body))

    def refused(self, event: Refused, now: float) -> None:
        """See invite_client.Caller."""
        self._end(event, now)

    # ---- peer_offers.Owner and own_offers.Host ----------------------------------------------------------------

    @property
    def is_offering(self) -> bool:
        """Whether an offer or refresh of ours is on its way."""
        return self._own_offers.is_asking

    @property
    def is_reinvited(self) -> bool:
        """Whether a re-INVITE of the peer waits for its answer or for the ACK of it."""
        return self._has_open_reinvite() or (
            self.server is not None and self.server.awaits_ack and self.state is SessionState.ESTABLISHED
        )

    @property
    def is_peer_offering(self) -> bool:
        """Whether an exchange of the peer is under way."""
        awaits_ack = self.server is not None and self.server.awaits_ack
        return awaits_ack or self._has_open_reinvite() or self.updates.is_waiting

    @property
    def is_established(self) -> bool:
        """Whether the call stands."""
        return self.state is SessionState.ESTABLISHED

    def lost(self, now: float) -> None:
        """The peer does not answer, or knows nothing of the call."""
        self._send_bye("gone", now)

    def tell(self, event: SessionEvent) -> None:
        """The owner hears of it."""
        if self.observer is not None:
            self.observer(event)

    # ---- within -----------------------------------------------------------------------------------------------

    def _serve(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        self.server = ServerInvite(self.agent, transaction, dialog, self.timer)
        if transaction.request.body:
            dialog.offers.received_offer(transaction.request.body)

    def _has_open_reinvite(self) -> bool:
        is_open = self.server is not None and self.server.is_open
        return is_open and self.state is not SessionState.INCOMING

    def _early_dialog(self) -> Dialog | None:
        forks = list(self._calling.early) if self._calling is not None else []
        return forks[0].dialog if len(forks) == 1 else None

    def _send_bye(self, reason: str, now: float) -> None:
        if self.state is not SessionState.ENDED and self.dialog is not None:
            self._bye = send_within(self.agent, self.dialog, self.authorize, "BYE", now)
        self._end(Ended(reason), now)

    def _respond(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        fields: tuple[tuple[str, str], ...] = (),
        dialog: Dialog | None = None,
        reason: str = "",
    ) -> None:
        response = dialog_response(self.agent, transaction.request, dialog or self.dialog, status, reason, b"", fields)
        self.agent.endpoint.respond(transaction, response, now)

    def _end(self, event: SessionEvent | None, now: float) -> None:
        """The last step; requests of the peer that wait get 487 (RFC 3261 15.1.2)."""
        if self.state is SessionState.ENDED:
            return
        if self.server is not None:
            self.server.reject(487, "", (), now)
        self.updates.reject(487, "", (), now)
        self.state = SessionState.ENDED
        self.server = None
        self._own_offers.stop()
        self.timer.stop()
        self.agent.session_ended(self)
        if event is not None:
            self.tell(event)


__all__ = ["INFO_TYPES", "Session", "SessionState", "Sessions"]
