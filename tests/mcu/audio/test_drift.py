"""A sender whose clock is off, over an hour of virtual time: nothing is cut or repeated, sound and picture agree."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.audio.drift import fit
from mcu.audio.pcm import RATE_HZ, TICK_US
from mcu.audio.source import Source
from mcu.media import Codec
from mcu.rtp.capture import PICTURE_LAG_US, LegClock, LipSync, SourceClock
from mcu.rtp.ntp import NtpClock
from mcu.worker.channel import Frame
from tests.mcu.audio.simulation import START_US
from tests.mcu.audio.test_source import play, sine

_PTIME_US, _FRAME_US, _REPORT_US = 60_000, 200_000, 5_000_000
_SOUND_TRIP_US, _PICTURE_TRIP_US = 7_000, 40_000
_SETTLED_US = 20_000_000


class Peer:
    """Sends sound, pictures (those that are looked at) and sender reports, all by a clock that is `ppm` fast."""

    def __init__(self, ppm: int) -> None:
        self.source = Source(Codec.PCMU)
        self.skews_us: list[int] = []
        self._rate = 1 + ppm / 1_000_000
        self._lip_sync = LipSync()
        leg = LegClock()
        self._sound, self._picture = SourceClock(leg, 8_000), SourceClock(leg, 90_000)
        self._wall = NtpClock(1_700_000_000_000_000)
        self._next = {self._send_sound: _PTIME_US, self._send_picture: 0, self._report: 1_000_000}
        self._payload = bytes(_PTIME_US // 125)
        self._number = 0

    def run(self, seconds: int) -> None:
        """Send and play."""
        for now_us in range(TICK_US, seconds * 1_000_000, TICK_US):
            for send, theirs_us in self._next.items():
                while (ours_us := int(theirs_us / self._rate)) <= now_us:
                    theirs_us += send(theirs_us, START_US + ours_us)
                self._next[send] = theirs_us
            self.source.pull(START_US + now_us, is_decoded=False)
            self._lip_sync.playout(self.source.playout_us)

    def _send_sound(self, theirs_us: int, now_us: int) -> int:
        arrival_us = now_us + _SOUND_TRIP_US
        timestamp = (theirs_us - _PTIME_US) // 125 & 0xFFFFFFFF
        capture_us = self._sound.capture_us(timestamp, arrival_us)
        due_us = self._lip_sync.audio_due_us(capture_us)
        frame = Frame(7, Codec.PCMU, self._payload, timestamp, self._number & 0xFFFF, capture_us, due_us)
        self.source.put(frame, arrival_us)
        self._number += 1
        return _PTIME_US

    def _send_picture(self, theirs_us: int, now_us: int) -> int:
        arrival_us = now_us + _PICTURE_TRIP_US
        capture_us = self._picture.capture_us(theirs_us * 9 // 100 & 0xFFFFFFFF, arrival_us)
        shown_us = max(arrival_us, self._lip_sync.video_arrived(capture_us, arrival_us)) + PICTURE_LAG_US
        if now_us > START_US + _SETTLED_US:
            jitter = self.source._jitter
            heard_us = theirs_us + jitter.played_late_us(now_us // TICK_US * TICK_US, self.source._buffered_us)
            self.skews_us.append(shown_us - heard_us)
        return _FRAME_US

    def _report(self, theirs_us: int, now_us: int) -> int:
        del now_us
        ntp = self._wall.ntp(theirs_us)
        self._sound.sender_report(ntp, theirs_us // 125 & 0xFFFFFFFF)
        self._picture.sender_report(ntp, theirs_us * 9 // 100 & 0xFFFFFFFF)
        return _REPORT_US


@pytest.mark.exhaustive
@pytest.mark.parametrize(("ppm", "seconds"), [(-200, 3600), (200, 1200)])
def test_an_hour_with_a_clock_that_is_off(ppm: int, seconds: int) -> None:
    peer = Peer(ppm)
    peer.run(seconds)
    assert peer.source.stats["underruns"] == 0
    assert peer.source.stats["discarded"] == 0
    # What stretching did, it did while the delay of the picture was learnt.
    assert peer.source.stats["shortened"] + peer.source.stats["lengthened"] <= 12
    assert max(abs(skew) for skew in peer.skews_us) <= 40_000
    assert abs(np.mean(peer.skews_us[-500:]) - np.mean(peer.skews_us[:500])) < 10_000


@pytest.mark.parametrize("skew_ppm", [-500, 500])
def test_a_tone_stays_whole_while_a_clock_is_followed(skew_ppm: int) -> None:
    source, heard = play(20, sine(40), skew_ppm)
    assert source.stats["shortened"] + source.stats["lengthened"] + source.stats["underruns"] <= 3
    steady = heard[RATE_HZ * 10 :]
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady))))
    frequencies = np.fft.rfftfreq(len(steady), 1 / RATE_HZ)
    beside = spectrum[(np.abs(frequencies - 440) > 100) & (frequencies > 100) & (frequencies < 3400)]
    assert beside.max() < spectrum.max() / 150


@pytest.mark.parametrize("samples", [959, 961])
@pytest.mark.parametrize("hertz", [440, 3000, 10_000])
def test_a_fitted_frame_is_the_same_sound(samples: int, hertz: int) -> None:
    time_s = np.arange(samples) / RATE_HZ
    fitted = fit(np.sin(2 * np.pi * hertz * time_s).astype(np.float32))
    wanted = np.sin(2 * np.pi * hertz * np.arange(960) * (samples - 1) / 959 / RATE_HZ)
    assert len(fitted) == 960
    assert np.abs(fitted - wanted).max() < 1e-3
    assert (fitted[0], fitted[-1]) == pytest.approx((wanted[0], wanted[-1]), abs=1e-6)
