"""A channel that the peer opens: the incoming LCSE, B-LCSE and CLCSE (H.245 C.4, C.5, C.8)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import ClassVar

from signaling.h323.h245 import open_channel
from signaling.h323.h245.events import (
    ChannelClosed,
    ChannelOffered,
    ChannelOpened,
    Effect,
    indication,
    request,
    response,
)
from signaling.h323.h245.logical_channel import ChannelAnswer, LogicalChannel

T103_S = 30.0
"""For the confirmation of a channel that goes both ways (H.245 C.5.3)."""
T108_S = 10.0
"""For the answer to requestChannelClose (H.245 C.8.3)."""


class State(Enum):
    """States of the incoming LCSE and B-LCSE."""

    RELEASED = auto()
    AWAITING_ESTABLISHMENT = auto()
    AWAITING_CONFIRMATION = auto()
    ESTABLISHED = auto()


class IncomingChannel:
    """The incoming LCSE of one channel, and the CLCSE by which we ask for its end."""

    def __init__(self, channel: LogicalChannel) -> None:
        self.channel = channel
        self.state = State.RELEASED
        self.deadline: float | None = None

    def offer(self) -> list[Effect]:
        """An openLogicalChannel has come: ESTABLISH.indication."""
        self.state = State.AWAITING_ESTABLISHMENT
        return [ChannelOffered(self.channel)]

    def adopt(self) -> None:
        """Fast start has established it."""
        self.state = State.ESTABLISHED

    def accept(self, answer: ChannelAnswer, reverse_number: int | None, now: float) -> list[Effect]:
        """ESTABLISH.response; `reverse_number` is ours for the way back where there is one."""
        if self.state is not State.AWAITING_ESTABLISHMENT:
            return []
        body = open_channel.write_ack(self.channel, answer, reverse_number)
        effects: list[Effect] = [response("openLogicalChannelAck", body)]
        if reverse_number is not None:
            self.state = State.AWAITING_CONFIRMATION
            self.deadline = now + T103_S
            return effects
        self.state = State.ESTABLISHED
        return [*effects, ChannelOpened(self.channel, is_ours=False)]

    def reject(self, cause: str) -> list[Effect]:
        """RELEASE.request before there was a channel."""
        if self.state is not State.AWAITING_ESTABLISHMENT:
            return []
        self._release()
        body = {"forwardLogicalChannelNumber": self.channel.number, "cause": (cause, 0)}
        return [response("openLogicalChannelReject", body)]

    def ask_close(self, reason: str, now: float) -> list[Effect]:
        """CLOSE.request of the CLCSE."""
        if self.state is not State.ESTABLISHED:
            return []
        self.deadline = now + T108_S
        body = {"forwardLogicalChannelNumber": self.channel.number, "reason": (reason, 0)}
        return [request("requestChannelClose", body)]

    def receive(self, name: str) -> list[Effect]:
        """A closeLogicalChannel, openLogicalChannelConfirm, or an answer to requestChannelClose."""
        return self._INPUTS[name](self)

    def expire(self) -> list[Effect]:
        """T103 of a channel that goes both ways: it is none. T108: the peer lets it stand."""
        self.deadline = None
        number = {"forwardLogicalChannelNumber": self.channel.number}
        if self.state is State.AWAITING_CONFIRMATION:
            self._release()
            return [ChannelClosed(self.channel.number, is_ours=False)]
        return [indication("requestChannelCloseRelease", number)]

    def _closed(self) -> list[Effect]:
        self._release()
        acknowledgement = response("closeLogicalChannelAck", {"forwardLogicalChannelNumber": self.channel.number})
        return [acknowledgement, ChannelClosed(self.channel.number, is_ours=False)]

    def _confirmed(self) -> list[Effect]:
        if self.state is not State.AWAITING_CONFIRMATION:
            return []
        self.state = State.ESTABLISHED
        self.deadline = None
        return [ChannelOpened(self.channel, is_ours=False)]

    def _answered(self) -> list[Effect]:
        """Yes, and closeLogicalChannel follows; or no, and the channel stands."""
        self.deadline = None
        return []

    def _release(self) -> None:
        self.state = State.RELEASED
        self.deadline = None

    _INPUTS: ClassVar[dict[str, Callable[[IncomingChannel], list[Effect]]]] = {
        "closeLogicalChannel": _closed,
        "openLogicalChannelConfirm": _confirmed,
        "requestChannelCloseAck": _answered,
        "requestChannelCloseReject": _answered,
    }
