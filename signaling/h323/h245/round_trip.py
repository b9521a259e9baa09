"""How far away the peer is, and whether it lives: the RTDSE (H.245 C.9)."""

from __future__ import annotations

from typing import Any

from signaling.h323.h245.events import Effect, RoundTrip, request, response

T105_S = 10.0
"""For the answer (H.245 C.9.3; the value is that of the trade)."""


class RoundTripDelay:
    """The RTDSE of one end, in both roles."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self._sequence = 0
        self._asked_at = 0.0

    def request(self, now: float) -> list[Effect]:
        """TRANSFER.request; a second one replaces the first."""
        self._sequence = (self._sequence + 1) % 256
        self._asked_at = now
        self.deadline = now + T105_S
        return [request("roundTripDelayRequest", {"sequenceNumber": self._sequence})]

    def receive(self, name: str, body: Any, now: float) -> list[Effect]:
        """A roundTripDelayRequest is answered at once, roundTripDelayResponse told."""
        if name == "roundTripDelayRequest":
            return [response("roundTripDelayResponse", {"sequenceNumber": body["sequenceNumber"]})]
        if self.deadline is None or body["sequenceNumber"] != self._sequence:
            return []
        self.deadline = None
        return [RoundTrip(now - self._asked_at)]

    def expire(self, _now: float) -> list[Effect]:
        """T105."""
        self.deadline = None
        return [RoundTrip(None)]
