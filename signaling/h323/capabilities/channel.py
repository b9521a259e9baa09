"""Logical channels as media: what we open for a choice, and what a channel of either end carries (H.245 B.3.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from crypto.h235.algorithm import Algorithm
from mcu.media import Codec, Format, Kind
from signaling.h323.capabilities import audio, h264, medium, security
from signaling.h323.capabilities.capability import Capability, Packetization
from signaling.h323.capabilities.remote import packetization_of
from signaling.h323.h245.logical_channel import Address, LogicalChannel

SESSIONS = {Kind.AUDIO: 1, Kind.VIDEO: 2, Kind.CAMERA: 3, Kind.CONTENT: 0}
"""Sessions with a meaning (H.245 B.3.1); that of content is for the master to allot."""
_STATIC = {**audio.PAYLOAD_TYPES, Codec.H261: 31, Codec.H263_1996: 34}
_CLOCKS_HZ = {Kind.AUDIO: 8_000, Kind.VIDEO: 90_000, Kind.CONTENT: 90_000, Kind.CAMERA: 4_800}
"""RFC 3551 6, RFC 6184, RFC 4573."""
_SENT_INTERVAL = 2
"""Of the pictures that we send in H.263, in 1/29.97 s."""


@dataclass(frozen=True, slots=True)
class Medium:
    """What a channel carries."""

    capability: Capability
    packetization: Packetization | None
    payload_type: int
    is_encrypted: bool = False

    @property
    def algorithm(self) -> Algorithm | None:
        """By which it is encrypted."""
        return self.capability.algorithms[0] if self.is_encrypted and self.capability.algorithms else None

    @property
    def format(self) -> Format:
        """For the media plane."""
        codec = _codec(self.capability.codec, self.packetization)
        clock_hz = _CLOCKS_HZ[self.capability.kind]
        if self.capability.h264 is None:
            return Format(codec, self.payload_type, clock_hz, max_fs=_largest(self.capability))
        limits = h264.usable(self.capability.h264)
        mode = int(self.packetization is Packetization.H264_NON_INTERLEAVED)
        level = h264.profile_level_id(limits)
        return Format(codec, self.payload_type, clock_hz, level, packetization_mode=mode, max_fs=limits.max_fs)


def write(
    number: int,
    chosen: Medium,
    media_control: Address,
    session_id: int | None = None,
    media: Address | None = None,
    encryption_sync: Any = None,
) -> LogicalChannel:
    """A channel for a choice. `media` only in fast start; `session_id` None takes the usual one of its kind."""
    data_type = medium.write_data_type(chosen.capability)
    if chosen.algorithm is not None:
        data_type = security.wrap(data_type, chosen.algorithm)
    return LogicalChannel(
        number=number,
        session_id=SESSIONS[chosen.capability.kind] if session_id is None else session_id,
        data_type=data_type,
        media=media,
        media_control=media_control,
        payload_type=chosen.payload_type,
        packetization=_write_packetization(chosen),
        encryption_sync=encryption_sync,
    )


def read(channel: LogicalChannel) -> Medium | None:
    """What a channel carries; None for what we do not speak, or is encrypted by no algorithm of ours."""
    data_type, algorithms, is_encrypted = security.unwrap(channel.data_type)
    found = medium.read_data_type(data_type)
    if found is None or (is_encrypted and not algorithms):
        return None
    packetization = _read_packetization(channel.packetization, found.codec)
    codec = _codec(found.codec, packetization)
    payload_type = _payload_type(channel, codec)
    if payload_type is None:
        return None
    return Medium(replace(found, algorithms=algorithms[:1]), packetization, payload_type, is_encrypted)


def with_payload_type(chosen: Medium, dynamic: int) -> Medium:
    """As it travels: a static payload type where there is one, `dynamic` for the rest and all that is encrypted."""
    static = _STATIC.get(_codec(chosen.capability.codec, chosen.packetization), dynamic)
    return replace(chosen, payload_type=dynamic if chosen.is_encrypted else static)


def _codec(codec: Codec, packetization: Packetization | None) -> Codec:
    """The plane tells the two payload formats of H.263 apart by codec."""
    return Codec.H263_1996 if codec is Codec.H263 and packetization is Packetization.RFC_2190 else codec


def _largest(found: Capability) -> int:
    """Macroblocks of the largest picture that an H.261 or H.263 decoder takes as often as we send one."""
    if found.intervals is None:
        return 0
    sizes = ((found.intervals.cif4, 1_584), (found.intervals.cif, 396), (found.intervals.qcif, 99))
    often = [blocks for interval, blocks in sizes if 0 < interval <= _SENT_INTERVAL]
    smallest = next((blocks for interval, blocks in reversed(sizes) if interval), 0)
    return often[0] if often else smallest


def _write_packetization(chosen: Medium) -> Any:
    if chosen.packetization is None:
        return None
    body = {"payloadDescriptor": chosen.packetization.value, "payloadType": chosen.payload_type}
    return ("rtpPayloadType", body)


def _read_packetization(value: Any, codec: Codec) -> Packetization | None:
    """Where nothing is said: the single NAL unit mode of H.264 (H.241 7.1), and RFC 2190 for H.263."""
    if value is not None and value[0] == "rtpPayloadType":
        told = packetization_of(value[1])
        if told is not None:
            return told
    return {Codec.H264: Packetization.H264_SINGLE_NAL, Codec.H263: Packetization.RFC_2190}.get(codec)


def _payload_type(channel: LogicalChannel, codec: Codec) -> int | None:
    """Some terminals tell a dynamic one in mediaPacketization only."""
    if channel.payload_type is not None:
        return channel.payload_type
    if channel.packetization is not None and channel.packetization[0] == "rtpPayloadType":
        told: int | None = channel.packetization[1].get("payloadType")
        if told is not None:
            return told
    return _STATIC.get(codec)
