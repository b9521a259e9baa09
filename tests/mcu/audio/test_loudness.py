"""Levels measured from the bytes of G.711 are those that a sender would have told."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.audio import g711
from mcu.audio.loudness import measure
from mcu.audio.opus import OpusDecoder, OpusEncoder, is_empty
from mcu.audio.pcm import Pcm, level_db
from mcu.media import Codec
from mcu.rtp.silence import is_silent
from mcu.worker.channel import Frame

OFF = b"\xf8\xff\xfe"
"""20 ms of digital silence from libopus at any bit rate (restricted low delay)."""
_ENCODE = {Codec.PCMU: g711.encode_ulaw, Codec.PCMA: g711.encode_alaw}


def sine(amplitude: float, samples: int = 160) -> Pcm:
    return (amplitude * np.sin(2 * np.pi * 500 * np.arange(samples) / 8000)).astype(np.float32)


@pytest.mark.parametrize("codec", _ENCODE)
@pytest.mark.parametrize("amplitude", [0.9, 0.1, 0.01, 0.003])
def test_the_level_is_that_of_the_sound(codec: Codec, amplitude: float) -> None:
    sound = sine(amplitude)
    for offset in (0.0, 0.02):
        frame = Frame(1, codec, _ENCODE[codec](sound + np.float32(offset if amplitude > 0.05 else 0.0)))
        assert measure([frame])[0] == pytest.approx(-level_db(sound), abs=1.0)


@pytest.mark.parametrize("codec", _ENCODE)
def test_digital_silence_and_direct_current_are_silent(codec: Codec) -> None:
    frames = [Frame(1, codec, _ENCODE[codec](np.full(160, value, np.float32))) for value in (0.0, 0.3)]
    assert measure(frames) == {0: 127, 1: 127}


def test_each_length_and_law_is_measured_and_nothing_else() -> None:
    quiet, loud = g711.encode_ulaw(sine(0.0003, 80)), g711.encode_alaw(sine(0.1, 240))
    frames = [
        Frame(1, Codec.OPUS, loud),
        Frame(2, Codec.PCMU, quiet),
        Frame(3, Codec.PCMA, loud),
        Frame(4, Codec.PCMU, quiet, level=30),
        Frame(5, Codec.PCMA, b""),
        Frame(6, Codec.PCMU, quiet * 3),
        Frame(7, Codec.G722, loud),
        Frame(8, Codec.OPUS, OFF),
        Frame(9, Codec.OPUS, OFF, level=0),
    ]
    levels = measure(frames)
    assert levels.keys() == {1, 2, 5, 7}
    assert [is_silent(levels[index]) for index in (1, 2, 5, 7)] == [True, False, True, True]


@pytest.mark.parametrize("level_db", [-80.0, -60.0, -30.0])
@pytest.mark.parametrize("bitrate_bps", [6_000, 32_000])
def test_no_opus_of_any_noise_counts_as_a_microphone_that_is_off(level_db: float, bitrate_bps: int) -> None:
    noise = np.random.default_rng(1).normal(0, 10 ** (level_db / 20), (50, 960)).astype(np.float32)
    encoder = OpusEncoder(bitrate_bps, 0)
    assert not measure([Frame(1, Codec.OPUS, encoder.encode(frame)) for frame in noise])


def test_what_opus_makes_of_a_microphone_that_is_off_sounds_like_nothing() -> None:
    assert not np.abs(OpusDecoder().decode(OFF)).max() > 1e-6
    assert not is_empty(b"")
    assert not is_empty(OFF + OFF)
    assert not is_empty(bytes((OFF[0] | 3, 2, 0)))


def test_a_word_at_the_end_of_a_long_packet_is_as_loud_as_in_a_short_one() -> None:
    word = sine(0.003)
    long, short = (g711.encode_ulaw(np.concatenate((np.zeros(pause, np.float32), word))) for pause in (800, 0))
    assert measure([Frame(1, Codec.PCMU, long)])[0] == measure([Frame(1, Codec.PCMU, short)])[0]
    assert not is_silent(measure([Frame(1, Codec.PCMU, long)])[0])
