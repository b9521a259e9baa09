"""The H.245 of one call: a Control, and its messages in octets, which wait until there is a way for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from signaling.h323 import per
from signaling.h323.errors import MalformedPduError
from signaling.h323.h245 import events as h245

MAX_WAITING = 64
"""Messages that wait, of either side. H.245 of one call needs some thirty to begin with."""
MOST_MALFORMED = 16
"""Messages of the peer that cannot be read; more of them and this is no H.245."""


class ControlCore(Protocol):
    """The part of h245.control.Control that a call drives by itself; its owner has the verbs."""

    def start(self, now: float) -> list[h245.Effect]:
        """Messages can travel now."""

    def receive(self, message: Any, now: float) -> list[h245.Effect]:
        """A decoded message of the peer."""

    def next_timeout(self) -> float | None:
        """When on_timeout() has something to do."""

    def on_timeout(self, now: float) -> list[h245.Effect]:
        """Something waited in vain."""

    def end_session(self) -> list[h245.Effect]:
        """Say goodbye, once."""


class ControlSession:
    """Takes and gives H.245 in octets. What comes before start() waits for it."""

    def __init__(self, control: ControlCore) -> None:
        self._control = control
        self._early: list[bytes] = []
        self._outbox: list[bytes] = []
        self._malformed = 0
        self.is_started = False
        self.is_ended = False
        self.dropped = 0
        """Messages of the peer that were malformed, too many or too late."""

    @property
    def has_messages(self) -> bool:
        """Whether some wait to be sent."""
        return bool(self._outbox)

    @property
    def waits(self) -> bool:
        """Whether the peer has begun, and we have not."""
        return bool(self._early)

    def start(self, now: float) -> list[h245.Event]:
        """There is a way, and a reason, to begin; once."""
        if self.is_started or self.is_ended:
            return []
        self.is_started = True
        events = self.carry(self._control.start(now))
        early, self._early = self._early, []
        for octets in early:
            events += self.receive(octets, now)
        return events

    def receive(self, octets: bytes, now: float) -> list[h245.Event]:
        """One message of the peer."""
        if self.is_ended or (not self.is_started and len(self._early) >= MAX_WAITING):
            self.dropped += 1
            return []
        if not self.is_started:
            self._early.append(octets)
            return []
        try:
            message = per.decode(per.Type.H245, octets)
        except MalformedPduError:
            self.dropped += 1
            self._malformed += 1
            return [h245.Failed("malformed H.245")] if self._malformed == MOST_MALFORMED else []
        if not isinstance(message[1], tuple):  # not one of the four kinds that H.245 has: of a later version
            self.dropped += 1
            return []
        return self.carry(self._control.receive(message, now))

    def carry(self, effects: Iterable[h245.Effect]) -> list[h245.Event]:
        """Keep what is to be sent; give the rest."""
        events: list[h245.Event] = []
        for effect in effects:
            if not isinstance(effect, h245.Send):
                events.append(effect)
                self.is_ended |= isinstance(effect, h245.EndSession)
            elif len(self._outbox) < MAX_WAITING:
                self._outbox.append(per.encode(per.Type.H245, effect.message))
            else:
                return [*events, h245.Failed("no way for H.245")]
        return events

    def take(self, max_bytes: int) -> list[bytes]:
        """What is to be sent next, in order; at least one message where there is any, more while they fit."""
        count = total = 0
        for octets in self._outbox:
            total += len(octets)
            if count and total > max_bytes:
                break
            count += 1
        taken, self._outbox = self._outbox[:count], self._outbox[count:]
        return taken

    def next_timeout(self) -> float | None:
        """Control's."""
        return self._control.next_timeout() if self.is_started and not self.is_ended else None

    def on_timeout(self, now: float) -> list[h245.Event]:
        """Control's."""
        deadline = self.next_timeout()
        return self.carry(self._control.on_timeout(now)) if deadline is not None and deadline <= now else []

    def end(self) -> None:
        """Our endSessionCommand is the last that goes out (H.323 8.5)."""
        if self.is_started and not self.is_ended:
            self.carry(self._control.end_session())
        self.is_ended = True
