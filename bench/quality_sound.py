"""The sound of a mix: segmental SNR of what a listener decodes, ours and libopus alone with the same settings.

It is taken from magnitudes of spectra: libopus turns the phases of low tones for speech, which nobody hears, but which
would rule an SNR of samples.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench import voices
from bench.report import Pair, Result
from config.media import AudioSettings
from mcu.audio.opus import OpusDecoder, OpusEncoder
from mcu.audio.pcm import FRAME_SAMPLES, RATE_HZ, TICK_US, Pcm
from mcu.audio.plane import AudioPlane
from mcu.audio.prompts.library import PromptLibrary
from mcu.media import Codec, Kind, stream_id
from mcu.worker.channel import Frame
from mcu.worker.messages import AddAudioLeg, AssignAudio

_TALKERS = 3
_RMS = 0.05
_START_US = 1_000_000_000
_ARRIVAL_US = 12_000
"""After the grid of ticks: packets wait 8 ms for theirs."""
_WARM_UP_S = 10
"""Gain control has settled then."""
_LONGEST_DELAY = RATE_HZ // 10
_SEGMENT = FRAME_SAMPLES
_BINS = 160
"""Up to 8 kHz."""
_FLOOR_DB, _CEILING_DB = -10.0, 35.0
"""Usual bounds of a segment, so that pauses and perfect moments do not rule the mean."""
_GATE_DB = 0.5
_SETTINGS = AudioSettings()
_NOTES = (
    f"{_TALKERS} voices, Opus {_SETTINGS.opus_bitrate_bps // 1000} kbit/s complexity {_SETTINGS.opus_complexity} up "
    "and down; reference: the sum of the voices as recorded, magnitudes up to 8 kHz, gain of each 20 ms matched on "
    "both sides; ours: jitter buffer, levels, mix and encoders of the plane on a virtual clock; baseline: libopus "
    "decodes, samples are added, libopus encodes; void unless every voice is heard"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """One case; it is the same each time, so one pair says it."""
    del runs
    length = min(seconds, 20.0)
    sounds = [voices.voice(number, _RMS) for number in range(_TALKERS)]
    packets = [voices.opus_packets(sound, _SETTINGS.opus_bitrate_bps, _SETTINGS.opus_complexity) for sound in sounds]
    reference = np.tile(np.sum(sounds, axis=0), 4).astype(np.float32)
    ticks = round((_WARM_UP_S + length) * 50)
    ours, theirs = _ours(packets, ticks), _theirs(packets, ticks)
    kept = round(length * RATE_HZ)
    first, second = (segmental_snr_db(reference, sound, kept) for sound in (ours, theirs))
    unheard = voices.missing(ours[-kept:], range(_TALKERS))
    pair = Pair(first, second, {"worse_by_db": second - first})
    void = f"voices {unheard} are not heard" if unheard else ""
    yield Result(
        "quality", "sound, segmental SNR of a mixed voice", "dB", [pair], _GATE_DB, _NOTES, void, "worse_by_db"
    )


def _ours(packets: list[list[bytes]], ticks: int) -> Pcm:
    """What a listener of the audio plane decodes."""
    plane = AudioPlane(_SETTINGS, PromptLibrary(("en",)))
    listener = len(packets) + 1
    for leg in range(1, listener + 1):
        plane.handle(AddAudioLeg("9000", leg, Codec.OPUS))
    decoder, heard, output = OpusDecoder(), [], 0
    for tick in range(ticks):
        now_us = _START_US + tick * TICK_US
        for leg, sent in enumerate(packets, 1):
            payload = sent[tick % len(sent)]
            frame = Frame(stream_id(leg, Kind.AUDIO), Codec.OPUS, payload, tick * FRAME_SAMPLES, tick, now_us)
            plane.feed([frame], now_us + _ARRIVAL_US)
        produced = plane.tick(now_us + TICK_US)
        for message in produced.messages:
            if isinstance(message, AssignAudio) and message.leg == listener:
                output = message.output
        heard += [decoder.decode(frame.payload) for frame in produced.frames if frame.stream == output]
    return np.concatenate(heard)


def _theirs(packets: list[list[bytes]], ticks: int) -> Pcm:
    """The same by libopus and additions alone."""
    decoders = [OpusDecoder() for _ in packets]
    encoder = OpusEncoder(_SETTINGS.opus_bitrate_bps, _SETTINGS.opus_complexity)
    decoder, heard = OpusDecoder(), []
    for tick in range(ticks):
        decoded = [each.decode(sent[tick % len(sent)]) for each, sent in zip(decoders, packets, strict=True)]
        heard.append(decoder.decode(encoder.encode(np.sum(decoded, axis=0).astype(np.float32))))
    return np.concatenate(heard)


def segmental_snr_db(reference: Pcm, sound: Pcm, samples: int) -> float:
    """Mean over 20 ms segments of the last `samples` of `sound`, after its delay was found."""
    end = len(sound) // _SEGMENT * _SEGMENT
    tail = sound[end - samples : end].astype(np.float64)
    start = (end - samples) % (RATE_HZ * voices.LENGTH_S) + RATE_HZ * voices.LENGTH_S
    delay = _delay(reference, tail, start)
    wanted = _magnitudes(reference[start - delay : start - delay + samples])
    heard = _magnitudes(tail)
    gain = (wanted * heard).sum(axis=1) / ((wanted**2).sum(axis=1) + 1e-12)
    signal = gain[:, None] * wanted
    ratio = (signal**2).sum(axis=1) / (((heard - signal) ** 2).sum(axis=1) + 1e-12)
    return float(np.clip(10 * np.log10(ratio + 1e-12), _FLOOR_DB, _CEILING_DB).mean())


def _magnitudes(sound: np.ndarray) -> np.ndarray:
    window = np.hanning(_SEGMENT)
    spectrum: np.ndarray = np.abs(np.fft.rfft(sound.astype(np.float64).reshape(-1, _SEGMENT) * window))
    return spectrum[:, :_BINS]


def _delay(reference: Pcm, tail: np.ndarray, start: int) -> int:
    """By how many samples `tail` is later than the reference from `start` on."""
    piece = tail[:RATE_HZ]
    past = reference[start - _LONGEST_DELAY : start + len(piece)].astype(np.float64)
    likeness = np.fft.irfft(np.fft.rfft(past) * np.conj(np.fft.rfft(piece, len(past))), len(past))
    return _LONGEST_DELAY - int(np.argmax(likeness[: _LONGEST_DELAY + 1]))
