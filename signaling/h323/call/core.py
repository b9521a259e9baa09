"""What the verbs of a call and the messages of its peer have in common: where it stands, what goes out, how it ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from signaling.h323.call import events, message
from signaling.h323.call.causes import Cause, reason_of
from signaling.h323.call.control_path import Carriage, ControlPath, Link
from signaling.h323.call.control_session import ControlCore, ControlSession
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.fast_start import FastStart
from signaling.h323.call.message import CallIdentity, Seal
from signaling.h323.call.states import TRANSITIONS, Input
from signaling.h323.call.timers import Timer, Timers, TimerSettings
from signaling.h323.h245 import events as h245
from signaling.h323.q931 import Element, MessageType
from signaling.h323.q931_elements import CallState
from signaling.h323.q931_elements import cause as cause_element
from signaling.h323.ras import address as addresses
from signaling.h323.traversal import MediaFeature, feature_set

MAX_TUNNELLED_BYTES = 8192
"""H.245 in one message of ours, beside the rest."""
_WITH_ADDRESS = (MessageType.CALL_PROCEEDING, MessageType.ALERTING, MessageType.CONNECT)
"""Our messages that may say where we wait for the H.245 connection; Facility says it in its own words."""


class CallCore:
    """The inside of one call."""

    def __init__(self, own: LocalEndpoint, control: ControlCore, settings: TimerSettings, seal: Seal | None) -> None:
        self.own = own
        self.state = CallState.NULL
        self.identity: CallIdentity | None = None
        self.is_origin = False
        """Whether the call is ours."""
        self.may_begin_control = False
        """H.245 tells the caller who we are and what we can: not before it was accepted."""
        self.is_over = False
        self.timers = Timers(settings)
        self.path = ControlPath(own.offers_tunnelling, listens=not own.is_hidden)
        self.peer_traversal: MediaFeature | None = None
        """What the peer says of firewalls, where one of the two ends is behind one (H.460.19)."""
        self.session = ControlSession(control)
        self.fast_start = FastStart()
        self._seal = seal
        self._effects: list[events.Effect] = []

    @property
    def is_tunnelling(self) -> bool:
        """Whether H.245 travels in Q.931 messages."""
        return self.path.carriage is Carriage.TUNNEL

    def step(self, step: Input) -> bool:
        """Move on, when this is a move here; the one place where the state changes, but for the end."""
        found = None if self.is_over else TRANSITIONS.get((self.state, step))
        if found is not None:
            self.state = found
        return found is not None

    def became_active(self, now: float) -> None:
        """Connect came or went."""
        self.may_begin_control = True
        if not self.session.is_started:
            self.timers.start(Timer.CONTROL, now)
        if self.path.link is Link.CLOSED:
            self.has_no_control()

    def hear_traversal(self, peer: MediaFeature | None) -> bool:
        """What Setup or its answer says of firewalls; True when that is news. Two of a kind cannot help each other."""
        own = self.own.traversal
        if own is None or peer is None or peer.is_server == own.is_server or self.peer_traversal is not None:
            return False
        self.peer_traversal = peer
        self.path.opens = not own.is_server
        return True

    # ---- H.245

    def begin_control(self, now: float) -> None:
        """Begin H.245 when there is a way for it and it is time.

        In a call of ours that is Connect, or when the peer begins. To begin while fast start is pending would give it
        up (H.323 8.1.7.1); a called terminal that begins before it answered has done so itself.
        """
        if not self.may_begin_control or self.session.is_started or not self.path.can_send:
            return
        has_peer_begun = self.is_origin and self.session.waits
        is_time = not self.is_origin or self.state is CallState.ACTIVE or self.path.link is Link.OPEN
        if has_peer_begun or (is_time and not self.fast_start.is_pending):
            self.timers.stop(Timer.CONTROL)
            self.tell_of_control(self.session.start(now), now)

    def find_way(self) -> None:
        """Open the H.245 connection, or listen for it, where it does not travel in the tunnel.

        The address of a caller who was not accepted is left alone: it could have us call anybody.
        """
        if self.may_begin_control and (address := self.path.address_to_open()) is not None:
            self.do(events.OpenControl(address))
        if (not self.is_origin or self.state is CallState.ACTIVE) and self.path.must_listen():
            self.do(events.ListenControl())

    def has_no_control(self) -> None:
        """There is no way for H.245: with fast start the call goes on, else it has no media."""
        self.timers.stop(Timer.CONTROL)
        if self.path.close():
            self.do(events.CloseControl())
        if self.fast_start.is_taken:
            self.tell([events.ControlMissing()])
        else:
            self.clear(Cause.TEMPORARY_FAILURE)

    def tunnelled(self) -> list[bytes]:
        """The H.245 that goes with the next message."""
        return self.session.take(MAX_TUNNELLED_BYTES) if self.is_tunnelling else []

    # ---- out

    def destination(self) -> dict[str, Any]:
        """What every answer to a Setup says of us."""
        told = {"destinationInfo": self.own.endpoint_type(), "multipleCalls": False, "maintainConnection": False}
        if self.own.traversal is not None and self.peer_traversal is not None:
            told["featureSet"] = feature_set(self.own.traversal.descriptor())
        return told

    def send(
        self,
        kind: MessageType,
        body: dict[str, Any] | None,
        elements: Sequence[Element] = (),
        control: Sequence[bytes] = (),
    ) -> None:
        """A message for the peer; see message.serialize()."""
        if self.is_over or self.identity is None:
            return
        if self.path.offered_address is not None and body is not None and kind in _WITH_ADDRESS:
            body = body | {"h245Address": addresses.value_of(self.path.offered_address)}
        octets = message.serialize(
            kind,
            self.identity,
            body,
            is_from_destination=not self.is_origin,
            is_tunnelling=self.path.flag,
            control=control,
            elements=elements,
            seal=self._seal,
        )
        self.do(events.SendSignalling(octets))

    def do(self, *actions: events.Action) -> None:
        """Have the shell do something."""
        self._effects += actions

    def tell(self, told: Iterable[events.Event]) -> None:
        """Tell the owner."""
        if not self.is_over:
            self._effects += told

    def tell_of_control(self, told: Iterable[h245.Event], now: float) -> None:
        """Tell the owner what H.245 gave; its end is the end of the call (H.323 8.5)."""
        for event in told:
            if self.is_over:
                return
            self._effects.append(event)
            if isinstance(event, h245.EndSession):
                self.timers.start(Timer.RELEASE, now)
            elif isinstance(event, h245.Failed):
                self.clear(Cause.PROTOCOL_ERROR)

    def clear(self, cause: int, reason: str = "", *, is_by_peer: bool = False, is_silent: bool = False) -> None:
        """The end, once: endSessionCommand, ReleaseComplete, and both connections (H.323 8.5).

        Silently where the peer has said ReleaseComplete itself, or hears nothing any more.
        """
        if self.is_over:
            return
        reason = reason or reason_of(cause)
        self.session.end()
        if not is_silent:
            self._say_goodbye(cause, reason)
        if self.path.close():
            self.do(events.CloseControl())
        self._effects += [events.CloseSignalling(), events.Released(cause, reason, is_by_peer)]
        self.state, self.is_over = CallState.NULL, True
        self.timers.stop()

    def _say_goodbye(self, cause: int, reason: str) -> None:
        units: list[bytes] = []
        while self.session.has_messages and self.path.can_send:
            units += self.session.take(MAX_TUNNELLED_BYTES)
        if not self.is_tunnelling:
            self.do(*(events.SendControl(unit) for unit in units))
            units = []
        last = units[-1:]  # endSessionCommand; what waited before it means nothing any more
        self.send(MessageType.RELEASE_COMPLETE, {"reason": (reason, 0)}, [cause_element(cause)], last)

    def take_effects(self, now: float) -> list[events.Effect]:
        """What is to be done now; H.245 that found no other message travels in an empty Facility (H.323 8.2.1)."""
        if not self.is_over and self.identity is not None:
            self.find_way()
            self.begin_control(now)
        while not self.is_over and self.session.has_messages and self.path.can_send:
            units = self.session.take(MAX_TUNNELLED_BYTES)
            if self.is_tunnelling:
                self.send(MessageType.FACILITY, None, (), units)
            else:
                self.do(*(events.SendControl(unit) for unit in units))
        effects, self._effects = self._effects, []
        return effects
