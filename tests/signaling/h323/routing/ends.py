"""Two scripted terminals with a routed call between them: what each says, and what each is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from signaling.h323.call import message
from signaling.h323.call import setup as setups
from signaling.h323.call.message import CallIdentity, Signal
from signaling.h323.q931 import MessageType
from signaling.h323.routing.effects import Answered, Effect, Ended, Send, Side
from signaling.h323.routing.routed_call import Leg, RoutedCall
from tests.signaling.h323.call.peer import IDENTITY, SETUP, octets

CALLED_AT, OURS = ("192.0.2.20", 1720), ("192.0.2.1", 1720)
REFERENCE = 7
"""Of the leg that we make."""
SAME_CALL = CallIdentity(REFERENCE, IDENTITY.identifier, IDENTITY.conference_id)


class Talk:
    """A routed call; `now` is its clock."""

    def __init__(self, *, is_open: bool = True, setup: bytes = b"", is_signed: bool = False, **legs: Any) -> None:
        self.now = 0.0
        self.sent: dict[Side, list[bytes]] = {side: [] for side in Side}
        self.told: list[Answered | Ended] = []
        self.setup = setup or octets(MessageType.SETUP, SETUP, is_caller=True)
        signal = message.parse(self.setup)
        known = {
            Side.CALLER: Leg(IDENTITY.reference, **legs.get("caller", {})),
            Side.CALLED: Leg(REFERENCE, **legs.get("called", {})),
        }
        self.call = RoutedCall(signal, setups.parse(signal).identity, known, is_signed=is_signed)
        self.take(self.call.begin(self.now))
        if is_open:
            self.open()

    def open(self) -> None:
        self.take(self.call.opened(CALLED_AT, OURS, self.now))

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self.sent[effect.side].append(effect.octets)
            else:
                self.told.append(effect)

    def says(self, side: Side, kind: MessageType, body: dict[str, Any] | None = None, **others: Any) -> bytes:
        """A message of this terminal."""
        identity = replace(IDENTITY if side is Side.CALLER else SAME_CALL, **others.pop("identity", {}))
        unit = octets(kind, body, is_caller=side is Side.CALLER, identity=identity, **others)
        self.take(self.call.receive(side, unit, self.now))
        return unit

    def waits(self, seconds: float) -> None:
        """Every timer that ends within this time does so at its time."""
        until = self.now + seconds
        while (due := self.call.next_timeout()) is not None and due <= until:
            self.now = due
            self.take(self.call.on_timeout(due))
        self.now = until

    def heard(self, side: Side) -> list[Signal]:
        """What this terminal was sent since it was last asked."""
        units, self.sent[side] = self.sent[side], []
        return [message.parse(unit) for unit in units]

    def kinds(self, side: Side) -> list[MessageType]:
        """Likewise, their types alone."""
        return [MessageType(signal.type) for signal in self.heard(side)]

    def ended(self) -> Ended | None:
        """How it ended."""
        found = [told for told in self.told if isinstance(told, Ended)]
        assert len(found) < 2
        return found[0] if found else None
