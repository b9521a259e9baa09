"""A channel that we open: the outgoing LCSE, and B-LCSE where it goes both ways (H.245 C.4, C.5)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, ClassVar

from signaling.h323.h245 import open_channel
from signaling.h323.h245.events import (
    ChannelClosed,
    ChannelOpened,
    ChannelRefused,
    Effect,
    indication,
    request,
)
from signaling.h323.h245.logical_channel import LogicalChannel

T103_S = 30.0
"""For the answer to openLogicalChannel and closeLogicalChannel (H.245 C.4.3; the value is that of the trade)."""


class State(Enum):
    """States of the outgoing LCSE."""

    RELEASED = auto()
    AWAITING_ESTABLISHMENT = auto()
    ESTABLISHED = auto()
    AWAITING_RELEASE = auto()


class OutgoingChannel:
    """The outgoing LCSE of one channel."""

    def __init__(self, channel: LogicalChannel) -> None:
        self.channel = channel
        self.state = State.RELEASED
        self.deadline: float | None = None
        self._must_reopen = False
        self._is_told = False
        """The owner knows already that nothing came of it."""

    def open(self, now: float) -> list[Effect]:
        """ESTABLISH.request."""
        self._wait(State.AWAITING_ESTABLISHMENT, now)
        return [request("openLogicalChannel", open_channel.write_open(self.channel))]

    def adopt(self) -> None:
        """Fast start has established it."""
        self.state = State.ESTABLISHED

    def close(self, now: float, must_reopen: bool = False) -> list[Effect]:
        """RELEASE.request, before or after the answer of the peer."""
        if self.state not in (State.AWAITING_ESTABLISHMENT, State.ESTABLISHED):
            return []
        self._must_reopen = must_reopen
        return self._close("user", now)

    def receive(self, name: str, body: Any, now: float) -> list[Effect]:
        """An answer of the peer; one that this state does not wait for is passed over."""
        handler = self._INPUTS.get((self.state, name))
        return handler(self, body, now) if handler else []

    def expire(self, now: float) -> list[Effect]:
        """T103 (C.4.5.1, error A)."""
        if self.state is State.AWAITING_RELEASE:
            return self._released({}, now)
        self._is_told = True
        return [*self._close("lcse", now), ChannelRefused(self.channel.number, "timeout")]

    def _close(self, source: str, now: float) -> list[Effect]:
        self._wait(State.AWAITING_RELEASE, now)
        reason = ("reopen", 0) if self._must_reopen else ("unknown", 0)
        body = {"forwardLogicalChannelNumber": self.channel.number, "source": (source, 0), "reason": reason}
        return [request("closeLogicalChannel", body)]

    def _wait(self, state: State, now: float) -> None:
        self.state = state
        self.deadline = now + T103_S

    def _rest(self, state: State) -> None:
        self.state = state
        self.deadline = None

    def _opened(self, body: Any, _now: float) -> list[Effect]:
        self._rest(State.ESTABLISHED)
        is_both_ways = self.channel.reverse is not None
        self.channel = open_channel.read_ack(self.channel, body)
        opened = ChannelOpened(self.channel, is_ours=True)
        if is_both_ways:
            confirm = {"forwardLogicalChannelNumber": self.channel.number}
            return [indication("openLogicalChannelConfirm", confirm), opened]
        return [opened]

    def _refused(self, body: Any, _now: float) -> list[Effect]:
        self._rest(State.RELEASED)
        return [ChannelRefused(self.channel.number, body["cause"][0])]

    def _lost(self, _body: Any, _now: float) -> list[Effect]:
        """A refusal of what stood already: the peer has no such channel (C.4.5.1, error D)."""
        self._rest(State.RELEASED)
        return [ChannelClosed(self.channel.number, is_ours=True)]

    def _released(self, _body: Any, _now: float) -> list[Effect]:
        self._rest(State.RELEASED)
        if self._is_told:
            return []
        return [ChannelClosed(self.channel.number, is_ours=True, must_reopen=self._must_reopen)]

    _INPUTS: ClassVar[dict[tuple[State, str], Callable[[OutgoingChannel, Any, float], list[Effect]]]] = {
        (State.AWAITING_ESTABLISHMENT, "openLogicalChannelAck"): _opened,
        (State.AWAITING_ESTABLISHMENT, "openLogicalChannelReject"): _refused,
        (State.ESTABLISHED, "openLogicalChannelReject"): _lost,
        (State.ESTABLISHED, "closeLogicalChannelAck"): _lost,
        (State.AWAITING_RELEASE, "closeLogicalChannelAck"): _released,
        (State.AWAITING_RELEASE, "openLogicalChannelReject"): _released,
    }
    """What C.4's Figures let pass: an acknowledgement that crosses our close, a second one of what stands."""
