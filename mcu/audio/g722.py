"""G.722 at 64 kbit/s through PyAV; its RTP clock says 8 kHz although it samples at 16 (RFC 3551 4.5.2)."""

from __future__ import annotations

from typing import Literal

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from mcu.audio.errors import BadPacketError
from mcu.audio.pcm import Pcm, from_int16, silence, to_int16

RATE_HZ = 16_000


def _open(mode: Literal["r", "w"]) -> AudioCodecContext:
    codec = av.CodecContext.create("g722", mode)
    codec.sample_rate = RATE_HZ
    codec.layout = "mono"
    codec.format = "s16"
    codec.thread_count = 1
    return codec


class G722Decoder:
    """Two 16 kHz samples a byte."""

    def __init__(self) -> None:
        self._codec = _open("r")

    def decode(self, payload: bytes) -> Pcm:
        """Samples at 16 kHz. Raises BadPacketError."""
        try:
            frames = [frame.to_ndarray().reshape(-1) for frame in self._codec.decode(av.Packet(payload))]
        except av.error.FFmpegError as error:
            raise BadPacketError("g722") from error
        return from_int16(np.concatenate(frames)) if frames else silence(0)


class G722Encoder:
    """A byte for two 16 kHz samples."""

    def __init__(self) -> None:
        self._codec = _open("w")
        self._samples = 0

    def encode(self, pcm: Pcm) -> bytes:
        """The code words of an even number of samples at 16 kHz."""
        frame = av.AudioFrame.from_ndarray(to_int16(pcm).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._samples
        self._samples += len(pcm)
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))
