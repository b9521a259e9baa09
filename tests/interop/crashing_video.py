"""The video process of a worker with a flaw: one picture ends it in the decoder, by a wild pointer."""

from __future__ import annotations

import ctypes

import av

from mcu.video import process
from mcu.video.decoder import Decoder
from mcu.worker.shell import run_process

FATAL = b"this picture breaks the decoder"

_decode = Decoder.decode


def _decode_or_die(decoder: Decoder, payload: bytes) -> av.VideoFrame | None:
    if FATAL in payload:
        ctypes.string_at(0)  # SIGSEGV, in this very thread
    return _decode(decoder, payload)


if __name__ == "__main__":
    Decoder.decode = _decode_or_die  # type: ignore[method-assign]
    run_process("video", process.main)
