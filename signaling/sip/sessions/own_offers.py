"""Offers and refreshes of ours within a call, one at a time: when they may go out, and what becomes of them."""

from __future__ import annotations

from typing import Protocol

from signaling.errors import SipError
from signaling.sip.client_request import Authorize
from signaling.sip.sessions.core import Core
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.sessions.events import Answered, Refused, SessionEvent
from signaling.sip.sessions.exchange import Exchange, Purpose
from signaling.sip.sessions.offers import Turn
from signaling.sip.sessions.session_timer import SessionTimer


class Host(Protocol):
    """The session."""

    authorize: Authorize | None

    @property
    def is_peer_offering(self) -> bool:
        """Whether an exchange of the peer is under way."""

    @property
    def is_established(self) -> bool:
        """Whether the call stands."""

    def tell(self, event: SessionEvent) -> None:
        """The owner hears of it."""

    def lost(self, now: float) -> None:
        """The peer does not answer, or knows nothing of the call (RFC 5057 5.1)."""


class OwnOffers:
    """Of one session."""

    def __init__(self, core: Core, timer: SessionTimer, host: Host) -> None:
        self._core = core
        self._timer = timer
        self._host = host
        self._exchange: Exchange | None = None

    @property
    def is_asking(self) -> bool:
        """Whether an offer or refresh of ours is on its way."""
        return self._exchange is not None and self._exchange.is_asking

    def offer(self, dialog: Dialog, body: bytes, now: float) -> None:
        """Send an offer: by re-INVITE, in an early dialog by UPDATE. Raises SipError 491 where none may go out now.

        In an early dialog that takes a description that is agreed, and a peer that knows UPDATE (RFC 3311 5.1).
        """
        is_early = not self._host.is_established
        may = not is_early or (bool(dialog.offers.local) and "UPDATE" in dialog.allows)
        is_busy = self._exchange is not None and not self._exchange.is_over
        if is_busy or not may or not self._is_free(dialog):
            raise SipError(491, "Request Pending")
        self._start("UPDATE" if is_early else "INVITE", dialog, body, Purpose.OFFER, now)

    def refresh(self, dialog: Dialog | None, now: float) -> None:
        """By UPDATE, which disturbs no media, else by the description that holds already (RFC 4028 7.4)."""
        is_busy = self._exchange is not None and not self._exchange.is_over
        if dialog is None or is_busy or not self._host.is_established or not self._is_free(dialog):
            self._timer.refresh_failed(now)
        elif "UPDATE" in dialog.allows:
            self._start("UPDATE", dialog, b"", Purpose.REFRESH, now)
        else:
            self._start("INVITE", dialog, dialog.offers.local, Purpose.REFRESH, now)

    def stop(self) -> None:
        """The call is over; what is on its way is acknowledged still."""
        self._exchange = None

    def next_timeout(self) -> float | None:
        """When handle_timeout wants to be called."""
        return None if self._exchange is None else self._exchange.again_at

    def handle_timeout(self, now: float) -> None:
        """Try again after glare."""
        exchange = self._exchange
        if exchange is not None and exchange.again_at is not None and now >= exchange.again_at:
            (exchange.start if self._is_free(exchange.dialog) else exchange.postpone)(now)

    # ---- exchange.Owner ---------------------------------------------------------------------------------------

    def exchange_answered(self, exchange: Exchange, answer: bytes) -> None:
        """See exchange.Owner."""
        if exchange.purpose is Purpose.OFFER and exchange is self._exchange:
            self._host.tell(Answered(answer))

    def exchange_refused(self, exchange: Exchange, event: Refused, now: float) -> None:
        """See exchange.Owner."""
        if exchange is not self._exchange:
            return
        if exchange.purpose is Purpose.REFRESH:
            self._timer.refresh_failed(now)
        else:
            self._host.tell(event)

    def exchange_lost(self, exchange: Exchange, now: float) -> None:
        """See exchange.Owner."""
        if exchange is self._exchange and self._host.is_established:
            self._host.lost(now)
        else:
            self.exchange_refused(exchange, Refused(408, "No answer"), now)

    # ---- within -----------------------------------------------------------------------------------------------

    def _is_free(self, dialog: Dialog) -> bool:
        return not self._host.is_peer_offering and dialog.offers.turn is Turn.NOBODY

    def _start(self, method: str, dialog: Dialog, body: bytes, purpose: Purpose, now: float) -> None:
        self._exchange = Exchange(
            self._core, self, dialog, self._timer, self._host.authorize, method, body, purpose
        )  # fmt: skip
        self._exchange.start(now)
