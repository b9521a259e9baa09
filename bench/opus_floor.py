"""libopus alone: decode a few voices, encode a few mixes every 20 ms, with nothing around it.

`python -m bench.opus_floor SPEC`; prints CPU seconds a second. It keeps the beat of a conference, since the same work
done in one go runs with warm caches.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec
import numpy as np

from mcu.audio.opus import OpusDecoder, OpusEncoder
from mcu.audio.pcm import FRAME_SAMPLES, Pcm

_PTIME_S = 0.020


class Work(msgspec.Struct):
    """What is decoded, and how the mixes (float32 samples) are encoded."""

    voices: list[list[bytes]]
    mixes: list[bytes]
    bitrate_bps: int
    complexity: int
    seconds: float


def main(path: Path) -> None:
    """Do the work of so many seconds."""
    work = msgspec.msgpack.decode(path.read_bytes(), type=Work)
    decoders = [OpusDecoder() for _ in work.voices]
    encoders = [OpusEncoder(work.bitrate_bps, work.complexity) for _ in work.mixes]
    mixes = [_frames(mix) for mix in work.mixes]
    started, before = time.monotonic(), time.process_time()
    for tick in range(round(work.seconds / _PTIME_S)):
        time.sleep(max(0.0, started + tick * _PTIME_S - time.monotonic()))
        for decoder, packets in zip(decoders, work.voices, strict=True):
            decoder.decode(packets[tick % len(packets)])
        for encoder, frames in zip(encoders, mixes, strict=True):
            encoder.encode(frames[tick % len(frames)])
    sys.stdout.write(f"{(time.process_time() - before) / work.seconds}\n")


def _frames(sound: bytes) -> list[Pcm]:
    samples = np.frombuffer(sound, np.float32)
    return list(samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
