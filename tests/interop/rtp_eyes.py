"""What somebody on the wire sees and hears of plain RTP, decoded by FFmpeg without any code of ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from tests.interop.sniffer import Datagram


@dataclass(frozen=True)
class Rtp:
    """The fields that matter here (RFC 3550 5.1)."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    time: float


def packets(datagrams: Iterable[Datagram]) -> list[Rtp]:
    """RTP packets (RTCP left out, RFC 5761 4) in the order of their arrival."""
    found = []
    for datagram in datagrams:
        data = datagram.payload
        if len(data) < 12 or data[0] >> 6 != 2 or 64 <= data[1] & 0x7F < 96:
            continue
        start = 12 + 4 * (data[0] & 15)
        found.append(
            Rtp(
                data[1] & 0x7F, int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big"),
                int.from_bytes(data[8:12], "big"), data[start:], datagram.time,
            )
        )  # fmt: skip
    return found


def sound(rtp: Iterable[Rtp]) -> NDArray[np.int16]:
    """PCMU and PCMA at 8 kHz."""
    decoders = {0: av.CodecContext.create("pcm_mulaw", "r"), 8: av.CodecContext.create("pcm_alaw", "r")}
    for decoder in decoders.values():
        decoder.sample_rate, decoder.layout = 8000, "mono"
    blocks = [
        frame.to_ndarray().reshape(-1)
        for packet in rtp
        if packet.payload_type in decoders
        for frame in decoders[packet.payload_type].decode(av.Packet(packet.payload))
    ]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)


def pictures(rtp: Iterable[Rtp]) -> list[NDArray[np.uint8]]:
    """H.264 in packetization-mode 0 (RFC 6184 6.2: a NAL unit a packet), RGB."""
    decoder = av.CodecContext.create("h264", "r")
    found: list[NDArray[np.uint8]] = []
    unit, timestamp = b"", None
    for packet in [*rtp, None]:
        if packet is None or packet.timestamp != timestamp:
            if unit:
                found += [frame.to_ndarray(format="rgb24") for frame in decoder.decode(av.Packet(unit))]
            unit, timestamp = b"", packet.timestamp if packet else None
        if packet is not None:
            unit += b"\0\0\0\1" + packet.payload
    return found + [frame.to_ndarray(format="rgb24") for frame in decoder.decode(None)]
