"""Opus (RFC 6716) through libopus by cffi: PyAV's binding hides concealment, in-band FEC and the controls."""

from __future__ import annotations

import ctypes.util
from pathlib import Path
from typing import Any

import av
import cffi
import numpy as np

from mcu.audio.errors import BadPacketError, LibraryError
from mcu.audio.pcm import FRAME_SAMPLES, RATE_HZ, Pcm

MAX_PACKET_SAMPLES = 5760
"""120 ms, the longest packet (RFC 6716 3.2.5)."""
_MAX_PACKET_BYTES = 1275
"""One frame (RFC 6716 3.2.1)."""
_CONCEAL_STEP = 120
"""Concealment works in steps of 2.5 ms."""

_HYBRID, _CELT_ONLY = 12 << 3, 16 << 3
"""First bytes of packets, RFC 6716 table 2."""
_SILK_FRAMES = (1, 1, 2, 3)
"""In packets of 10, 20, 40 and 60 ms: so many voice activity flags come before the LBRR flag."""
_LEAST_FEC_PERCENT = 10
"""libopus finds no room for FEC in 32 kbit/s where it expects less."""
_APPLICATION_VOIP = 2048
_SET_BITRATE = 4002
_SET_COMPLEXITY = 4010
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS_PERC = 4014
_SET_SIGNAL = 4024
_SIGNAL_VOICE = 3001

_ffi = cffi.FFI()
_ffi.cdef(
    """
    typedef struct OpusEncoder OpusEncoder;
    typedef struct OpusDecoder OpusDecoder;
    const char *opus_get_version_string(void);
    OpusEncoder *opus_encoder_create(int32_t rate, int channels, int application, int *error);
    int opus_encoder_ctl(OpusEncoder *encoder, int request, ...);
    int32_t opus_encode_float(OpusEncoder *encoder, const float *pcm, int samples, unsigned char *data, int32_t size);
    void opus_encoder_destroy(OpusEncoder *encoder);
    OpusDecoder *opus_decoder_create(int32_t rate, int channels, int *error);
    int opus_decode_float(
        OpusDecoder *decoder, const unsigned char *data, int32_t size, float *pcm, int samples, int fec);
    void opus_decoder_destroy(OpusDecoder *decoder);
    int opus_packet_get_nb_samples(const unsigned char *data, int32_t size, int32_t rate);
    """
)


def _open_library() -> Any:
    """The libopus inside PyAV's wheel, which is newer than most systems'; else the system's."""
    bundled = sorted((Path(av.__file__).parent.parent / "av.libs").glob("libopus-*.so*"))
    system = ctypes.util.find_library("opus")
    for candidate in [*map(str, bundled), *([system] if system else []), "libopus.so.0"]:
        try:
            return _ffi.dlopen(candidate)
        except OSError:
            continue
    raise LibraryError("libopus was not found: neither in PyAV's wheel nor on this system (Debian: libopus0)")


_lib = _open_library()


def version() -> str:
    """What libopus calls itself, for doctor and logs."""
    name = _ffi.string(_lib.opus_get_version_string())
    return name if isinstance(name, str) else name.decode()


def packet_samples(payload: bytes) -> int:
    """How long a packet is in 48 kHz samples, from its table of contents (RFC 6716 3.1). Raises BadPacketError."""
    samples = int(_lib.opus_packet_get_nb_samples(payload, len(payload), RATE_HZ)) if payload else 0
    if not 0 < samples <= MAX_PACKET_SAMPLES:
        raise BadPacketError("opus: not a packet")
    return samples


def has_fec(payload: bytes) -> bool:
    """Whether a packet holds the one before it once more (the LBRR flag, RFC 6716 4.2.4); not for rare framings."""
    if len(payload) < 2 or payload[0] >= _CELT_ONLY or payload[0] & 3 > 1:
        return False
    frames_of_20_ms = 1 if payload[0] >= _HYBRID else _SILK_FRAMES[payload[0] >> 3 & 3]
    return bool(payload[1] >> (7 - frames_of_20_ms) & 1)


class OpusEncoder:
    """Encodes mono 20 ms frames."""

    def __init__(self, bitrate_bps: int = 32_000, complexity: int = 5, expected_loss_percent: int = 0) -> None:
        error = _ffi.new("int *")
        encoder = _lib.opus_encoder_create(RATE_HZ, 1, _APPLICATION_VOIP, error)
        if encoder == _ffi.NULL:
            raise LibraryError(f"opus encoder: {error[0]}")
        self._encoder = _ffi.gc(encoder, _lib.opus_encoder_destroy)
        self._out = _ffi.new("unsigned char[]", _MAX_PACKET_BYTES)
        self._set(_SET_BITRATE, bitrate_bps)
        self._set(_SET_COMPLEXITY, complexity)
        self._set(_SET_SIGNAL, _SIGNAL_VOICE)
        self._least_loss_percent = expected_loss_percent
        self._expected_loss_percent = -1
        self.expect_loss(expected_loss_percent)

    def expect_loss(self, percent: int) -> None:
        """Size in-band FEC for so much loss from the next packet on, at least for what it was made for; 0: none."""
        percent = max(percent, self._least_loss_percent)
        if percent:
            percent = max(percent, _LEAST_FEC_PERCENT)
        if percent != self._expected_loss_percent:
            self._expected_loss_percent = percent
            self._set(_SET_INBAND_FEC, int(percent > 0))
            self._set(_SET_PACKET_LOSS_PERC, percent)

    def _set(self, request: int, value: int) -> None:
        if _lib.opus_encoder_ctl(self._encoder, request, _ffi.cast("int32_t", value)) != 0:
            raise LibraryError(f"opus encoder refuses control {request}={value}")

    def encode(self, pcm: Pcm) -> bytes:
        """One packet of one frame of FRAME_SAMPLES."""
        if len(pcm) != FRAME_SAMPLES:
            raise ValueError(f"{len(pcm)} samples in a frame")
        data = np.ascontiguousarray(pcm, np.float32)
        size = _lib.opus_encode_float(
            self._encoder, _ffi.from_buffer("float[]", data.data), FRAME_SAMPLES, self._out, _MAX_PACKET_BYTES
        )
        if size < 0:
            raise LibraryError(f"opus encode: {size}")
        return bytes(_ffi.buffer(self._out, size))


class OpusDecoder:
    """Decodes to 48 kHz mono (libopus mixes stereo down)."""

    def __init__(self) -> None:
        error = _ffi.new("int *")
        decoder = _lib.opus_decoder_create(RATE_HZ, 1, error)
        if decoder == _ffi.NULL:
            raise LibraryError(f"opus decoder: {error[0]}")
        self._decoder = _ffi.gc(decoder, _lib.opus_decoder_destroy)
        self._out = np.zeros(MAX_PACKET_SAMPLES, np.float32)
        # Not of its memoryview: the garbage collector may clear that before what points to it, which ends the process.
        # The stubs of numpy know it for a buffer from Python 3.12 on.
        self._out_pointer = _ffi.from_buffer("float[]", self._out)  # type: ignore[call-overload]

    def decode(self, payload: bytes) -> Pcm:
        """The sound of a packet. Raises BadPacketError."""
        return self._decode(payload, packet_samples(payload), 0)

    def conceal(self, samples: int) -> Pcm:
        """What probably followed the last packet (RFC 6716 4.4)."""
        return self._decode(None, min(MAX_PACKET_SAMPLES, max(1, samples // _CONCEAL_STEP) * _CONCEAL_STEP), 0)

    def recover(self, payload: bytes, samples: int) -> Pcm:
        """The sound of the packet before `payload` from its in-band FEC, concealment where it has none."""
        packet_samples(payload)
        return self._decode(payload, min(MAX_PACKET_SAMPLES, max(1, samples // _CONCEAL_STEP) * _CONCEAL_STEP), 1)

    def _decode(self, payload: bytes | None, samples: int, fec: int) -> Pcm:
        data, size = (_ffi.NULL, 0) if payload is None else (payload, len(payload))
        decoded = int(_lib.opus_decode_float(self._decoder, data, size, self._out_pointer, samples, fec))
        if decoded < 0:
            raise BadPacketError(f"opus: {decoded}")
        return self._out[:decoded].copy()
