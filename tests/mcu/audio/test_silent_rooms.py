"""Who is alone hears nothing, whatever was heard before."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.audio.codecs import make_decoder, make_encoder
from mcu.audio.outputs import Output
from mcu.audio.pcm import FRAME_SAMPLES, silence
from mcu.media import Codec


@pytest.mark.parametrize("codec", [Codec.OPUS, Codec.G722, Codec.PCMU, Codec.PCMA])
@pytest.mark.parametrize("tone_hz", [440, 880, 1004, 1240])
def test_silence_after_a_tone_is_silence(codec, tone_hz):
    """At most what the quantizers of G.711 and G.722 make of it: -70 dB."""
    output, listener = Output(1, codec, make_encoder(codec, 32_000, 5, 0)), make_decoder(codec)
    time_s = np.arange(50 * FRAME_SAMPLES) / 48_000
    tone = (0.7 * np.sin(2 * np.pi * tone_hz * time_s)).astype(np.float32).reshape(50, FRAME_SAMPLES)
    heard = []
    for pcm in (*tone, *[silence()] * 150):
        output.hear(pcm)
        output.encode()
        heard.append(listener.decode(output.payload))
    assert max(np.abs(pcm).max() for pcm in heard[25:50]) > 0.5
    assert max(np.abs(pcm).max() for pcm in heard[100:]) < 10 ** (-70 / 20)
