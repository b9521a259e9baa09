"""Which mode the other end shall send in: the MRSE (H.245 C.10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from signaling.h323.h245.events import Effect, ModeAnswered, ModeRequested, indication, request, response

T109_S = 30.0
"""For the answer to a requestMode (H.245 C.10.3; the value is that of the trade)."""
MOST_MODES = 32
"""Handed to the owner of one request; the peer's dearest come first."""


class ModeRequests:
    """The MRSE of one end, in both roles."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self._sequence = 0
        self._asked: int | None = None
        """The number of the peer's request that waits for our answer."""

    def request(self, modes: Sequence[Sequence[Any]], now: float) -> list[Effect]:
        """TRANSFER.request; a newer wish replaces an older one."""
        self._sequence = (self._sequence + 1) % 256
        self.deadline = now + T109_S
        body = {"sequenceNumber": self._sequence, "requestedModes": [list(mode) for mode in modes]}
        return [request("requestMode", body)]

    def answer(self, chosen: int | None) -> list[Effect]:
        """TRANSFER.response or REJECT.request; nothing when no request waits."""
        if self._asked is None:
            return []
        sequence, self._asked = self._asked, None
        if chosen is None:
            return [response("requestModeReject", {"sequenceNumber": sequence, "cause": ("modeUnavailable", 0)})]
        which = "willTransmitLessPreferredMode" if chosen else "willTransmitMostPreferredMode"
        return [response("requestModeAck", {"sequenceNumber": sequence, "response": (which, 0)})]

    def receive(self, name: str, body: Any, now: float) -> list[Effect]:
        """One of the messages of the MRSE."""
        return self._INPUTS[name](self, body, now)

    def expire(self, _now: float) -> list[Effect]:
        """T109."""
        self.deadline = None
        return [indication("requestModeRelease", {}), ModeAnswered(is_accepted=False)]

    def _requested(self, body: Any, _now: float) -> list[Effect]:
        self._asked = body["sequenceNumber"]
        return [ModeRequested(tuple(tuple(mode) for mode in body["requestedModes"][:MOST_MODES]))]

    def _released(self, _body: Any, _now: float) -> list[Effect]:
        self._asked = None
        return []

    def _accepted(self, body: Any, _now: float) -> list[Effect]:
        return self._answered(body, is_accepted=True)

    def _refused(self, body: Any, _now: float) -> list[Effect]:
        return self._answered(body, is_accepted=False)

    def _answered(self, body: Any, is_accepted: bool) -> list[Effect]:
        if self.deadline is None or body["sequenceNumber"] != self._sequence:
            return []
        self.deadline = None
        return [ModeAnswered(is_accepted)]

    _INPUTS: ClassVar[dict[str, Callable[[ModeRequests, Any, float], list[Effect]]]] = {
        "requestMode": _requested,
        "requestModeAck": _accepted,
        "requestModeReject": _refused,
        "requestModeRelease": _released,
    }
