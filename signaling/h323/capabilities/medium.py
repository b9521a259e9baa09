"""Capabilities and data types of single media, whichever table or channel they stand in (H.245 B.2.2, B.3.1)."""

from __future__ import annotations

from typing import Any

from mcu.media import Codec, Kind
from signaling.h323.capabilities import audio, content, h26x, h264
from signaling.h323.capabilities.capability import Capability

_RATE_UNIT_BPS = 100
CAMERA_BITRATE_BPS = 6_400
"""H.224 of a camera; H.281 needs less."""
_H224_PROTOCOL = ("hdlcFrameTunnelling", 0)
_EVENTS = "0-16"
"""Of RFC 4733 3.2: keys and the flash."""


def write_video(wanted: Capability) -> tuple[str, Any]:
    """A VideoCapability, with its role where it is content."""
    if wanted.h264 is not None:
        plain = h264.write(wanted.h264, wanted.max_bitrate_bps)
    else:
        assert wanted.intervals is not None
        write = h26x.write_h261 if wanted.codec is Codec.H261 else h26x.write_h263
        plain = write(wanted.intervals, wanted.max_bitrate_bps)
    return content.write(plain) if wanted.kind is Kind.CONTENT else plain


def write_data_type(medium: Capability) -> tuple[str, Any]:
    """The DataType of a channel in clear."""
    if medium.kind is Kind.AUDIO:
        return ("audioData", audio.write(medium.codec, medium.frames))
    if medium.kind is Kind.CAMERA:
        return ("data", _write_camera())
    return ("videoData", write_video(medium))


def read_data_type(data_type: Any) -> Capability | None:
    """The medium of a channel in clear; None for what we do not speak."""
    name, body = data_type
    reader = _DATA_TYPES.get(name)
    found = [] if reader is None else reader(body)
    return found[0] if found else None


def write_capability(medium: Capability) -> tuple[str, Any]:
    """The Capability of a table entry: what we receive."""
    if medium.codec is Codec.TELEPHONE_EVENT:
        body = {"dynamicRTPPayloadType": medium.payload_type, "audioTelephoneEvent": _EVENTS}
        return ("receiveRTPAudioTelephonyEventCapability", body)
    if medium.kind is Kind.AUDIO:
        return ("receiveAudioCapability", audio.write(medium.codec, medium.frames))
    if medium.kind is Kind.CAMERA:
        return ("receiveAndTransmitDataApplicationCapability", _write_camera())
    if medium.kind is Kind.CONTENT:
        return ("receiveAndTransmitVideoCapability", write_video(medium))
    return ("receiveVideoCapability", write_video(medium))


def read_capability(value: Any) -> list[Capability]:
    """What a table entry says that its end receives; nothing of what it only sends, or we do not speak."""
    name, body = value
    reader = _CAPABILITIES.get(name)
    return [] if reader is None else reader(body)


def _read_audio(value: Any) -> list[Capability]:
    found = audio.read(value)
    return [] if found is None else [Capability(found[0], Kind.AUDIO, frames=found[1])]


def _read_video(value: Any, kind: Kind = Kind.VIDEO) -> list[Capability]:
    name, body = value
    if name == "extendedVideoCapability":
        videos = content.read(value) if kind is Kind.VIDEO else []
        return [each for video in videos for each in _read_video(video, Kind.CONTENT)]
    if name == "genericVideoCapability":
        found = h264.read(body)
        return [] if found is None else [Capability(Codec.H264, kind, h264=found[0], max_bitrate_bps=found[1])]
    older = h26x.read(value)
    return [] if older is None else [Capability(older[0], kind, intervals=older[1], max_bitrate_bps=older[2])]


def _write_camera() -> dict[str, Any]:
    return {"application": ("h224", _H224_PROTOCOL), "maxBitRate": CAMERA_BITRATE_BPS // _RATE_UNIT_BPS}


def _read_data(value: Any) -> list[Capability]:
    if value["application"][0] != "h224":
        return []
    return [Capability(Codec.H224, Kind.CAMERA, max_bitrate_bps=value["maxBitRate"] * _RATE_UNIT_BPS)]


def _read_events(value: Any) -> list[Capability]:
    return [Capability(Codec.TELEPHONE_EVENT, Kind.AUDIO, payload_type=value["dynamicRTPPayloadType"])]


_DATA_TYPES = {"audioData": _read_audio, "videoData": _read_video, "data": _read_data}
_CAPABILITIES = {
    "receiveAudioCapability": _read_audio,
    "receiveAndTransmitAudioCapability": _read_audio,
    "receiveVideoCapability": _read_video,
    "receiveAndTransmitVideoCapability": _read_video,
    "receiveDataApplicationCapability": _read_data,
    "receiveAndTransmitDataApplicationCapability": _read_data,
    "receiveRTPAudioTelephonyEventCapability": _read_events,
}
