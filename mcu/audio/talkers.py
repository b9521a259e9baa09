"""Who is mixed, and who is shown as the active speaker: both with hysteresis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mcu.audio.pcm import SILENT_DB
from mcu.rtp.silence import AUDIBLE_LEVEL

AUDIBLE_DB = -float(AUDIBLE_LEVEL)
"""Quieter sound is nobody's speech."""
KEPT_US = 1_500_000
"""A seat in the mix outlives the last audible frame by this much."""
_YIELDS_AFTER_US = 300_000
"""After this silence a seat is given to somebody who speaks, when no other is free."""
_LOUDER_DB = 6.0
"""By so much a newcomer must be louder than a talker to take the seat of one who is speaking."""
_DOMINANCE_US = 1_500_000
_SMOOTHING = 0.08


class Voice(NamedTuple):
    """One source in one frame: its level in dBov, and whether it is speech rather than noise."""

    level_db: float
    is_speech: bool

    @property
    def is_audible(self) -> bool:
        """Whether it deserves a seat in the mix."""
        return self.level_db > AUDIBLE_DB


@dataclass(slots=True)
class _Seat:
    since_us: int
    heard_us: int
    level_db: float
    is_speech: bool


@dataclass(slots=True, frozen=True)
class Change:
    """Who came into the mix with this frame, and who is in it for the last time."""

    entering: frozenset[int]
    leaving: frozenset[int]


class TalkerSelection:
    """A bounded set of legs that are mixed."""

    def __init__(self, seats: int) -> None:
        self._seats = seats
        self._talkers: dict[int, _Seat] = {}

    @property
    def talkers(self) -> tuple[int, ...]:
        """Who is mixed, loudest first."""
        return tuple(sorted(self._talkers, key=lambda leg: -self._talkers[leg].level_db))

    def update(self, voices: Mapping[int, Voice], now_us: int) -> Change:
        """Take the voices of this frame; a leg that is not among them (left, muted) loses its seat at once."""
        before = set(self._talkers)
        for leg in before - set(voices):
            del self._talkers[leg]
        for leg, voice in voices.items():
            self._follow(leg, voice, now_us)
        leaving = {leg for leg, seat in self._talkers.items() if now_us - seat.heard_us > KEPT_US}
        newcomers = [leg for leg, voice in voices.items() if voice.is_audible and leg not in self._talkers]
        for leg in sorted(newcomers, key=lambda leg: (not voices[leg].is_speech, -voices[leg].level_db)):
            leaving |= self._admit(leg, voices[leg], leaving, now_us)
        entering = set(self._talkers) - before
        for leg in leaving:
            del self._talkers[leg]
        return Change(frozenset(entering), frozenset(leaving))

    def _follow(self, leg: int, voice: Voice, now_us: int) -> None:
        seat = self._talkers.get(leg)
        if seat is None:
            return
        seat.level_db += _SMOOTHING * (max(voice.level_db, -90.0) - seat.level_db)
        seat.is_speech = voice.is_speech
        if voice.is_audible:
            seat.heard_us = now_us

    def _admit(self, leg: int, voice: Voice, leaving: set[int], now_us: int) -> set[int]:
        """Give the newcomer a seat, if need be that of the one returned."""
        evicted: set[int] = set()
        if len(self._talkers) - len(leaving) >= self._seats:
            loser = self._weakest(voice, leaving, now_us)
            if loser is None:
                return evicted
            evicted = {loser}
        self._talkers[leg] = _Seat(now_us, now_us, voice.level_db, voice.is_speech)
        return evicted

    def _weakest(self, newcomer: Voice, leaving: set[int], now_us: int) -> int | None:
        """Whom the newcomer may replace: the longest silent, else mere noise, else one who is clearly quieter."""
        staying = {leg: seat for leg, seat in self._talkers.items() if leg not in leaving}
        silent = [leg for leg, seat in staying.items() if now_us - seat.heard_us >= _YIELDS_AFTER_US]
        if silent:
            return min(silent, key=lambda leg: staying[leg].heard_us)
        if not newcomer.is_speech:
            return None
        noisy = [leg for leg, seat in staying.items() if not seat.is_speech]
        if noisy:
            return min(noisy, key=lambda leg: staying[leg].level_db)
        settled = [
            leg
            for leg, seat in staying.items()
            if now_us - seat.since_us >= KEPT_US and seat.level_db + _LOUDER_DB < newcomer.level_db
        ]
        return min(settled, key=lambda leg: staying[leg].level_db, default=None)


class ActiveSpeaker:
    """The one who is shown: changes when another one dominates for 1.5 s."""

    def __init__(self) -> None:
        self.leg = 0
        self._challenger = 0
        self._since_us = 0
        self._levels: dict[int, float] = {}

    def update(self, voices: Mapping[int, Voice], now_us: int, rests: Callable[[int], bool] = lambda _: False) -> int:
        """Take the voices of this frame; the active speaker, 0 while nobody ever spoke or after they left.

        A leg among no voices has left, or it `rests`: it is here and silent.
        """
        self._levels = {
            leg: self._smooth(leg, voice.level_db if voice.is_speech else SILENT_DB) for leg, voice in voices.items()
        }
        if self.leg not in voices and not rests(self.leg):
            self.leg = 0
        speaking = [leg for leg, voice in voices.items() if voice.is_speech and voice.is_audible]
        loudest = max(speaking, key=lambda leg: self._levels[leg], default=0)
        if loudest in (0, self.leg):
            self._challenger = 0
        elif loudest != self._challenger:
            self._challenger, self._since_us = loudest, now_us
        if self._challenger and (not self.leg or now_us - self._since_us >= _DOMINANCE_US):
            self.leg, self._challenger = self._challenger, 0
        return self.leg

    def _smooth(self, leg: int, level_db: float) -> float:
        known = self._levels.get(leg, SILENT_DB)
        return known + _SMOOTHING * (level_db - known)
