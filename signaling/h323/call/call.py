"""One call of H.323, in or out: from Setup to ReleaseComplete (H.225.0 7, H.323 8.1 to 8.5), with the way of its H.245.

The shell makes connections and moves octets; the owner decides. Verbs of Control are called on it, and what they give
is handed to carry(). A call is used once; after Released nothing comes out any more, whichever side was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from signaling.h323 import q931
from signaling.h323.call import events, message, peer_messages
from signaling.h323.call import setup as setups
from signaling.h323.call.causes import Cause, cause_of
from signaling.h323.call.control_path import Link
from signaling.h323.call.control_session import ControlCore
from signaling.h323.call.core import CallCore
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.message import CallIdentity, Seal
from signaling.h323.call.setup import SetupRequest
from signaling.h323.call.states import Input
from signaling.h323.call.timers import ENDINGS, Timer, TimerSettings
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245 import events as h245
from signaling.h323.q931 import MessageType
from signaling.h323.q931_elements import CallState, PartyNumber, called_party_number, display, keypad
from signaling.h323.ras import address as addresses
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias
from signaling.h323.traversal import MediaFeature

MOST_MALFORMED = 16
"""Messages of the peer that cannot be read; with so many the call ends."""


class Call:
    """See the module. `now` is in seconds and never runs backwards.

    `seal` signs every message of ours. What the peer signed, the owner checks before receive(): the hash is over
    q931.parse(octets).user_information (H.235.1).
    """

    def __init__(
        self,
        own: LocalEndpoint,
        control: ControlCore,
        timers: TimerSettings | None = None,
        seal: Seal | None = None,
    ) -> None:
        self._core = CallCore(own, control, timers or TimerSettings(), seal)
        self.ignored = 0
        """Messages of the peer that came too late, twice, or for another call."""
        self.malformed = 0

    @property
    def state(self) -> CallState:
        """Q.931's; NULL before and after the call."""
        return self._core.state

    @property
    def identity(self) -> CallIdentity | None:
        """What tells the call from others; None until Setup has come or gone."""
        return self._core.identity

    @property
    def peer_traversal(self) -> MediaFeature | None:
        """What the peer says of firewalls, where one of the two ends is behind one (H.460.19)."""
        return self._core.peer_traversal

    @property
    def is_over(self) -> bool:
        """Whether Released was told."""
        return self._core.is_over

    @property
    def is_tunnelling(self) -> bool:
        """Whether H.245 travels in Q.931 messages."""
        return self._core.is_tunnelling

    # ---- calls out

    def place(self, request: SetupRequest, identity: CallIdentity, now: float) -> list[events.Effect]:
        """Call; the call signalling connection stands."""
        core = self._core
        if core.step(Input.PLACE):
            core.identity = identity
            core.is_origin = core.may_begin_control = True
            core.path.opens = not request.has_hidden_callee
            core.fast_start.propose(request.fast_start)
            core.send(MessageType.SETUP, *setups.build(request, identity, core.own))
            core.timers.start(Timer.T303, now)
        return core.take_effects(now)

    # ---- calls in

    def alert(self, now: float, *, fast_start: Sequence[Any] = (), tokens: Sequence[Any] = ()) -> list[events.Effect]:
        """It rings here; fast start may be answered already, so that the caller hears something."""
        core = self._core
        if core.step(Input.ALERT):
            answer = core.fast_start.answer(fast_start, is_last=False)
            core.send(MessageType.ALERTING, core.destination() | answer | _given(tokens=list(tokens)))
        return core.take_effects(now)

    def accept(
        self,
        now: float,
        *,
        conference_id: bytes,
        fast_start: Sequence[Any] = (),
        tokens: Sequence[Any] = (),
        crypto_tokens: Sequence[Any] = (),
    ) -> list[events.Effect]:
        """Answer. `conference_id` is the room's own, whatever the caller made up (H.323 8.1.2, 8.4.3)."""
        core = self._core
        if not core.step(Input.ACCEPT):
            return core.take_effects(now)
        answer = core.fast_start.answer(fast_start, is_last=True)
        body = core.destination() | {"conferenceID": conference_id} | answer
        body |= _given(tokens=list(tokens), cryptoTokens=list(crypto_tokens))
        core.may_begin_control = True
        core.begin_control(now)
        # Not beside the answer to fast start, where H.245 could be taken for its end (8.1.7.1).
        units = [] if "fastStart" in answer else core.tunnelled()
        name = [display(core.own.display)] if core.own.display else []
        core.send(MessageType.CONNECT, body, name, units)
        core.became_active(now)
        return core.take_effects(now)

    def begin_control(self, now: float) -> list[events.Effect]:
        """Begin H.245 before accept(), as soon as there is a way."""
        self._core.may_begin_control = True
        return self._core.take_effects(now)

    # ---- both

    def release(self, now: float, *, cause: int | None = None, reason: str = "") -> list[events.Effect]:
        """Hang up or refuse. Either of the two will do, the other follows from it; neither: normal clearing."""
        if cause is None:
            cause = cause_of(reason) if reason else Cause.NORMAL_CLEARING
        self._core.clear(cause, reason)
        return self._core.take_effects(now)

    def redirect(
        self,
        reason: str,
        now: float,
        *,
        address: Address | None = None,
        aliases: Sequence[Alias] = (),
        conference_id: bytes = b"",
    ) -> list[events.Effect]:
        """Ask the peer to call elsewhere: callForwarded, routeCallToGatekeeper, routeCallToMC (H.225.0 7.4.1)."""
        where = _given(
            alternativeAddress=addresses.value_of(address) if address else None,
            alternativeAliasAddress=[alias.value for alias in aliases],
            conferenceID=conference_id,
        )
        self._core.send(MessageType.FACILITY, {"reason": (reason, 0)} | where)
        self._core.timers.start(Timer.REDIRECTION, now)
        return self._core.take_effects(now)

    def keypad(self, digits: str, now: float) -> list[events.Effect]:
        """Send keys; while the peer wants more digits they are those of the number (Q.931 5.1.3)."""
        element = keypad(digits)
        if self.state is CallState.OVERLAP_SENDING:
            element = called_party_number(PartyNumber(digits))
            self._core.timers.start(Timer.T304, now)
        self._core.send(MessageType.INFORMATION, {}, [element])
        return self._core.take_effects(now)

    def ask_status(self, now: float) -> list[events.Effect]:
        """Is the peer there? StatusReceived or StatusMissing follows (Q.931 5.8.10)."""
        self._core.send(MessageType.STATUS_ENQUIRY, {})
        self._core.timers.start(Timer.T322, now)
        return self._core.take_effects(now)

    def keep_alive(self, now: float) -> list[events.Effect]:
        """An empty Facility, which holds a way through firewalls open (H.460.18)."""
        self._core.send(MessageType.FACILITY, None)
        return self._core.take_effects(now)

    def carry(self, effects: Iterable[h245.Effect], now: float) -> list[events.Effect]:
        """Send what a verb of Control gave."""
        self._core.tell_of_control(self._core.session.carry(effects), now)
        return self._core.take_effects(now)

    # ---- the shell

    def receive(self, octets: bytes, now: float) -> list[events.Effect]:
        """A message of the call signalling connection."""
        if self.is_over:
            self.ignored += 1
            return []
        try:
            if not peer_messages.handle(self._core, message.parse(octets), now):
                self.ignored += 1
        except MalformedPduError:
            self._cannot_read(octets)
        return self._core.take_effects(now)

    def signalling_lost(self, now: float) -> list[events.Effect]:
        """The call signalling connection is gone."""
        self._core.clear(Cause.TEMPORARY_FAILURE, is_by_peer=True, is_silent=True)
        return self._core.take_effects(now)

    def receive_control(self, octets: bytes, now: float) -> list[events.Effect]:
        """A message of the H.245 connection."""
        self._core.tell_of_control(self._core.session.receive(octets, now), now)
        return self._core.take_effects(now)

    def control_listening(self, address: Address, now: float) -> list[events.Effect]:
        """After ListenControl: there. Connect says so, or a Facility behind it (H.323 8.2.3)."""
        core = self._core
        if core.path.listening(address) and core.state is CallState.ACTIVE:
            where = addresses.value_of(address)
            core.send(MessageType.FACILITY, {"reason": ("startH245", 0), "h245Address": where})
        return core.take_effects(now)

    def control_opened(self, now: float) -> list[events.Effect]:
        """The H.245 connection stands, whoever opened it. Close it when CloseControl comes back."""
        if not self._core.path.opened():
            self._core.do(events.CloseControl())
        return self._core.take_effects(now)

    def control_lost(self, now: float) -> list[events.Effect]:
        """It is gone, was refused, or could not be listened for."""
        core = self._core
        if core.session.is_ended:
            core.path.close()
        elif core.session.is_started and core.path.link is Link.OPEN:
            core.clear(Cause.TEMPORARY_FAILURE)
        elif not core.path.lost() and core.state is CallState.ACTIVE:
            core.has_no_control()
        return core.take_effects(now)

    def next_timeout(self) -> float | None:
        """When on_timeout() has something to do."""
        if self.is_over:
            return None
        deadlines = (self._core.timers.next_timeout(), self._core.session.next_timeout())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def on_timeout(self, now: float) -> list[events.Effect]:
        """Time has come."""
        for timer in self._core.timers.expired(now):
            _EXPIRIES[timer](self._core)
        self._core.tell_of_control(self._core.session.on_timeout(now), now)
        return self._core.take_effects(now)

    def _cannot_read(self, octets: bytes) -> None:
        """A message that is none; of a Setup at least the caller is told."""
        self.malformed += 1
        core = self._core
        if core.identity is None:
            try:
                head = q931.parse(octets)
            except MalformedPduError:
                head = None
            if head is not None and head.type == MessageType.SETUP:
                core.identity = CallIdentity(head.call_reference, bytes(16), bytes(16))
                core.clear(Cause.INVALID_CONTENTS)
        if self.malformed >= MOST_MALFORMED:
            core.clear(Cause.PROTOCOL_ERROR)


def _given(**fields: Any) -> dict[str, Any]:
    """Those that say something."""
    return {name: value for name, value in fields.items() if value}


def _ends(cause: Cause, reason: str = "") -> Callable[[CallCore], None]:
    return lambda core: core.clear(cause, reason)


_EXPIRIES: dict[Timer, Callable[[CallCore], None]] = {
    **{timer: _ends(*ending) for timer, ending in ENDINGS.items()},
    Timer.T322: lambda core: core.tell([events.StatusMissing()]),
    Timer.CONTROL: CallCore.has_no_control,
    Timer.REDIRECTION: _ends(Cause.NORMAL_CLEARING, "facilityCallDeflection"),
    Timer.RELEASE: lambda core: core.clear(Cause.NORMAL_CLEARING, is_by_peer=True),
}
