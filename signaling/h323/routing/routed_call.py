"""One routed call: what each of two terminals says is passed to the other, and both legs end together. Pure.

    call.begin(now); call.opened(called, calling, now); call.receive(side, octets, now) -> list[Effect]
    call.next_timeout() -> float | None;   call.on_timeout(now) -> list[Effect]

The two legs have the callIdentifier and conferenceID of the caller, and a call reference each. H.245 goes where the
terminals say: through the tunnel, or on a connection of theirs that does not come here (H.323 8.1.3, direct H.245).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from signaling.h323.call import message
from signaling.h323.call.causes import Cause, cause_of, reason_of
from signaling.h323.call.message import CallIdentity, Seal, Signal
from signaling.h323.call.peer_messages import end_of
from signaling.h323.call.states import FROM_PEER, TRANSITIONS, Input
from signaling.h323.call.timers import ENDINGS, Timer, Timers, TimerSettings
from signaling.h323.errors import MalformedPduError
from signaling.h323.h2351 import Fault
from signaling.h323.q931 import Id, MessageType
from signaling.h323.q931_elements import CallState
from signaling.h323.q931_elements import cause as cause_element
from signaling.h323.ras.address import Address
from signaling.h323.routing import rewriting
from signaling.h323.routing.effects import Answered, Effect, Ended, Send, Side
from signaling.h323.routing.rewriting import Onward
from signaling.h323.signatures import Signer

MOST_MALFORMED: Final = 16
"""Messages of both terminals that cannot be read; with so many the call ends."""
MOST_WAITING: Final = 16
"""Messages of the caller for which there is no connection yet."""
_ANY_TIME: Final = frozenset(
    {
        MessageType.FACILITY,
        MessageType.INFORMATION,
        MessageType.NOTIFY,
        MessageType.STATUS,
        MessageType.STATUS_ENQUIRY,
    }
)
_FROM_CALLER: Final = _ANY_TIME | {MessageType.PROGRESS}
_AWAITED: Final = {
    Input.SETUP_ACKNOWLEDGE: Timer.T304,
    Input.CALL_PROCEEDING: Timer.T310,
    Input.PROGRESS: Timer.T301,
    Input.ALERTING: Timer.T301,
}
"""What runs after each answer to Setup (Q.931 5.1); Connect ends them all."""
_GATEKEEPER: Final[dict[str, Any]] = {"gatekeeper": {}, "mc": False, "undefinedNode": False}

Check = Callable[[Signal], Signer | Fault | None]
"""Who signed a message (H.235.1); Fault.ABSENT for nobody, None for nobody where somebody had to."""


def nobody(_: Signal) -> Signer | Fault | None:
    """Of a terminal without a password no signature is looked at."""
    return Fault.ABSENT


@dataclass(frozen=True, slots=True)
class Leg:
    """What is known of the connection with one terminal."""

    reference: int
    seal: Seal | None = None
    """Signs what goes to it."""
    check: Check = nobody


class RoutedCall:
    """See the module. `setup` has come and is checked; `is_signed` says whether by the caller's password."""

    def __init__(
        self,
        setup: Signal,
        identity: CallIdentity,
        legs: dict[Side, Leg],
        *,
        is_signed: bool = False,
        timers: TimerSettings | None = None,
    ) -> None:
        self.state = CallState.NULL
        """Of the leg that we make, as its caller: NULL until it has its Setup."""
        self.is_over = False
        self.ignored = 0
        """Messages that came too late, twice, or from the wrong side."""
        self._setup = setup
        self._identity = identity
        self._legs = legs
        self._is_signed = is_signed
        self._timers = Timers(timers or TimerSettings())
        self._waiting: list[tuple[Signal, bool]] = []
        self._has_proceeded = False
        self._malformed = 0
        self._effects: list[Effect] = []

    @property
    def call_id(self) -> bytes:
        """The callIdentifier of both legs."""
        return self._identity.identifier

    # ---- the connection to the called terminal

    def begin(self, now: float) -> list[Effect]:
        """Setup has come: connect, unless this has ended it."""
        if rewriting.is_exhausted(self._setup):
            self._clear(Cause.EXCHANGE_ROUTING_ERROR, "hopCountExceeded")
        else:
            self._timers.start(Timer.PROCEEDING, now)
        return self._take_effects()

    def opened(self, called: Address, calling: Address, now: float) -> list[Effect]:
        """It stands, to `called`; who answers a call there calls `calling`."""
        if self.is_over or self.state is not CallState.NULL:
            return []
        try:
            onward = self._onward(Side.CALLED, self._setup, self._is_signed)
            octets = rewriting.setup(self._setup, onward, called, calling)
        except MalformedPduError:
            self._clear(Cause.INVALID_CONTENTS)
            return self._take_effects()
        self._step(Input.PLACE)
        self._send(Side.CALLED, octets)
        self._timers.start(Timer.T303, now)
        waiting, self._waiting = self._waiting, []
        for signal, is_signed in waiting:
            self._pass(Side.CALLED, signal, is_signed)
        return self._take_effects()

    def unreachable(self) -> list[Effect]:
        """It did not come about."""
        self._clear(Cause.NO_ROUTE_TO_DESTINATION)
        return self._take_effects()

    # ---- the terminals

    def receive(self, side: Side, octets: bytes, now: float) -> list[Effect]:
        """A message of this terminal."""
        if self.is_over:
            self.ignored += 1
            return []
        try:
            signal = message.parse(octets)
            if not self._take(side, signal, now):
                self.ignored += 1
        except MalformedPduError:
            self._malformed += 1
            if self._malformed >= MOST_MALFORMED:
                self._clear(Cause.PROTOCOL_ERROR)
        return self._take_effects()

    def lost(self, side: Side) -> list[Effect]:
        """Its connection is gone."""
        self._clear(Cause.TEMPORARY_FAILURE, by=side)
        return self._take_effects()

    # ---- the owner

    def release(self, cause: Cause = Cause.NORMAL_CLEARING, reason: str = "") -> list[Effect]:
        """End it from here."""
        self._clear(cause, reason)
        return self._take_effects()

    def next_timeout(self) -> float | None:
        """When on_timeout() has something to do."""
        return self._timers.next_timeout()

    def on_timeout(self, now: float) -> list[Effect]:
        """Time has come."""
        for timer in self._timers.expired(now):
            if timer is Timer.PROCEEDING:
                self._proceed()
            else:
                self._clear(*ENDINGS[timer])
        return self._take_effects()

    # ---- inside

    def _take(self, side: Side, signal: Signal, now: float) -> bool:
        signer = self._legs[side].check(signal)
        if isinstance(signer, Fault) and signer is not Fault.ABSENT:
            self._clear(cause_of("securityDenied"), "securityDenied")
            return True
        if signer is None:
            return self._unsigned(side, signal)
        is_signed = isinstance(signer, Signer)
        if signal.type == MessageType.RELEASE_COMPLETE:
            self._release_by(side, signal, is_signed)
            return True
        if signal.is_tunnelling is None and signal.q931.find(Id.USER_USER) is not None:
            raise MalformedPduError("what cannot be read is not passed on")
        if side is Side.CALLER:
            return self._from_caller(signal, is_signed, now)
        return self._from_called(signal, is_signed, now)

    def _unsigned(self, side: Side, signal: Signal) -> bool:
        """A message in the name of a terminal that signs its calls: an answer ends the call, another is dropped."""
        is_answer = signal.type == MessageType.CONNECT or bool(signal.tokens)
        if side is Side.CALLED and is_answer and self.state is not CallState.ACTIVE:
            self._clear(cause_of("securityDenied"), "securityDenied")
        return self.is_over

    def _from_caller(self, signal: Signal, is_signed: bool, now: float) -> bool:
        if signal.type not in _FROM_CALLER:
            return False
        if self.state is CallState.NULL:
            if len(self._waiting) >= MOST_WAITING:
                self._clear(Cause.RESOURCE_UNAVAILABLE)
            else:
                self._waiting.append((signal, is_signed))
            return True
        if self.state is CallState.OVERLAP_SENDING and signal.type == MessageType.INFORMATION:
            self._timers.start(Timer.T304, now)
        self._pass(Side.CALLED, signal, is_signed)
        return True

    def _from_called(self, signal: Signal, is_signed: bool, now: float) -> bool:
        step = FROM_PEER.get(signal.type)
        if step is None:
            if signal.type in _ANY_TIME:
                self._pass(Side.CALLER, signal, is_signed)
            return signal.type in _ANY_TIME
        if not self._step(step):
            return False
        self._timers.stop(Timer.PROCEEDING)
        if step is Input.CONNECT:
            self._timers.stop()
        elif step is not Input.CALL_PROCEEDING or self.state is CallState.OUTGOING_CALL_PROCEEDING:
            self._timers.wait_on(_AWAITED[step], now)
        self._pass(Side.CALLER, signal, is_signed)
        if step is Input.CONNECT and not self.is_over:
            self._effects.append(Answered())
        return True

    def _step(self, step: Input) -> bool:
        """Move on, when this is a move here; the one place where the state changes, but for the end."""
        found = TRANSITIONS.get((self.state, step))
        if found is not None:
            self.state = found
        return found is not None

    def _onward(self, to: Side, signal: Signal, is_signed: bool) -> Onward:
        """Our signature would vouch for half keys (H.235.6) whose sender has not signed them: those go without one."""
        leg = self._legs[to]
        seal = leg.seal if is_signed or not signal.tokens else None
        return Onward(leg.reference, to is Side.CALLER, self.call_id, seal)

    def _pass(self, to: Side, signal: Signal, is_signed: bool) -> None:
        onward = self._onward(to, signal, is_signed)
        try:
            if signal.type == MessageType.CALL_PROCEEDING and self._has_proceeded:
                octets = rewriting.forwarded(signal, onward)
            else:
                octets = rewriting.passed_on(signal, onward)
        except MalformedPduError:
            self._clear(Cause.INVALID_CONTENTS)
            return
        if octets is not None:
            self._send(to, octets)

    def _proceed(self) -> None:
        """CallProceeding of ours, while the called terminal says nothing: the caller's T303 is 4 s (H.323 8.1.1)."""
        self._has_proceeded = True
        body = {"destinationInfo": _GATEKEEPER, "multipleCalls": False, "maintainConnection": False}
        self._say(Side.CALLER, MessageType.CALL_PROCEEDING, body, is_provisional=True)

    def _release_by(self, side: Side, signal: Signal, is_signed: bool) -> None:
        """A terminal hangs up: the other hears it in its words, or in ours where those cannot be read."""
        cause, reason = end_of(signal)
        if not signal.body:
            self._clear(cause, reason, by=side)
            return
        if self._hears(side.other):
            self._pass(side.other, signal, is_signed)
        self._end(cause, reason or reason_of(cause), side)

    def _clear(self, cause: int, reason: str = "", by: Side | None = None) -> None:
        """ReleaseComplete of ours to who has not ended it."""
        if self.is_over:
            return
        reason = reason or reason_of(cause)
        for side in Side:
            if side is not by and self._hears(side):
                self._say(side, MessageType.RELEASE_COMPLETE, {"reason": (reason, 0)}, cause=cause)
        self._end(cause, reason, by)

    def _hears(self, side: Side) -> bool:
        return side is Side.CALLER or self.state is not CallState.NULL

    def _end(self, cause: int, reason: str, by: Side | None) -> None:
        if self.is_over:
            return
        self._effects.append(Ended(cause, reason, by))
        self.is_over = True
        self._timers.stop()
        self._waiting.clear()

    def _say(
        self,
        side: Side,
        kind: MessageType,
        body: dict[str, Any],
        *,
        cause: int | None = None,
        is_provisional: bool = False,
    ) -> None:
        leg = self._legs[side]
        identity = CallIdentity(leg.reference, self.call_id, self._identity.conference_id)
        octets = message.serialize(
            kind,
            identity,
            body,
            is_from_destination=side is Side.CALLER,
            is_tunnelling=bool(self._setup.is_tunnelling),
            elements=[] if cause is None else [cause_element(cause)],
            seal=leg.seal,
            is_provisional=is_provisional,
        )
        self._send(side, octets)

    def _send(self, side: Side, octets: bytes) -> None:
        if not self.is_over:
            self._effects.append(Send(side, octets))

    def _take_effects(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects
