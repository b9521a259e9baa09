"""The two server transactions (RFC 3261 17.2, RFC 6026 8.3)."""

from __future__ import annotations

from typing import ClassVar

from signaling.sip.transactions.transaction import (
    T1,
    T2,
    T4,
    TIMEOUT_S,
    AckReceived,
    Flow,
    Input,
    State,
    Transaction,
    Transitions,
    response_input,
)
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.reply import response_flow, response_to

MergeKey = tuple[str, str, str, int]
"""Method, Call-ID, From tag and CSeq: what a request has in common with itself on another path (RFC 3261 8.2.2.2)."""
TRYING_AFTER_S = 0.2  # RFC 3261 17.2.1
_ANSWERED = Request("", "")
"""In the place of a request whose success was told: thousands are kept for their answer alone (timers J and L)."""


class ServerTransaction(Transaction):
    """A request of a peer and our responses. A retransmitted request gets the last response again."""

    def __init__(self, request: Request, flow: Flow) -> None:
        super().__init__(request, flow)
        self.merge_key: MergeKey | None = None
        """For whoever keeps the transaction."""
        self._destination = response_flow(flow, request.headers)
        self._last = b""

    @property
    def destination(self) -> Flow:
        """See Transaction: where the Via says (18.2.2)."""
        return self._destination

    @property
    def is_open(self) -> bool:
        """Whether a final response is still owed."""
        return self.state in (State.TRYING, State.PROCEEDING)

    def receive_request(self, request: Request, now: float) -> None:
        """The request again, or its ACK."""
        self._step(Input.ACK if request.method == "ACK" else Input.REQUEST, now, request)

    def respond(self, response: Response, now: float) -> None:
        """Send a response; one that the state does not allow any more is ignored."""
        self._step(response_input(response.status), now, response)

    def _send(self, _now: float) -> None:
        self._last = self._message.serialize()
        self._outbox.append(self._last)

    def _send_again(self, _now: float) -> None:
        if self._last:
            self._outbox.append(self._last)


class InviteServerTransaction(ServerTransaction):
    """Figure 7 of RFC 3261, with the ACCEPTED state of RFC 6026: the 2xx itself is repeated by the dialog's owner."""

    def __init__(self, request: Request, flow: Flow, now: float) -> None:
        super().__init__(request, flow)
        self._interval = T1
        self._step(Input.START, now)

    def _await_answer(self, now: float) -> None:
        """100 goes out by itself where nothing else does soon: most calls are answered before."""
        self._arm(Input.TRYING_DUE, now + TRYING_AFTER_S)

    def _try(self, _now: float) -> None:
        if not self._last:
            self._last = response_to(self.request, 100).serialize()
        self._outbox.append(self._last)

    def _keep_quiet(self, _now: float) -> None:
        self._timers.pop(Input.TRYING_DUE, None)

    def _start_g_h(self, now: float) -> None:
        if not self.flow.is_reliable:
            self._arm(Input.TIMER_G, now + T1)
        self._arm(Input.TIMER_H, now + TIMEOUT_S)

    def _double_g(self, now: float) -> None:
        self._interval = min(2 * self._interval, T2)
        self._arm(Input.TIMER_G, now + self._interval)

    def _start_i(self, now: float) -> None:
        self._arm(Input.TIMER_I, now + (0.0 if self.flow.is_reliable else T4))

    def _start_l(self, now: float) -> None:
        self._arm(Input.TIMER_L, now + TIMEOUT_S)
        self.request = _ANSWERED

    def _deliver_ack(self, _now: float) -> None:
        self._events.append(AckReceived(self._message))

    TRANSITIONS: ClassVar[Transitions] = {
        (State.IDLE, Input.START): (("await_answer",), State.PROCEEDING),
        (State.PROCEEDING, Input.REQUEST): (("try", "keep_quiet"), State.PROCEEDING),
        (State.PROCEEDING, Input.TRYING_DUE): (("try",), State.PROCEEDING),
        (State.PROCEEDING, Input.R1XX): (("send", "keep_quiet"), State.PROCEEDING),
        (State.PROCEEDING, Input.R2XX): (("send", "start_l"), State.ACCEPTED),
        (State.PROCEEDING, Input.R3XX_6XX): (("send", "start_g_h"), State.COMPLETED),
        (State.PROCEEDING, Input.TRANSPORT_ERROR): (("report_transport",), State.TERMINATED),
        (State.ACCEPTED, Input.REQUEST): ((), State.ACCEPTED),
        (State.ACCEPTED, Input.R2XX): (("send",), State.ACCEPTED),
        (State.ACCEPTED, Input.ACK): (("deliver_ack",), State.ACCEPTED),
        (State.ACCEPTED, Input.TIMER_L): ((), State.TERMINATED),
        (State.COMPLETED, Input.REQUEST): (("send_again",), State.COMPLETED),
        (State.COMPLETED, Input.TIMER_G): (("send_again", "double_g"), State.COMPLETED),
        (State.COMPLETED, Input.TIMER_H): (("report_timeout",), State.TERMINATED),
        (State.COMPLETED, Input.TRANSPORT_ERROR): (("report_transport",), State.TERMINATED),
        (State.COMPLETED, Input.ACK): (("start_i",), State.CONFIRMED),
        (State.CONFIRMED, Input.ACK): ((), State.CONFIRMED),
        (State.CONFIRMED, Input.TIMER_I): ((), State.TERMINATED),
    }


class NonInviteServerTransaction(ServerTransaction):
    """Figure 8 of RFC 3261."""

    def __init__(self, request: Request, flow: Flow, now: float) -> None:
        super().__init__(request, flow)
        self._step(Input.START, now)

    def _start_j(self, now: float) -> None:
        self._arm(Input.TIMER_J, now + (0.0 if self.flow.is_reliable else TIMEOUT_S))
        self.request = _ANSWERED

    _final: ClassVar[tuple[tuple[str, ...], State]] = (("send", "start_j"), State.COMPLETED)
    TRANSITIONS: ClassVar[Transitions] = {
        (State.IDLE, Input.START): ((), State.TRYING),
        (State.TRYING, Input.REQUEST): ((), State.TRYING),
        (State.TRYING, Input.R1XX): (("send",), State.PROCEEDING),
        (State.TRYING, Input.R2XX): _final,
        (State.TRYING, Input.R3XX_6XX): _final,
        (State.PROCEEDING, Input.REQUEST): (("send_again",), State.PROCEEDING),
        (State.PROCEEDING, Input.R1XX): (("send",), State.PROCEEDING),
        (State.PROCEEDING, Input.R2XX): _final,
        (State.PROCEEDING, Input.R3XX_6XX): _final,
        (State.PROCEEDING, Input.TRANSPORT_ERROR): (("report_transport",), State.TERMINATED),
        (State.COMPLETED, Input.REQUEST): (("send_again",), State.COMPLETED),
        (State.COMPLETED, Input.TRANSPORT_ERROR): (("report_transport",), State.TERMINATED),
        (State.COMPLETED, Input.TIMER_J): ((), State.TERMINATED),
    }
