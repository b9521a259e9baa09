"""Packets for bench/native: files of RTP payloads with their times, and what was received read back."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from mcu.media import Codec
from mcu.rtp import packet as rtp
from mcu.rtp.cutting import cut

VIDEO_CLOCK_HZ, OPUS_CLOCK_HZ = 90_000, 48_000
_HEAD = struct.Struct("<II")
_PACKET = struct.Struct("<IHB")
_RECEIVED = struct.Struct("<dI")


@dataclass(frozen=True)
class Payload:
    """One RTP payload; the timestamp counts from the beginning."""

    timestamp: int
    marker: bool
    data: bytes


@dataclass(frozen=True)
class Arrived:
    """A packet that came, in the clear."""

    at_s: float
    """Monotonic clock of the machine."""
    packet: rtp.RtpPacket


def write(path: Path, payloads: Iterable[Payload], loop: int) -> Path:
    """A programme that begins again after `loop` ticks of its clock."""
    kept = list(payloads)
    with path.open("wb") as file:
        file.write(_HEAD.pack(len(kept), loop))
        for payload in kept:
            file.write(_PACKET.pack(payload.timestamp, len(payload.data), payload.marker) + payload.data)
    return path


def of_pictures(units: Iterable[bytes], rate: int) -> Iterator[Payload]:
    """H.264 access units at a constant rate, cut as a terminal cuts them."""
    for index, unit in enumerate(units):
        for piece in cut(Codec.H264, unit):
            yield Payload(index * VIDEO_CLOCK_HZ // rate, piece.marker, piece.payload)


def of_sounds(packets: Iterable[bytes], step: int = 960) -> Iterator[Payload]:
    """Packets of 20 ms; `step` is their length in the clock of the codec."""
    for index, data in enumerate(packets):
        yield Payload(index * step, False, data)


def of_clip(clip: Path) -> tuple[Path, Path]:
    """The sound and the picture of a clip of bench.media, as they are encoded in it."""
    sound, picture = clip.with_suffix(".sound"), clip.with_suffix(".picture")
    with av.open(str(clip)) as container:
        rate = int(container.streams.video[0].average_rate or 25)
        to_stream = av.BitStreamFilterContext("h264_mp4toannexb", container.streams.video[0])
        units: list[bytes] = []
        sounds: list[bytes] = []
        for packet in container.demux():
            if packet.stream.type == "video":
                units += [bytes(unit) for unit in to_stream.filter(packet if packet.size else None)]
            elif packet.size:
                sounds.append(bytes(packet))
    whole_s = min(len(units) // rate, len(sounds) // 50)
    write(picture, of_pictures(units[: whole_s * rate], rate), whole_s * VIDEO_CLOCK_HZ)
    write(sound, of_sounds(sounds[: whole_s * 50]), whole_s * OPUS_CLOCK_HZ)
    return sound, picture


def received(dump: Path) -> list[Arrived]:
    """What `dump` of the load generator wrote, in order of arrival; what is no RTP is left out."""
    data, at, found = dump.read_bytes(), 0, []
    while at + _RECEIVED.size <= len(data):
        at_s, size = _RECEIVED.unpack_from(data, at)
        at += _RECEIVED.size
        packet = rtp.parse(data[at : at + size])
        at += size
        if packet is not None:
            found.append(Arrived(at_s, packet))
    return found


def rendition(arrived: Iterable[Arrived], rate: int) -> tuple[list[Payload], int]:
    """The packets of the complete pictures that came, at a constant rate, and the length of their loop."""
    frames: dict[int, list[Arrived]] = {}
    for each in arrived:
        frames.setdefault(each.packet.timestamp, []).append(each)
    whole = [frame for frame in frames.values() if frame[-1].packet.marker]
    step = VIDEO_CLOCK_HZ // rate
    payloads = [
        Payload(index * step, each.packet.marker, bytes(each.packet.payload))
        for index, frame in enumerate(whole)
        for each in frame
    ]
    return payloads, len(whole) * step
