"""Decoders to and encoders from the mixer's 48 kHz, one face for all audio codecs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mcu.audio import g711, g722, opus
from mcu.audio.conceal import Repetition
from mcu.audio.errors import BadPacketError
from mcu.audio.pcm import RATE_HZ, Pcm
from mcu.audio.resample import Downsampler, Upsampler
from mcu.media import Codec

AUDIO_CODECS = (Codec.OPUS, Codec.G722, Codec.PCMU, Codec.PCMA)
RTP_CLOCK_HZ = {Codec.OPUS: 48_000, Codec.G722: 8_000, Codec.PCMU: 8_000, Codec.PCMA: 8_000}
TAPPED_HZ = {Codec.G722: g722.RATE_HZ, Codec.PCMU: g711.RATE_HZ, Codec.PCMA: g711.RATE_HZ}
"""The rate at which a codec's sound can be listened to before it is brought to 48 kHz."""
_MAX_PACKET_BYTES = 960
"""120 ms of a 64 kbit/s codec, as long as the longest Opus packet."""


class Decoder(Protocol):
    """Makes 48 kHz sound of packets; methods raise BadPacketError for what they cannot read."""

    def decode(self, payload: bytes) -> Pcm:
        """The sound of a packet."""

    def conceal(self, samples: int) -> Pcm:
        """About `samples` of sound in place of a packet that is missing."""

    def recover(self, payload: bytes, samples: int) -> Pcm:
        """The sound of a missing packet with the help of the one after it."""


class Encoder(Protocol):
    """Makes one packet of each 20 ms frame at 48 kHz."""

    def encode(self, pcm: Pcm) -> bytes:
        """The payload of one packet."""

    def expect_loss(self, percent: int) -> None:
        """Make packets that help when so many are lost, where the codec can."""


def duration_us(codec: Codec, payload: bytes) -> int:
    """How long a packet plays. Raises BadPacketError."""
    if codec == Codec.OPUS:
        return opus.packet_samples(payload) * 1_000_000 // RATE_HZ
    if not 0 < len(payload) <= _MAX_PACKET_BYTES:
        raise BadPacketError("64 kbit/s codec: not a packet")
    return len(payload) * 125


def has_fec(codec: Codec, payload: bytes) -> bool:
    """Whether a packet holds the one before it once more."""
    return codec == Codec.OPUS and opus.has_fec(payload)


class Tap(Protocol):
    """Listens to what a codec of 8 or 16 kHz decoded, at its own rate."""

    def hear(self, pcm: Pcm) -> Pcm:
        """Take what was decoded, in order; what is returned is played instead."""

    def miss(self, samples: int) -> None:
        """So much was lost on the way."""


def make_decoder(codec: Codec, tap: Tap | None = None) -> Decoder:
    """A fresh decoder; only codecs in TAPPED_HZ have a tap. Raises KeyError for what is no audio codec."""
    if codec in _LOW_RATE:
        return _LowRateDecoder(_LOW_RATE[codec](), TAPPED_HZ[codec], tap)
    return _DECODERS[codec]()


def make_tapped_decode(codec: Codec) -> Callable[[bytes], Pcm]:
    """What decodes packets at the codec's own rate, TAPPED_HZ; it raises BadPacketError. Raises KeyError for others."""
    return _LOW_RATE[codec]()


def make_encoder(codec: Codec, bitrate_bps: int, complexity: int, expected_loss_percent: int) -> Encoder:
    """A fresh encoder; the numbers matter to Opus only. Raises KeyError for what is no audio codec."""
    if codec == Codec.OPUS:
        return opus.OpusEncoder(bitrate_bps, complexity, expected_loss_percent)
    return _ENCODERS[codec]()


class _LowRateDecoder:
    """A codec of 8 or 16 kHz with concealment and the way up to 48 kHz."""

    def __init__(self, decode: Callable[[bytes], Pcm], rate_hz: int, tap: Tap | None) -> None:
        self._decode = decode
        self._tap = tap
        self._factor = RATE_HZ // rate_hz
        self._repetition = Repetition(rate_hz)
        self._upsampler = Upsampler(self._factor)

    def decode(self, payload: bytes) -> Pcm:
        pcm = self._decode(payload)
        if self._tap is not None:
            pcm = self._tap.hear(pcm)
        return self._upsampler.process(self._repetition.accept(pcm))

    def conceal(self, samples: int) -> Pcm:
        if self._tap is not None:
            self._tap.miss(samples // self._factor)
        return self._upsampler.process(self._repetition.conceal(max(1, samples // self._factor)))

    def recover(self, payload: bytes, samples: int) -> Pcm:  # noqa: ARG002 - these codecs carry no FEC
        return self.conceal(samples)


class _LowRateEncoder:
    """The way down from 48 kHz and a codec of 8 or 16 kHz."""

    def __init__(self, encode: Callable[[Pcm], bytes], rate_hz: int) -> None:
        self._encode = encode
        self._downsampler = Downsampler(RATE_HZ // rate_hz)

    def encode(self, pcm: Pcm) -> bytes:
        return self._encode(self._downsampler.process(pcm))

    def expect_loss(self, percent: int) -> None:
        pass


_DECODERS: dict[Codec, Callable[[], Decoder]] = {
    Codec.OPUS: opus.OpusDecoder,
}
_LOW_RATE: dict[Codec, Callable[[], Callable[[bytes], Pcm]]] = {
    Codec.G722: lambda: g722.G722Decoder().decode,
    Codec.PCMU: lambda: g711.decode_ulaw,
    Codec.PCMA: lambda: g711.decode_alaw,
}
_ENCODERS: dict[Codec, Callable[[], Encoder]] = {
    Codec.G722: lambda: _LowRateEncoder(g722.G722Encoder().encode, g722.RATE_HZ),
    Codec.PCMU: lambda: _LowRateEncoder(g711.encode_ulaw, g711.RATE_HZ),
    Codec.PCMA: lambda: _LowRateEncoder(g711.encode_alaw, g711.RATE_HZ),
}
