"""Offers of the peer beside its INVITE: UPDATE (RFC 3311 5.2) and PRACK (RFC 3262 5); and when none may begin."""

from __future__ import annotations

from typing import Protocol

from signaling.errors import SipError
from signaling.sip.sessions.core import Core
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.sessions.dialog_reply import dialog_response
from signaling.sip.sessions.events import Acknowledged, Offered, SessionEvent
from signaling.sip.sessions.invite_server import ServerInvite
from signaling.sip.sessions.offers import Turn
from signaling.sip.sessions.session_timer import Fields, SessionTimer
from signaling.sip.transactions.transaction_server import ServerTransaction
from signaling.sip.wire.message import Request

MAX_RETRY_AFTER_S = 10  # RFC 3261 14.2, RFC 3311 5.2


class Owner(Protocol):
    """The session."""

    server: ServerInvite | None
    """The last INVITE of the peer."""

    @property
    def is_offering(self) -> bool:
        """Whether an offer or refresh of ours is on its way."""

    @property
    def is_reinvited(self) -> bool:
        """Whether a re-INVITE of the peer waits for its answer or for the ACK of it."""

    def tell(self, event: SessionEvent) -> None:
        """The owner hears of it."""


class PeerOffers:
    """Of one session; one request waits for its answer at a time."""

    def __init__(self, core: Core, timer: SessionTimer, owner: Owner) -> None:
        self._core = core
        self._timer = timer
        self._owner = owner
        self._waiting: tuple[ServerTransaction, Dialog] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether an offer waits for accept() or reject()."""
        return self._waiting is not None

    def accept(self, body: bytes, now: float) -> None:
        """Answer the offer, also while the INVITE still waits."""
        if self._waiting is not None:
            (transaction, dialog), self._waiting = self._waiting, None
            dialog.offers.sent_answer(body)
            self._ok(transaction, dialog, now, body)

    def reject(self, status: int, reason: str, fields: Fields, now: float) -> None:
        """Refuse the offer, also while the INVITE still waits."""
        if self._waiting is not None:
            (transaction, dialog), self._waiting = self._waiting, None
            dialog.offers.drop()
            self._respond(transaction, dialog, status, now, fields, reason)
            self._resume(now)

    def update_received(self, transaction: ServerTransaction, request: Request, dialog: Dialog, now: float) -> None:
        """UPDATE: without an offer it refreshes target and timer, also before the call is answered."""
        if self.refuses(transaction, dialog, now, is_offer=bool(request.body)):
            return
        if request.body:
            self._begin(transaction, request, dialog)
        else:
            self._ok(transaction, dialog, now)

    def prack_received(self, transaction: ServerTransaction, request: Request, dialog: Dialog, now: float) -> None:
        """PRACK: its body answers our offer, or is an offer once all before was answered."""
        server = self._owner.server
        if server is None or not server.pracked(request):
            self._respond(transaction, dialog, 481, now)
        elif dialog.offers.turn is Turn.PEER:
            dialog.offers.received_answer(request.body)
            self._ok(transaction, dialog, now)
            self._owner.tell(Acknowledged(request.body))
        elif not request.body:
            self._ok(transaction, dialog, now)
        elif not self.refuses(transaction, dialog, now, is_offer=True):
            self._begin(transaction, request, dialog)
        self._resume(now)

    def refuses(self, transaction: ServerTransaction, dialog: Dialog, now: float, *, is_offer: bool) -> bool:
        """Whether a new exchange of the peer cannot begin now, or asks for too short an interval; it was answered."""
        try:
            self._timer.check(transaction.request)
        except SipError as error:
            self._respond(transaction, dialog, error.status, now, error.headers)
            return True
        status = self._busy_status(dialog) if is_offer or self.is_waiting else 0
        if status:
            wait_s = int(self._core.chance() * (MAX_RETRY_AFTER_S + 1))
            self._respond(transaction, dialog, status, now, (("Retry-After", str(wait_s)),) if status == 500 else ())
        return bool(status)

    def _busy_status(self, dialog: Dialog) -> int:
        """500 while an offer of the peer is open, 491 while one of ours is (RFC 3261 14.2, RFC 3311 5.2)."""
        if self.is_waiting or self._owner.is_reinvited:
            return 500
        return 491 if self._owner.is_offering else dialog.offers.refusal

    def _begin(self, transaction: ServerTransaction, request: Request, dialog: Dialog) -> None:
        dialog.offers.received_offer(request.body)
        self._waiting = (transaction, dialog)
        self._owner.tell(Offered(request.body, request.method))

    def _ok(self, transaction: ServerTransaction, dialog: Dialog, now: float, body: bytes = b"") -> None:
        request = transaction.request
        fields = self._timer.answer_fields(request, now) if request.method == "UPDATE" else ()
        response = dialog_response(self._core, request, dialog, 200, "", body, fields)
        self._core.endpoint.respond(transaction, response, now)
        self._resume(now)

    def _resume(self, now: float) -> None:
        """A 2xx to the INVITE that waited for a PRACK goes out when the offer in it is settled."""
        if self._owner.server is not None and self._waiting is None:
            self._owner.server.resume(now)

    def _respond(
        self,
        transaction: ServerTransaction,
        dialog: Dialog,
        status: int,
        now: float,
        fields: Fields = (),
        reason: str = "",
    ) -> None:
        response = dialog_response(self._core, transaction.request, dialog, status, reason, b"", fields)
        self._core.endpoint.respond(transaction, response, now)
