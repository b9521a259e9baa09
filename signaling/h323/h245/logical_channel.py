"""What one logical channel is, as its two ends tell it in openLogicalChannel and its acknowledgement (H.245 B.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Address = tuple[str, int]
"""IPv4 or IPv6 address and port."""

MOST_NUMBER = 65_535


@dataclass(frozen=True, slots=True)
class LogicalChannel:
    """One direction of one medium. Its sender numbers it; numbers of the two ends do not meet (H.245 C.4.1.1)."""

    number: int
    session_id: int
    """1 sound, 2 picture, 3 data, others by the master; 0 asks the master for one (H.245 B.3.1, H.323 6.2.8.2)."""
    data_type: Any
    """DataType of H.245: ("audioData", ...), ("videoData", ...), ("data", ...), ("h235Media", {...})."""
    media: Address | None = None
    """mediaChannel: where RTP goes. The receiver says it, in its acknowledgement or in fastStart."""
    media_control: Address | None = None
    """mediaControlChannel: where this end takes RTCP."""
    payload_type: int | None = None
    """dynamicRTPPayloadType."""
    packetization: Any = None
    """mediaPacketization of H2250LogicalChannelParameters."""
    associated_session_id: int | None = None
    encryption_sync: Any = None
    """EncryptionSync, with the key of the channel as opaque octets; only the master sends it (H.235.6 8.6)."""
    generic_information: tuple[Any, ...] = ()
    """genericInformation, of H.460.19 for one."""
    is_flow_zero: bool = False
    """flowControlToZero of the acknowledgement: send nothing until a flowControlCommand."""
    reverse: LogicalChannel | None = None
    """The other direction, for the few media that are opened in both at once (H.245 C.5)."""


@dataclass(frozen=True, slots=True)
class ChannelAnswer:
    """What we, as the receiver, add to a channel of the peer when we accept it."""

    media: Address
    media_control: Address | None = None
    payload_type: int | None = None
    session_id: int | None = None
    """None keeps the peer's; where that is 0 and we are master, Control allots one."""
    encryption_sync: Any = None
    generic_information: tuple[Any, ...] = ()
    is_flow_zero: bool = False
