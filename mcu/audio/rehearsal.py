"""A second of sound through every codec, so that all code is loaded before the process gives up its files."""

from __future__ import annotations

from config.media import AudioSettings
from mcu.audio.codecs import AUDIO_CODECS, RTP_CLOCK_HZ, make_encoder
from mcu.audio.pcm import FRAME_SAMPLES, TICK_US, ramp
from mcu.audio.plane import AudioPlane
from mcu.audio.prompts.library import PromptLibrary
from mcu.media import Kind, stream_id
from mcu.worker.channel import Frame
from mcu.worker.messages import AddAudioLeg

_FRAMES = 50
_LOST_EVERY = 8
_LATE_EVERY = 11


def rehearse(settings: AudioSettings) -> None:
    """Mix a room of one leg a codec, with losses and lateness."""
    plane = AudioPlane(settings, PromptLibrary(()))
    encoders = {leg: make_encoder(codec, 32_000, 0, 5) for leg, codec in enumerate(AUDIO_CODECS, 1)}
    for leg, codec in enumerate(AUDIO_CODECS, 1):
        plane.handle(AddAudioLeg("rehearsal", leg, codec))
    for number in range(_FRAMES):
        now_us = (number + 1) * TICK_US
        for leg, codec in enumerate(AUDIO_CODECS, 1):
            payload = encoders[leg].encode(ramp(-0.9, 0.9, FRAME_SAMPLES))
            timestamp = number * RTP_CLOCK_HZ[codec] // 50
            frame = Frame(stream_id(leg, Kind.AUDIO), codec, payload, timestamp, number, now_us)
            if number % _LOST_EVERY:
                plane.feed([frame], now_us + (60_000 if number % _LATE_EVERY == 0 else 0))
        plane.tick(now_us)
