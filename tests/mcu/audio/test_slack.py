"""Playout that is later than it must be comes back to where no packet waits for long, and stays there."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from mcu.audio import g711
from mcu.audio.pcm import TICK_US
from mcu.audio.slack import MARGIN_US, Slack
from mcu.audio.source import Source
from mcu.media import Codec
from mcu.worker.channel import Frame
from tests.mcu.audio.simulation import START_US

_PTIME_US, _SAMPLES = 20_000, 160
_QUIET, _TONE = np.zeros(_SAMPLES, np.float32), np.sin(2 * np.pi * np.arange(_SAMPLES) / 16).astype(np.float32) / 10


class Call:
    """One sender whose packets come `phase_us` before a tick and later by what `lateness` says of each."""

    def __init__(
        self, phase_us: int, lateness: Callable[[int], int], sound: np.ndarray = _QUIET, fast_ppm: int = 0
    ) -> None:
        self.source = Source(Codec.PCMU)
        self.heard: list[np.ndarray] = []
        self._phase_us, self._lateness = phase_us, lateness
        self._step_us = _PTIME_US - _PTIME_US * fast_ppm // 1_000_000
        self._payload = g711.encode_ulaw(sound)
        self._air: list[tuple[int, int]] = []
        self._sent = self._ticks = 0

    def run(self, seconds: float) -> None:
        """Go on for so long."""
        for _ in range(round(seconds * 50)):
            self._ticks += 1
            now_us = START_US + self._ticks * TICK_US
            while (due_us := self._due_us(self._sent)) <= now_us:
                self._air.append((due_us + self._lateness(self._sent), self._sent))
                self._sent += 1
            for at_us, number in sorted(each for each in self._air if each[0] <= now_us):
                frame = Frame(7, Codec.PCMU, self._payload, number * _SAMPLES, number & 0xFFFF, at_us)
                self.source.put(frame, at_us)
            self._air = [each for each in self._air if each[0] > now_us]
            self.heard.append(self.source.pull(now_us, is_decoded=True).pcm)

    @property
    def delay_us(self) -> int:
        """From when a sample could be had to when it is played, at the next tick."""
        now_us = START_US + (self._ticks + 1) * TICK_US
        position_us = now_us - self.source._jitter.played_late_us(now_us, self.source._buffered_us)
        return now_us - self._due_us(0) - position_us * self._step_us // _PTIME_US

    def _due_us(self, number: int) -> int:
        return START_US + (number + 1) * self._step_us - self._phase_us


def late_at(*numbers: int, by_us: int = 25_000) -> Callable[[int], int]:
    """Some packets are late."""
    return lambda number: by_us if number in numbers else 0


@pytest.mark.parametrize("phase_us", [500, 4_000, 9_000, 14_000, 19_000])
def test_who_comes_regularly_waits_for_a_tick_and_no_more(phase_us: int) -> None:
    call = Call(phase_us, lambda _: 0)
    call.run(5)
    assert call.delay_us <= TICK_US
    assert call.source.stats["shortened"] == call.source.stats["underruns"] == 0


@pytest.mark.parametrize("phase_us", [500, 4_000, 9_000, 14_000, 19_000])
def test_what_one_late_packet_cost_is_taken_back_in_a_pause(phase_us: int) -> None:
    call = Call(phase_us, late_at(20))
    call.run(1)
    assert call.source.stats["underruns"] > 0
    assert call.delay_us > TICK_US
    call.run(15)
    assert call.delay_us <= 27_000
    before = call.source.stats
    call.run(60)
    assert call.source.stats == before


def test_a_tone_is_cut_at_its_period_and_only_as_often_as_it_takes() -> None:
    call = Call(15_000, late_at(20, 45), _TONE)
    call.run(20)
    assert call.delay_us <= 35_000
    assert call.source.stats["shortened"] <= 4
    after = np.concatenate(call.heard[55:])
    # 500 Hz whose phase jumped would have steeper steps than its own.
    assert np.abs(np.diff(after)).max() < 1.5 * np.abs(np.diff(np.concatenate(call.heard[-50:]))).max()


def test_jitter_is_waited_for_instead_of_cut_off_and_missed_again_and_again() -> None:
    chance = random.Random(3)
    call = Call(9_000, lambda _: chance.randrange(30_000))
    call.run(20)
    before = call.source.stats["underruns"]
    call.run(120)
    assert call.source.stats["underruns"] - before <= 0.01 * 120 * 50
    assert call.delay_us <= 65_000


def test_who_is_late_now_and_then_is_not_cut_each_time() -> None:
    call = Call(2_000, lambda number: 18_000 if number % 250 == 100 else 0)
    call.run(300)
    assert call.source.stats["underruns"] <= 12
    assert call.source.stats["shortened"] <= 12


@pytest.mark.parametrize(
    "phase_us", [5_000, *(pytest.param(phase, marks=pytest.mark.exhaustive) for phase in (200, 2_000, 12_000, 19_000))]
)
@pytest.mark.parametrize("fast_ppm", [-200, 200])
def test_a_clock_that_is_off_is_not_fought_by_cutting(phase_us: int, fast_ppm: int) -> None:
    call = Call(phase_us, lambda _: 0, fast_ppm=fast_ppm)
    call.run(400)
    assert call.source.stats["underruns"] <= 1
    assert call.source.stats["shortened"] == 0
    assert call.delay_us <= 28_000


def test_a_wait_that_grows_is_no_slow_clock() -> None:
    call = Call(14_000, lambda number: 8_000 if 100 <= number < 110 else 0)
    call.run(2)
    assert call.source.desired_delay_us == 0
    call.run(0.4)
    assert call.source.desired_delay_us > 0
    call.run(20)
    assert call.source.desired_delay_us == 0
    assert call.delay_us <= 15_000


def test_slack_is_what_was_left_all_the_time() -> None:
    slack = Slack()
    for _ in range(99):
        slack.note(20_000)
    assert slack.spare_us == 0
    slack.note(12_000)
    assert slack.spare_us == 12_000 - MARGIN_US
    slack.note(7_000)
    assert slack.spare_us == 7_000 - MARGIN_US
    slack.note(0)
    assert slack.spare_us == 0


def test_slack_is_more_patient_after_it_was_wrong() -> None:
    slack = Slack()
    slack.missed()
    for calm in (100, 200, 400):
        for _ in range(calm - 1):
            slack.note(20_000)
        assert slack.spare_us == 0
        slack.note(20_000)
        assert slack.spare_us > 0
        slack.cut()
        assert slack.spare_us == 0
        slack.missed()
