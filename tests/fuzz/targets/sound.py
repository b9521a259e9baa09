"""Packets of sound: decoders of each codec, and a source in the mixer with numbers and times of any kind."""

from __future__ import annotations

import numpy as np

from mcu.audio.codecs import duration_us, make_decoder
from mcu.audio.errors import BadPacketError
from mcu.audio.pcm import FRAME_SAMPLES
from mcu.audio.source import Source
from mcu.media import Codec
from mcu.worker.channel import Frame
from tests.fuzz.target import Bytes, target

MAX_PACKETS = 60
CODECS = (Codec.OPUS, Codec.G722, Codec.PCMU, Codec.PCMA)


@target("opus", is_fast=False)
def opus(data: bytes) -> None:
    """Several packets to one decoder, which conceals and recovers in between."""
    script, decoder = Bytes(data), make_decoder(Codec.OPUS)
    for _ in range(12):
        if script.is_empty:
            return
        choice = script.number()
        packet = script.take(script.number(2) % 1500)
        try:
            assert 0 < duration_us(Codec.OPUS, packet) <= 120_000
            pcm = decoder.recover(packet, 960) if choice & 1 else decoder.decode(packet)
        except BadPacketError:
            pcm = decoder.conceal(960)
        assert len(pcm) <= 5760
        assert np.isfinite(pcm).all()


@target("sound-source", is_fast=False)
def sound_source(data: bytes) -> None:
    """Ticks go on, each gives one whole frame, and what waits is bounded."""
    script = Bytes(data)
    codec = CODECS[script.number() % 4]
    source, now_us = Source(codec), 5_000_000
    source.listen(True)
    sequence = timestamp = 0
    for _ in range(150):
        if script.is_empty:
            break
        choice = script.number()
        sequence = sequence + 1 if choice & 1 else script.number(2)
        timestamp = timestamp + 960 if choice & 2 else script.number(4)
        payload = script.chunk() if choice & 4 else bytes((0xFC,)) + bytes(80)
        due_us = 0 if choice & 8 else now_us + script.number(3) - 8_000_000
        frame = Frame(3, codec, payload, timestamp & 0xFFFFFFFF, sequence & 0xFFFF, now_us - script.number(3), due_us,
                      level=script.number())  # fmt: skip
        try:
            source.put(frame, now_us)
        except BadPacketError:
            pass
        assert len(source._jitter._queue) <= MAX_PACKETS
        if choice & 16:
            now_us += 20_000
            heard = source.pull(now_us, bool(choice & 32))
            assert len(heard.pcm) == FRAME_SAMPLES
            assert np.isfinite(heard.pcm).all()
            assert len(source._pcm) <= 48_000, "decoded sound does not pile up"
            assert abs(source.playout_us) < 1 << 62
