"""Concealment for codecs that have none: the last pitch period repeated and faded (as ITU-T G.711 Appendix I does)."""

from __future__ import annotations

import numpy as np

from mcu.audio.pcm import Pcm, ramp, silence

_HISTORY_S = 0.04
_SHORTEST_PITCH_S = 0.0025
_LONGEST_PITCH_S = 0.015
_FULL_S = 0.01
_FADE_S = 0.05
"""10 ms at full level, then a fade: after 60 ms nothing is heard any more (G.711 Appendix I.2.6)."""
_OVERLAP_S = 0.004


class Repetition:
    """Remembers what was played and goes on with it when packets are missing, at the rate of the codec."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._history = silence(int(rate_hz * _HISTORY_S))
        self._period = silence(1)
        self._concealed = 0

    def accept(self, pcm: Pcm) -> Pcm:
        """A frame that arrived; after a loss its beginning is blended with the repetition."""
        if self._concealed:
            overlap = min(len(pcm), int(self._rate_hz * _OVERLAP_S))
            fade = ramp(0.0, 1.0, overlap)
            head = self._repeat(overlap) * (1.0 - fade) + pcm[:overlap] * fade
            pcm = np.concatenate((head, pcm[overlap:]))
            self._concealed = 0
        self._remember(pcm)
        return pcm

    def conceal(self, samples: int) -> Pcm:
        """What to play instead of `samples` that are missing."""
        if not self._concealed:
            self._period = self._last_period()
        made = self._repeat(samples)
        self._concealed += samples
        self._remember(made)
        return made

    def _repeat(self, samples: int) -> Pcm:
        position = self._concealed + np.arange(samples)
        gain = np.clip(1.0 - (position / self._rate_hz - _FULL_S) / _FADE_S, 0.0, 1.0)
        repeated: Pcm = (self._period[position % len(self._period)] * gain).astype(np.float32)
        return repeated

    def _remember(self, pcm: Pcm) -> None:
        keep = len(self._history)
        self._history = np.concatenate((self._history, pcm))[-keep:]

    def _last_period(self) -> Pcm:
        """The tail of the history as long as the lag at which the history resembles itself most."""
        shortest, longest = int(self._rate_hz * _SHORTEST_PITCH_S), int(self._rate_hz * _LONGEST_PITCH_S)
        template = self._history[-longest:]
        past = self._history[-2 * longest : -shortest]
        likeness = np.correlate(past, template, "valid")
        power = np.convolve(past * past, np.ones(longest, np.float32), "valid")
        best = int(np.argmax(likeness / np.sqrt(power + 1e-9)))
        return self._history[-(longest - best) :].copy()
