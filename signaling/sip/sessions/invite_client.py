"""Our first INVITE: its forks, their PRACKs and ACKs, and giving it up (RFC 3261 9.1 and 13.2, RFC 3262 4), sans-IO."""

from __future__ import annotations

from typing import Protocol

from signaling.sip.client_request import Authorize, ClientRequest
from signaling.sip.sessions.core import Core
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.sessions.dialog_request import send_within
from signaling.sip.sessions.early_dialogs import EarlyDialogs, Fork
from signaling.sip.sessions.events import Refused, refused_by
from signaling.sip.sessions.reliable import ReliableReceiver, is_reliable
from signaling.sip.sessions.session_timer import SessionTimer
from signaling.sip.transactions.transaction import TIMEOUT_S, Event, Flow, ResponseReceived, State
from signaling.sip.transactions.transaction_client import cancel_of
from signaling.sip.wire.fields import cseq_of
from signaling.sip.wire.message import Request, Response

MAX_RINGING_S = 180.0
"""A call of ours that nobody answers is cancelled after this time."""
MAX_INTERVAL_TRIES = 3
"""422 responses that are followed (RFC 4028 7.3): one for each proxy on the way, within reason."""


class Caller(Protocol):
    """Who is told: the session."""

    def dialog_made(self, dialog: Dialog) -> None:
        """Requests of this early dialog may come."""

    def dialogs_dropped(self) -> None:
        """The early dialogs are no more: the INVITE goes out anew."""

    def progressed(self, response: Response) -> None:
        """A provisional response."""

    def established(self, fork: Fork, response: Response, now: float) -> None:
        """The first 2xx; it was acknowledged."""

    def refused(self, event: Refused, now: float) -> None:
        """A final refusal, or nothing came."""


class ClientInvite:
    """The INVITE of one call; the first 2xx wins, every other one is acknowledged and ended (13.2.2.4)."""

    def __init__(self, core: Core, caller: Caller, authorize: Authorize | None, timer: SessionTimer) -> None:
        self.early = EarlyDialogs()
        self._core = core
        self._caller = caller
        self._authorize = authorize
        self._timer = timer
        self._asked: ClientRequest | None = None
        self._deadline: float | None = None
        self._is_cancelling = False
        self._is_cancel_sent = False
        self._is_decided = False
        self._tries = 0

    @property
    def is_cancelling(self) -> bool:
        """Whether we have given it up, and nothing final came yet."""
        return self._is_cancelling and not self._is_decided

    def start(self, request: Request, flow: Flow, now: float) -> None:
        """Send it."""
        self._deadline = now + MAX_RINGING_S
        self._asked = ClientRequest(request, flow, self._happened, self._authorize)
        self._asked.start(self._core.endpoint, now)

    def cancel(self, now: float) -> None:
        """Give it up; before a provisional response the CANCEL waits (9.1)."""
        if self._is_decided or self._is_cancelling or self._asked is None or self._asked.transaction is None:
            return
        self._is_cancelling, self._deadline = True, now + TIMEOUT_S
        self._asked.authorize = None
        if self._asked.transaction.state is State.PROCEEDING:
            self._send_cancel(now)

    def next_timeout(self) -> float | None:
        """When handle_timeout wants to be called."""
        return self._deadline

    def handle_timeout(self, now: float) -> None:
        """Stop ringing, and stop waiting for the answer to the CANCEL."""
        if self._deadline is None or now < self._deadline:
            return
        if self._is_cancelling:
            self._decide()
            self._caller.refused(Refused(487, "Request Terminated"), now)
        else:
            self.cancel(now)

    def _happened(self, asked: ClientRequest, event: Event, now: float) -> None:
        if not isinstance(event, ResponseReceived):
            is_lost = asked.failure == "transport"
            self._refused(Refused(503, "Not reachable") if is_lost else Refused(408, "No answer"), now)
        elif event.response.status < 200:
            self._provisional(asked, event.response, now)
        elif event.response.status < 300:
            self._success(asked, event.response, now)
        elif not self._is_repeated(asked, event.response, now):
            self._refused(refused_by(event.response), now)

    def _provisional(self, asked: ClientRequest, response: Response, now: float) -> None:
        if self._is_cancelling:
            self._send_cancel(now)
        if self._is_decided or response.status == 100:
            return
        known = {fork.dialog.id for fork in self.early}
        fork = self._fork(asked, response)
        if fork is not None and fork.dialog.id not in known:
            self._caller.dialog_made(fork.dialog)
        if is_reliable(response):
            if fork is None or not acknowledge(self._core, fork.dialog, fork.reliable, response, self._authorize, now):
                return  # repeated, or out of order (RFC 3262 4)
            if response.body:
                fork.dialog.offers.received_answer(response.body)
        if not self._is_cancelling:
            self._caller.progressed(response)

    def _success(self, asked: ClientRequest, response: Response, now: float) -> None:
        fork = self._fork(asked, response)
        if fork is None:
            self._core.endpoint.counters["bad-answer"] += 1
            return
        is_repeated = fork.ack is not None
        if fork.ack is None:
            fork.ack = fork.dialog.request("ACK", cseq_of(response.headers).number)
        self._core.endpoint.send_ack(fork.ack, fork.dialog.next_hop())
        if is_repeated:
            return
        if self._is_decided:
            self._core.endpoint.counters["fork-ended"] += 1
            send_within(self._core, fork.dialog, self._authorize, "BYE", now)
            return
        self._decide()
        if response.body:
            fork.dialog.offers.received_answer(response.body)
        self._timer.answered(response.headers, now)
        self._caller.established(fork, response, now)

    def _is_repeated(self, asked: ClientRequest, response: Response, now: float) -> bool:
        """Whether the INVITE went out again with a longer interval (RFC 4028 7.3)."""
        if response.status != 422 or self._is_cancelling or self._tries >= MAX_INTERVAL_TRIES:
            return False
        if not self._timer.was_too_small(response):
            return False
        self._tries += 1
        self.early.clear()
        self._caller.dialogs_dropped()
        asked.repeat(self._timer.request_fields(), now)
        return True

    def _refused(self, event: Refused, now: float) -> None:
        if not self._is_decided:
            self._decide()
            self._caller.refused(event, now)

    def _decide(self) -> None:
        self._is_decided, self._deadline = True, None

    def _fork(self, asked: ClientRequest, response: Response) -> Fork | None:
        flow = asked.flow if asked.transaction is None else asked.transaction.flow
        return self.early.receive(asked.request, response, flow, self._core.contact(flow))

    def _send_cancel(self, now: float) -> None:
        if not self._is_cancel_sent and self._asked is not None and self._asked.transaction is not None:
            self._is_cancel_sent = True
            transaction = self._asked.transaction
            self._core.endpoint.cancel(cancel_of(transaction.request), transaction, now)


def acknowledge(
    core: Core,
    dialog: Dialog,
    reliable: ReliableReceiver,
    response: Response,
    authorize: Authorize | None,
    now: float,
) -> bool:
    """Send the PRACK of a reliable provisional response; False where it came before or out of order (RFC 3262 4)."""
    rack = reliable.accept(response)
    if rack is None:
        core.endpoint.counters["provisional-out-of-order"] += 1
        return False
    send_within(core, dialog, authorize, "PRACK", now, (("RAck", rack),))
    return True
