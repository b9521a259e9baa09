"""A telephone whose keys sound in the call itself: tones of ITU-T Q.23 in PCMA over plain RTP."""

from __future__ import annotations

import asyncio
import socket

import av
import numpy as np

_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
_KEYS = "123456789*0#"
_RATE, _PACKET = 8000, 160
_TONE_S, _PAUSE_S = 0.1, 0.1


def _alaw(keys: str) -> bytes:
    """The keys one after the other, with pauses before, between and after them."""
    time = np.arange(round(_TONE_S * _RATE)) / _RATE
    pause = np.zeros(round(_PAUSE_S * _RATE))
    pieces = [pause]
    for key in keys:
        row, column = divmod(_KEYS.index(key), 3)
        tones = np.sin(2 * np.pi * _ROWS[row] * time) + np.sin(2 * np.pi * _COLUMNS[column] * time)
        pieces += [5000 * tones, pause]
    samples = np.concatenate([*pieces, pause]).astype(np.int16)
    encoder = av.CodecContext.create("pcm_alaw", "w")
    encoder.sample_rate, encoder.layout, encoder.format = _RATE, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = _RATE
    return b"".join(bytes(packet) for packet in encoder.encode(frame))


class Telephone:
    """Sends RTP from a socket to `target` as fast as a telephone does."""

    def __init__(self, media: socket.socket, target: tuple[str, int]) -> None:
        self._media = media
        self._target = target
        self._sequence = 1

    async def press(self, keys: str) -> None:
        """Sound these keys."""
        data = _alaw(keys)
        loop = asyncio.get_running_loop()
        due = loop.time()
        for start in range(0, len(data) - _PACKET + 1, _PACKET):
            header = bytes([0x80, 8]) + self._sequence.to_bytes(2) + (self._sequence * _PACKET).to_bytes(4) + b"tone"
            self._media.sendto(header + data[start : start + _PACKET], self._target)
            self._sequence += 1
            due += _PACKET / _RATE
            await asyncio.sleep(max(0.0, due - loop.time()))
