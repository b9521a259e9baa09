"""What each end can receive: the CESE of both directions (H.245 C.3), and the empty set, a hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from signaling.h323.h245.events import (
    CapabilitiesReceived,
    Effect,
    Failed,
    Held,
    Resumed,
    indication,
    request,
    response,
)

T101_S = 30.0
"""For the answer to a terminalCapabilitySet (H.245 C.3.3; the value is that of the trade)."""
MOST_ENTRIES = 256
"""Of the peer's table, over all its messages; one message carries no more (H.245 A)."""
MOST_DESCRIPTORS = 64
PROTOCOL = (0, 0, 8, 245, 0, 15)
_PARTS = ("multiplexCapability", "capabilityTable", "capabilityDescriptors", "genericInformation")


class CapabilityExchange:
    """Both CESEs of one end. Sets of the peer are taken as they come; what of them is of use the owner decides."""

    def __init__(self, own: dict[str, Any]) -> None:
        self.is_holding = False
        """We have sent the empty set."""
        self.is_held = False
        """The peer has."""
        self.is_started = False
        """We have sent a set."""
        self.deadline: float | None = None
        self._own = own
        self._sequence = 0
        self._is_due = False
        """Something has changed while an answer is awaited: send again after it."""
        self._is_acknowledged = False
        self._table: dict[int, Any] = {}
        self._descriptors: dict[int, Any] = {}
        self._multiplex: Any = None

    @property
    def is_complete(self) -> bool:
        """Whether each end has the other's set, and the peer takes media."""
        return self._is_acknowledged and bool(self._table)

    # ---- our set

    def prepare(self, own: dict[str, Any]) -> None:
        """Another set of ours, before the first is sent."""
        self._own = own

    def send(self, now: float) -> list[Effect]:
        """TRANSFER.request; waits for the end of a transfer under way."""
        if self.deadline is not None:
            self._is_due = True
            return []
        self._is_due, self.is_started = False, True
        self._sequence = (self._sequence + 1) % 256
        self.deadline = now + T101_S
        body = {"sequenceNumber": self._sequence, "protocolIdentifier": PROTOCOL}
        if not self.is_holding:
            body |= {name: self._own[name] for name in _PARTS if name in self._own}
        return [request("terminalCapabilitySet", body)]

    def replace(self, own: dict[str, Any], now: float) -> list[Effect]:
        """Another set of ours."""
        self._own = own
        return [] if self.is_holding else self.send(now)

    def hold(self, now: float) -> list[Effect]:
        """Send the empty set, once."""
        if self.is_holding:
            return []
        self.is_holding = True
        return self.send(now)

    def resume(self, now: float) -> list[Effect]:
        """Send the whole set again."""
        self.is_holding = False
        return self.send(now)

    def expire(self, _now: float) -> list[Effect]:
        """T101 (C.3.5.2, error A)."""
        self.deadline = None
        return [indication("terminalCapabilitySetRelease", {}), Failed("capability exchange: no answer")]

    # ---- what comes

    def receive(self, name: str, body: Any, now: float) -> list[Effect]:
        """One of the messages of the CESEs."""
        return self._INPUTS[name](self, body, now)

    def _acknowledged(self, body: Any, now: float) -> list[Effect]:
        if self.deadline is None or body["sequenceNumber"] != self._sequence:
            return []
        self.deadline = None
        self._is_acknowledged = True
        return self.send(now) if self._is_due else []

    def _rejected(self, body: Any, _now: float) -> list[Effect]:
        if self.deadline is None or body["sequenceNumber"] != self._sequence:
            return []
        self.deadline = None
        return [Failed(f"capability exchange: refused, {body['cause'][0]}")]

    def _released(self, _body: Any, _now: float) -> list[Effect]:
        """The peer did not see our answer in time (REJECT.indication): it will send again, or give up."""
        return []

    def _told(self, body: Any, _now: float) -> list[Effect]:
        sequence = body["sequenceNumber"]
        acknowledgement = response("terminalCapabilitySetAck", {"sequenceNumber": sequence})
        if "capabilityTable" not in body and "capabilityDescriptors" not in body:
            return [acknowledgement, *self._emptied()]
        cause = self._merge(body)
        if cause is not None:
            return [response("terminalCapabilitySetReject", {"sequenceNumber": sequence, "cause": cause})]
        effects: list[Effect] = [acknowledgement]
        if self.is_held:
            self.is_held = False
            self._is_acknowledged = False
            effects.append(Resumed())
        return [*effects, CapabilitiesReceived(self._merged())]

    def _emptied(self) -> list[Effect]:
        self._table.clear()
        self._descriptors.clear()
        if self.is_held:
            return []
        self.is_held = True
        return [Held()]

    def _merge(self, body: Any) -> tuple[str, Any] | None:
        """Entries add to, replace or, without capability, take from those before (H.245 B.2.2.2). Why not, or None."""
        table = dict(self._table)
        for entry in body.get("capabilityTable", ()):
            number = entry["capabilityTableEntryNumber"]
            table.pop(number, None)
            if "capability" in entry:
                table[number] = entry["capability"]
        if len(table) > MOST_ENTRIES:
            return ("tableEntryCapacityExceeded", ("noneProcessed", 0))
        descriptors = dict(self._descriptors)
        for descriptor in body.get("capabilityDescriptors", ()):
            number = descriptor["capabilityDescriptorNumber"]
            descriptors.pop(number, None)
            if "simultaneousCapabilities" in descriptor:
                descriptors[number] = descriptor
        if len(descriptors) > MOST_DESCRIPTORS:
            return ("descriptorCapacityExceeded", 0)
        self._table, self._descriptors = table, descriptors
        self._multiplex = body.get("multiplexCapability", self._multiplex)
        return None

    def _merged(self) -> dict[str, Any]:
        merged: dict[str, Any] = {
            "capabilityTable": [
                {"capabilityTableEntryNumber": number, "capability": capability}
                for number, capability in self._table.items()
            ],
            "capabilityDescriptors": list(self._descriptors.values()),
        }
        if self._multiplex is not None:
            merged["multiplexCapability"] = self._multiplex
        return merged

    _INPUTS: ClassVar[dict[str, Callable[[CapabilityExchange, Any, float], list[Effect]]]] = {
        "terminalCapabilitySet": _told,
        "terminalCapabilitySetAck": _acknowledged,
        "terminalCapabilitySetReject": _rejected,
        "terminalCapabilitySetRelease": _released,
    }
