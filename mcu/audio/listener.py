"""Hears the digits of a caller whose sound nobody else needs: decoding alone, without playing anything."""

from __future__ import annotations

from mcu.audio.codecs import TAPPED_HZ, duration_us, make_tapped_decode
from mcu.audio.dtmf import ToneDetector
from mcu.audio.errors import BadPacketError
from mcu.media import Codec
from mcu.worker.channel import Frame

_WRAP = 1 << 16
_LATE = 1 << 15
_MAX_MISSING = 50


class Listener:
    """Takes packets as they come: a late one is left out, which costs a digit no more than a loss."""

    def __init__(self, codec: Codec) -> None:
        """Raises KeyError for a codec that does not pass tones faithfully."""
        self.codec = codec
        self._rate_hz = TAPPED_HZ[codec]
        self._decode = make_tapped_decode(codec)
        self._detector = ToneDetector(self._rate_hz)
        self._expected: int | None = None

    def hear(self, frame: Frame) -> str:
        """The digits that are certain with this packet. Raises BadPacketError."""
        samples = duration_us(self.codec, frame.payload) * self._rate_hz // 1_000_000
        ahead = 0 if self._expected is None else (frame.sequence - self._expected) % _WRAP
        if ahead >= _LATE:
            return ""
        if ahead:
            self._detector.miss(min(ahead, _MAX_MISSING) * samples)
        self._expected = (frame.sequence + 1) % _WRAP
        try:
            pcm = self._decode(frame.payload)
        except BadPacketError:
            self._detector.miss(samples)
            raise
        return self._detector.process(pcm)
