"""The two client transactions (RFC 3261 17.1, RFC 6026 8.4)."""

from __future__ import annotations

from typing import ClassVar

from signaling.sip.transactions.transaction import (
    T1,
    T2,
    T4,
    TIMEOUT_S,
    TIMER_C_S,
    TIMER_D_S,
    Flow,
    Input,
    State,
    Transaction,
    TransactionUser,
    Transitions,
    response_input,
)
from signaling.sip.wire.message import Headers, Request, Response


class ClientTransaction(Transaction):
    """A request of ours and its responses."""

    def __init__(self, request: Request, flow: Flow, user: TransactionUser | None = None) -> None:
        super().__init__(request, flow)
        self.user = user
        self._interval = T1

    def start(self, now: float) -> None:
        """Send the request."""
        self._step(Input.START, now)

    def restart(self, request: Request, flow: Flow, now: float) -> None:
        """Try again over another transport, with nothing received so far (RFC 3261 18.1.1)."""
        self.request, self.flow, self.state, self._interval = request, flow, State.IDLE, T1
        self._timers.clear()
        self.start(now)

    def receive_response(self, response: Response, now: float) -> None:
        """A response that carries our branch."""
        self._step(response_input(response.status), now, response)

    def _send(self, _now: float) -> None:
        self._outbox.append(self.request.serialize())


class InviteClientTransaction(ClientTransaction):
    """Figure 5 of RFC 3261, with the ACCEPTED state of RFC 6026.

    Figure 5 lets a peer ring for ever and so keep a place for each INVITE of ours: timer C of a proxy ends that here.
    """

    def _start_a_b(self, now: float) -> None:
        if not self.flow.is_reliable:
            self._arm(Input.TIMER_A, now + self._interval)
        self._arm(Input.TIMER_B, now + TIMEOUT_S)

    def _double_a(self, now: float) -> None:
        self._interval *= 2
        self._arm(Input.TIMER_A, now + self._interval)

    def _start_c(self, now: float) -> None:
        self._arm(Input.TIMER_C, now + TIMER_C_S)

    def _start_d(self, now: float) -> None:
        self._arm(Input.TIMER_D, now + (0.0 if self.flow.is_reliable else TIMER_D_S))

    def _start_m(self, now: float) -> None:
        self._arm(Input.TIMER_M, now + TIMEOUT_S)

    def _ack(self, _now: float) -> None:
        self._outbox.append(ack_of_failure(self.request, self._message).serialize())

    _final: ClassVar[dict[Input, tuple[tuple[str, ...], State]]] = {
        Input.R2XX: (("deliver", "start_m"), State.ACCEPTED),
        Input.R3XX_6XX: (("deliver", "ack", "start_d"), State.COMPLETED),
    }
    TRANSITIONS: ClassVar[Transitions] = {
        (State.IDLE, Input.START): (("send", "start_a_b"), State.CALLING),
        (State.CALLING, Input.TIMER_A): (("send", "double_a"), State.CALLING),
        (State.CALLING, Input.TIMER_B): (("report_timeout",), State.TERMINATED),
        (State.CALLING, Input.TRANSPORT_ERROR): (("report_transport",), State.TERMINATED),
        (State.CALLING, Input.R1XX): (("deliver", "start_c"), State.PROCEEDING),
        (State.CALLING, Input.R2XX): _final[Input.R2XX],
        (State.CALLING, Input.R3XX_6XX): _final[Input.R3XX_6XX],
        (State.PROCEEDING, Input.R1XX): (("deliver",), State.PROCEEDING),
        (State.PROCEEDING, Input.TIMER_C): (("report_timeout",), State.TERMINATED),
        (State.PROCEEDING, Input.R2XX): _final[Input.R2XX],
        (State.PROCEEDING, Input.R3XX_6XX): _final[Input.R3XX_6XX],
        (State.ACCEPTED, Input.R2XX): (("deliver",), State.ACCEPTED),
        (State.ACCEPTED, Input.TIMER_M): ((), State.TERMINATED),
        (State.COMPLETED, Input.R3XX_6XX): (("ack",), State.COMPLETED),
        (State.COMPLETED, Input.TRANSPORT_ERROR): (("report_transport",), State.TERMINATED),
        (State.COMPLETED, Input.TIMER_D): ((), State.TERMINATED),
    }


class NonInviteClientTransaction(ClientTransaction):
    """Figure 6 of RFC 3261."""

    def _start_e_f(self, now: float) -> None:
        if not self.flow.is_reliable:
            self._arm(Input.TIMER_E, now + self._interval)
        self._arm(Input.TIMER_F, now + TIMEOUT_S)
        self._deadline = now + TIMEOUT_S

    def _double_e(self, now: float) -> None:
        self._interval = min(2 * self._interval, T2)
        self._arm(Input.TIMER_E, now + self._interval)

    def _start_slow_e(self, now: float) -> None:
        """In PROCEEDING the request is repeated every T2, and F runs on (17.1.2.2)."""
        self._interval = T2
        if not self.flow.is_reliable:
            self._arm(Input.TIMER_E, now + T2)
        self._arm(Input.TIMER_F, self._deadline)

    def _start_k(self, now: float) -> None:
        self._arm(Input.TIMER_K, now + (0.0 if self.flow.is_reliable else T4))

    _finals: ClassVar[tuple[tuple[str, ...], State]] = (("deliver", "start_k"), State.COMPLETED)
    TRANSITIONS: ClassVar[Transitions] = {
        (State.IDLE, Input.START): (("send", "start_e_f"), State.TRYING),
        (State.TRYING, Input.TIMER_E): (("send", "double_e"), State.TRYING),
        (State.TRYING, Input.TIMER_F): (("report_timeout",), State.TERMINATED),
        (State.TRYING, Input.TRANSPORT_ERROR): (("report_transport",), State.TERMINATED),
        (State.TRYING, Input.R1XX): (("deliver", "start_slow_e"), State.PROCEEDING),
        (State.TRYING, Input.R2XX): _finals,
        (State.TRYING, Input.R3XX_6XX): _finals,
        (State.PROCEEDING, Input.TIMER_E): (("send", "double_e"), State.PROCEEDING),
        (State.PROCEEDING, Input.TIMER_F): (("report_timeout",), State.TERMINATED),
        (State.PROCEEDING, Input.TRANSPORT_ERROR): (("report_transport",), State.TERMINATED),
        (State.PROCEEDING, Input.R1XX): (("deliver",), State.PROCEEDING),
        (State.PROCEEDING, Input.R2XX): _finals,
        (State.PROCEEDING, Input.R3XX_6XX): _finals,
        (State.COMPLETED, Input.TIMER_K): ((), State.TERMINATED),
    }


def ack_of_failure(invite: Request, response: Response) -> Request:
    """The ACK of a 3xx to 6xx, which belongs to the transaction (RFC 3261 17.1.1.3)."""
    headers = Headers()
    headers.add("Via", invite.headers.values("Via")[0])
    headers.add("Max-Forwards", "70")
    headers.add("From", invite.headers.get("From"))
    headers.add("To", response.headers.get("To"))
    headers.add("Call-ID", invite.headers.get("Call-ID"))
    headers.add("CSeq", invite.headers.get("CSeq").split()[0] + " ACK")
    for route in invite.headers.lines("Route"):
        headers.add("Route", route)
    return Request("ACK", invite.uri, headers)


def cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE of ours (RFC 3261 9.1)."""
    cancel = ack_of_failure(invite, Response(487, headers=invite.headers))
    cancel.method = "CANCEL"
    cancel.headers.set("CSeq", invite.headers.get("CSeq").split()[0] + " CANCEL")
    return cancel
