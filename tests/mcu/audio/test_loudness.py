"""Levels measured from the bytes of G.711 are those that a sender would have told."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.audio import g711
from mcu.audio.loudness import measure
from mcu.audio.pcm import Pcm, level_db
from mcu.media import Codec
from mcu.rtp.silence import is_silent
from mcu.worker.channel import Frame

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
    ]
    levels = measure(frames)
    assert levels.keys() == {1, 2, 5}
    assert [is_silent(levels[index]) for index in (1, 2, 5)] == [True, False, True]


def test_a_word_at_the_end_of_a_long_packet_is_as_loud_as_in_a_short_one() -> None:
    word = sine(0.003)
    long, short = (g711.encode_ulaw(np.concatenate((np.zeros(pause, np.float32), word))) for pause in (800, 0))
    assert measure([Frame(1, Codec.PCMU, long)])[0] == measure([Frame(1, Codec.PCMU, short)])[0]
    assert not is_silent(measure([Frame(1, Codec.PCMU, long)])[0])
