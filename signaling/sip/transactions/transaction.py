"""What the four transaction machines share (RFC 3261 17): states, inputs, timers, outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar, Protocol

from signaling.sip.wire.message import Request, Response

# RFC 3261, table 4; seconds.
T1 = 0.5
T2 = 4.0
T4 = 5.0
TIMEOUT_S = 64 * T1
"""Timers B, F, H, J, L and M."""
TIMER_D_S = 32.0
TIMER_C_S = 240.0
"""More than three minutes (16.6, step 11), and than a call of ours rings and waits for the answer to its CANCEL."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a message came from or goes to. `connection` names one TCP or TLS connection, 0 is UDP or a new one."""

    transport: str
    local: tuple[str, int]
    remote: tuple[str, int]
    connection: int = 0
    host: str = ""
    """Whom the certificate of a TLS peer that we connect to has to name; "" for its address (RFC 5922)."""

    @property
    def is_reliable(self) -> bool:
        """Whether the transport repeats what is lost."""
        return self.transport != "udp"

    @property
    def is_secure(self) -> bool:
        """Whether nobody on the way reads the signalling."""
        return self.transport == "tls"


class State(Enum):
    """States of all four machines (figures 5 to 8; ACCEPTED is RFC 6026)."""

    __hash__ = object.__hash__  # that of Enum is a Python function, called with every step

    IDLE = auto()
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Input(Enum):
    """What may happen to a machine."""

    __hash__ = object.__hash__

    START = auto()
    REQUEST = auto()
    ACK = auto()
    R1XX = auto()
    R2XX = auto()
    R3XX_6XX = auto()
    TRANSPORT_ERROR = auto()
    TRYING_DUE = auto()
    """The 200 ms of 17.2.1 are over."""
    TIMER_A = auto()
    TIMER_B = auto()
    TIMER_C = auto()
    TIMER_D = auto()
    TIMER_E = auto()
    TIMER_F = auto()
    TIMER_G = auto()
    TIMER_H = auto()
    TIMER_I = auto()
    TIMER_J = auto()
    TIMER_K = auto()
    TIMER_L = auto()
    TIMER_M = auto()


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """A response for the transaction user."""

    response: Response


@dataclass(frozen=True, slots=True)
class AckReceived:
    """The ACK of a 2xx that travelled with the branch of its INVITE."""

    request: Request


@dataclass(frozen=True, slots=True)
class TransactionFailed:
    """No answer came (`timeout`) or the message could not be sent (`transport`)."""

    reason: str


Event = ResponseReceived | AckReceived | TransactionFailed


class TransactionUser(Protocol):
    """Who started a client transaction."""

    def transaction_event(self, transaction: Transaction, event: Event, now: float) -> None:
        """A response came, or none will."""


Transitions = Mapping[tuple[State, Input], tuple[tuple[str, ...], State]]
"""(state, input) -> (names of actions, next state); the action "send" is the method _send."""


class Transaction:
    """Runs one table. A pair that the table lacks is a late or repeated input: it is ignored and counted."""

    TRANSITIONS: ClassVar[Transitions] = {}

    def __init__(self, request: Request, flow: Flow) -> None:
        self.request = request
        self.flow = flow
        self.state = State.IDLE
        self.ignored = 0
        self.has_moved = False
        """Whether the state changed; whoever keeps the transaction looks and resets it."""
        self.looked_at: float | None = None
        """When whoever keeps the transaction will ask for its timers next; their business, like `key`."""
        self.key: tuple[str, ...] | None = None
        """Under what it is kept; None before and after."""
        self._timers: dict[Input, float] = {}
        self._outbox: list[bytes] = []
        self._events: list[Event] = []
        self._message: Any = None

    @property
    def is_terminated(self) -> bool:
        """Whether the machine may be forgotten."""
        return self.state is State.TERMINATED

    @property
    def destination(self) -> Flow:
        """Where messages_to_send() go."""
        return self.flow

    def messages_to_send(self) -> list[bytes]:
        """What goes to `destination` now."""
        messages = self._outbox
        if messages:
            self._outbox = []
        return messages

    def next_event(self) -> Event | None:
        """The next thing that the transaction user has to know."""
        return self._events.pop(0) if self._events else None

    def next_timeout(self) -> float | None:
        """When handle_timeout wants to be called."""
        return min(self._timers.values()) if self._timers else None

    def handle_timeout(self, now: float) -> None:
        """Run the timers that are due."""
        for timer, deadline in sorted(self._timers.items(), key=lambda item: item[1]):
            if deadline <= now and self._timers.get(timer) == deadline:
                del self._timers[timer]
                self._step(timer, now)

    def transport_failed(self, now: float) -> None:
        """The message could not be sent."""
        self._step(Input.TRANSPORT_ERROR, now)

    def _step(self, happened: Input, now: float, message: Request | Response | None = None) -> None:
        found = self.TRANSITIONS.get((self.state, happened))
        if found is None:
            self.ignored += 1
            return
        actions, following = found
        changes = following is not self.state
        self.state = following
        self._message = message
        if changes:
            self.has_moved = True
            self._timers.clear()
        for action in actions:
            getattr(self, f"_{action}")(now)
        self._message = None

    def _arm(self, timer: Input, deadline: float) -> None:
        self._timers[timer] = deadline

    def _deliver(self, _now: float) -> None:
        self._events.append(ResponseReceived(self._message))

    def _report_timeout(self, _now: float) -> None:
        self._events.append(TransactionFailed("timeout"))

    def _report_transport(self, _now: float) -> None:
        self._events.append(TransactionFailed("transport"))


def response_input(status: int) -> Input:
    """The class of a status as an input."""
    if status < 200:
        return Input.R1XX
    return Input.R2XX if status < 300 else Input.R3XX_6XX
