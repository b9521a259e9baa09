"""One INVITE of the peer, from its arrival to the ACK (RFC 3261 13.3 and 14.2, RFC 3262 3), sans-IO.

A 2xx is repeated until its ACK comes (13.3.1.4), a reliable provisional response until its PRACK; who waits longer than
64*T1 for either is told so.
"""

from __future__ import annotations

from signaling.sip.sessions.core import Core
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.sessions.dialog_reply import dialog_response
from signaling.sip.sessions.offers import Turn
from signaling.sip.sessions.reliable import MAX_FIRST_RSEQ, OPTION, ReliableSender, options
from signaling.sip.sessions.session_timer import SessionTimer
from signaling.sip.transactions.transaction import T1, T2, TIMEOUT_S
from signaling.sip.transactions.transaction_server import ServerTransaction
from signaling.sip.wire.fields import cseq_of
from signaling.sip.wire.message import Request, Response


class ServerInvite:
    """An INVITE or re-INVITE that we answer."""

    def __init__(self, core: Core, transaction: ServerTransaction, dialog: Dialog, timer: SessionTimer) -> None:
        self.transaction = transaction
        self._core = core
        self._dialog = dialog
        self._timer = timer
        headers = transaction.request.headers
        self._needs_reliable = OPTION in options(headers.values("Require"))
        self._may_be_reliable = self._needs_reliable or OPTION in options(headers.values("Supported"))
        self._reliable = ReliableSender(lambda: 1 + int(core.chance() * (MAX_FIRST_RSEQ - 1)))
        self._is_described = False
        self._held: bytes | None = None
        self._answer: Response | None = None
        self._interval = T1
        self._repeat_at = 0.0
        self._deadline = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it still waits for accept() or reject()."""
        return self.transaction.is_open and self._held is None

    @property
    def awaits_ack(self) -> bool:
        """Whether our 2xx is out, or about to go, and its ACK is not here."""
        return self._answer is not None or self._held is not None

    def ring(self, body: bytes, now: float) -> bool:
        """180, or 183 with an answer or an offer; reliably where the peer can. False where nothing was sent.

        A description goes out reliably or not at all: only then does it count (RFC 3261 13.2.1). The first reliable
        response to an INVITE without an offer has to bring one (RFC 3262 5), so a mere 180 is unreliable then, or,
        where the peer insists on reliable ones, left out.
        """
        offers = self._dialog.offers
        may_speak = bool(body) or offers.turn is Turn.OURS or bool(offers.local)
        is_reliable = self._may_be_reliable and may_speak
        if not self.is_open or self._reliable.is_waiting or (self._needs_reliable and not is_reliable):
            return False
        response = self._response(183 if body and is_reliable else 180, body if is_reliable else b"")
        if is_reliable:
            self._reliable.stamp(response, now)
        self._core.endpoint.respond(self.transaction, response, now)
        if response.body:
            self._is_described = True
            offers.sent(response.body)
        return True

    def accept(self, body: bytes, now: float) -> None:
        """200 with an answer, or with our offer; it waits for the PRACK of a description (RFC 3262 3)."""
        if not self.is_open:
            return
        if self._reliable.holds_description:
            self._held = body
            return
        self._reliable.stop()
        fields = self._timer.answer_fields(self.transaction.request, now)
        # What a reliable provisional response described is not described again (RFC 3261 13.2.1).
        response = self._response(200, b"" if self._is_described else body, fields=fields)
        if response.body:
            self._dialog.offers.sent(response.body)
        self._answer, self._held = response, None
        self._interval, self._repeat_at, self._deadline = T1, now + T1, now + TIMEOUT_S
        self._core.endpoint.respond(self.transaction, response, now)

    def reject(self, status: int, reason: str, fields: tuple[tuple[str, str], ...], now: float) -> None:
        """Refuse it."""
        if self.transaction.is_open:
            self._reliable.stop()
            self._held = None
            self._dialog.offers.drop()
            self._core.endpoint.respond(self.transaction, self._response(status, reason=reason, fields=fields), now)

    def acknowledged(self, ack: Request) -> bool:
        """Whether this is the first ACK of our 2xx."""
        if self._answer is None or cseq_of(ack.headers).number != cseq_of(self._answer.headers).number:
            return False
        self._answer = None
        return True

    def pracked(self, prack: Request) -> bool:
        """Whether a PRACK names what waits for it; call resume() when it was answered."""
        return self._reliable.acknowledged(prack)

    def resume(self, now: float) -> None:
        """Send the 2xx that waited for the PRACK."""
        if self._held is not None and not self._reliable.is_waiting:
            body, self._held = self._held, None
            self.accept(body, now)

    def next_timeout(self) -> float | None:
        """When handle_timeout wants to be called."""
        if self._answer is not None:
            return min(self._repeat_at, self._deadline)
        return self._reliable.next_timeout()

    def handle_timeout(self, now: float) -> str:
        """Repeat what is due. "no-ack" or "no-prack" where the peer has let the time pass, else ""."""
        if self._answer is not None and now >= self._deadline:
            self._answer = None
            return "no-ack"
        if self._reliable.is_expired(now):
            return "no-prack"
        again = self._reliable.due(now)
        if self._answer is not None and now >= self._repeat_at:
            self._interval = min(2 * self._interval, T2)
            self._repeat_at = now + self._interval
            again = self._answer
        if again is not None:
            self._core.endpoint.respond(self.transaction, again, now)
        return ""

    def _response(
        self, status: int, body: bytes = b"", reason: str = "", fields: tuple[tuple[str, str], ...] = ()
    ) -> Response:
        return dialog_response(self._core, self.transaction.request, self._dialog, status, reason, body, fields)
