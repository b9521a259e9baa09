"""An offer of ours, or a refresh, within a dialog: one re-INVITE or UPDATE until its answer is here, sans-IO.

RFC 3261 14.1 (re-INVITE, glare), RFC 3311 5.1 (UPDATE), RFC 4028 7.4 (refreshes), RFC 3262 4 (PRACK of re-INVITEs).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from signaling.sip.client_request import Authorize, ClientRequest
from signaling.sip.sessions.core import Core
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.sessions.events import Refused, refused_by
from signaling.sip.sessions.invite_client import MAX_INTERVAL_TRIES, acknowledge
from signaling.sip.sessions.offers import Turn
from signaling.sip.sessions.reliable import ReliableReceiver, is_reliable
from signaling.sip.sessions.session_timer import SessionTimer
from signaling.sip.transactions.transaction import T1, Event, ResponseReceived
from signaling.sip.wire.fields import cseq_of
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.reply import SDP_TYPE

MAX_GLARES = 5
"""How often an offer that met one of the peer is sent again."""


class Purpose(Enum):
    """Why it is sent."""

    OFFER = auto()
    REFRESH = auto()


class Owner(Protocol):
    """Who is told: the session."""

    def exchange_answered(self, exchange: Exchange, answer: bytes) -> None:
        """A 2xx; `answer` may be empty where nothing was offered."""

    def exchange_refused(self, exchange: Exchange, event: Refused, now: float) -> None:
        """Refused for good; the session stands as before."""

    def exchange_lost(self, exchange: Exchange, now: float) -> None:
        """The peer does not answer, or knows nothing of the dialog (RFC 5057 5.1)."""


class Exchange:
    """`again_at` is set while it waits for another try."""

    def __init__(
        self, core: Core, owner: Owner, dialog: Dialog, timer: SessionTimer, authorize: Authorize | None,
        method: str, body: bytes, purpose: Purpose,
    ) -> None:  # fmt: skip
        self.purpose = purpose
        self.again_at: float | None = None
        self._core = core
        self._owner = owner
        self.dialog = dialog
        self._timer = timer
        self._authorize = authorize
        self._method = method
        self._body = body
        self._reliable = ReliableReceiver()
        self._asked: ClientRequest | None = None
        self._ack: Request | None = None
        self._glares = 0
        self._tries = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is waited for."""
        return self.again_at is None and (self._asked is None or self._asked.is_over)

    @property
    def is_asking(self) -> bool:
        """Whether a request is on its way."""
        return self._asked is not None and not self._asked.is_over

    def start(self, now: float) -> None:
        """Send it, the first time or again."""
        self.again_at = None
        request = self.dialog.request(self._method)
        fields = (("Allow", self._core.allow), ("Supported", self._core.supported), *self._timer.request_fields())
        for name, value in fields:
            request.headers.add(name, value)
        if self._body:
            request.headers.add("Content-Type", SDP_TYPE)
            request.body = self._body
            self.dialog.offers.sent_offer(self._body)
        self._reliable, self._ack = ReliableReceiver(), None
        self._asked = ClientRequest(
            request, self.dialog.next_hop(), self._happened, self._authorize, self.dialog.next_cseq
        )
        self._asked.start(self._core.endpoint, now)

    def postpone(self, now: float) -> None:
        """Something of the peer is on its way just now."""
        self.again_at = now + T1

    def _happened(self, asked: ClientRequest, event: Event, now: float) -> None:
        if not isinstance(event, ResponseReceived):
            if asked is self._asked:
                self.dialog.offers.drop()
                self._owner.exchange_lost(self, now)
        elif event.response.status < 200:
            self._provisional(event.response, now)
        elif event.response.status < 300:
            self._success(asked, event.response, now)
        elif asked is self._asked:
            self._failure(event.response, now)

    def _provisional(self, response: Response, now: float) -> None:
        if self._method == "INVITE" and is_reliable(response):
            is_new = acknowledge(self._core, self.dialog, self._reliable, response, self._authorize, now)
            if is_new and response.body:
                self.dialog.offers.received_answer(response.body)

    def _success(self, asked: ClientRequest, response: Response, now: float) -> None:
        if self._method == "INVITE":
            is_repeated = self._ack is not None
            self._ack = self._ack or self.dialog.request("ACK", cseq_of(response.headers).number)
            self._core.endpoint.send_ack(self._ack, self.dialog.next_hop())
            if is_repeated:
                return
        if asked is not self._asked:
            return
        offers = self.dialog.offers
        self.dialog.learn(response.headers)
        answer = response.body
        if self._body and offers.turn is Turn.PEER:
            offers.received_answer(response.body)
        elif self._body:
            answer = offers.remote  # a reliable provisional response brought it
        self._timer.answered(response.headers, now)
        self._owner.exchange_answered(self, answer)

    def _failure(self, response: Response, now: float) -> None:
        if self._body:
            self.dialog.offers.drop()
        delay_s = self._glare(response)
        if delay_s is not None:
            self.again_at = now + delay_s
        elif self._is_worth_another_try(response):
            self.start(now)
        elif response.status in (408, 481):
            self._owner.exchange_lost(self, now)
        else:
            self._owner.exchange_refused(self, refused_by(response), now)

    def _glare(self, response: Response) -> float | None:
        """How long to wait after 491 (14.1), or after 500 of a peer that was busy with another offer (14.2)."""
        refusal = refused_by(response)
        is_busy = response.status == 500 and 0 < refusal.retry_after_s <= 10
        if self._glares >= MAX_GLARES or not (response.status == 491 or is_busy):
            return None
        self._glares += 1
        if is_busy:
            return float(refusal.retry_after_s)
        hundredths = 210 + int(self._core.chance() * 190) if self.dialog.is_ours else int(self._core.chance() * 200)
        return hundredths / 100

    def _is_worth_another_try(self, response: Response) -> bool:
        """422 with a longer interval; a refresh by UPDATE that the peer cannot take becomes a re-INVITE."""
        if response.status == 422 and self._tries < MAX_INTERVAL_TRIES:
            self._tries += 1
            return self._timer.was_too_small(response)
        if response.status in (405, 501) and self._method == "UPDATE" and self.purpose is Purpose.REFRESH:
            self._method, self._body = "INVITE", self.dialog.offers.local
            self.dialog.allows -= {"UPDATE"}
            return True
        return False
