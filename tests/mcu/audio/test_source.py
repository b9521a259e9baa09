"""One source by itself: packet times, direct current, and what it tells of its level."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.audio import g711
from mcu.audio.pcm import TICK_US
from mcu.audio.source import Source
from mcu.media import Codec
from mcu.worker.channel import Frame
from tests.mcu.audio.simulation import START_US, amplitude


def play(ptime_ms: int, sound: np.ndarray, skew_ppm: int = 0) -> tuple[Source, np.ndarray]:
    """Send 8 kHz sound in packets of `ptime_ms`, by a clock that runs faster by `skew_ppm`, and pull it."""
    source, pulled = Source(Codec.PCMU), []
    samples = ptime_ms * 8
    sent, now_us = 0, START_US
    step_us = ptime_ms * 1_000_000_000 // (1_000_000 + skew_ppm)
    while (sent + 1) * samples <= len(sound):
        now_us += TICK_US
        while START_US + (sent + 1) * step_us <= now_us and (sent + 1) * samples <= len(sound):
            payload = g711.encode_ulaw(sound[sent * samples : (sent + 1) * samples])
            arrival_us = START_US + (sent + 1) * step_us
            source.put(Frame(7, Codec.PCMU, payload, sent * samples, sent & 0xFFFF, arrival_us), arrival_us)
            sent += 1
        pulled.append(source.pull(now_us, is_decoded=True).pcm)
    return source, np.concatenate(pulled)


def sine(seconds: float, offset: float = 0.0) -> np.ndarray:
    time_s = np.arange(round(seconds * 8000)) / 8000
    return (0.1 * np.sin(2 * np.pi * 440 * time_s) + offset).astype(np.float32)


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_every_packet_time_plays_without_gaps(ptime_ms: int) -> None:
    source, heard = play(ptime_ms, sine(3))
    assert amplitude(heard[-48_000:], 440) > 0.08
    assert source.stats["underruns"] <= 1
    assert source.desired_delay_us == 0


@pytest.mark.parametrize("skew_ppm", [-1000, 1000])
def test_a_sender_with_another_clock_is_followed(skew_ppm: int) -> None:
    source, heard = play(20, sine(40), skew_ppm)
    assert source.stats["discarded"] == 0
    assert source.stats["underruns"] <= 12
    assert source.playout_us < 80_000
    assert np.abs(np.diff(heard[48_000:])).max() < 0.03


def test_direct_current_is_removed() -> None:
    _, heard = play(20, sine(4, offset=0.2))
    assert abs(float(heard[-48_000:].mean())) < 0.002
