"""What is known of one logical channel of the call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from mcu.media import Kind
from signaling.h323.call_media.keys import ChannelKeys
from signaling.h323.capabilities.channel import Medium
from signaling.h323.h245.logical_channel import LogicalChannel


class Phase(Enum):
    """Of a channel of ours."""

    OPENING = auto()
    OPEN = auto()
    CLOSING = auto()


@dataclass(slots=True)
class Outgoing:
    """A channel of ours."""

    channel: LogicalChannel
    medium: Medium
    phase: Phase = Phase.OPENING
    keys: ChannelKeys | None = None
    """As slave not before the acknowledgement."""
    limit_bps: int | None = None
    """By flow control of the peer; 0 stops it."""

    @property
    def sent(self) -> LogicalChannel:
        """As its packets travel now."""
        if self.keys is None:
            return self.channel
        return replace(self.channel, payload_type=self.keys.current.payload_type)


@dataclass(slots=True)
class Incoming:
    """A channel of the peer that we took."""

    channel: LogicalChannel
    medium: Medium
    kind: Kind
    keys: ChannelKeys | None = None
    is_open: bool = False

    @property
    def received(self) -> list[LogicalChannel]:
        """As its packets may come: once for each key."""
        if self.keys is None:
            return [self.channel]
        return [replace(self.channel, payload_type=key.payload_type) for key in self.keys.taken]
