"""The timers of call signalling (Q.931 9.2 as H.225.0 7.5 takes them over), by their names."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from signaling.h323.call.causes import Cause


class Timer(Enum):
    """What is waited for.

    T313, from Connect to its acknowledgement, cannot run: H.225.0 has no Connect acknowledge (7.3.4). T302 and the
    network's timers belong to sides that we are not; T305 and T308 to Disconnect and Release, which H.225.0 leaves out.
    T309 has no work: a call is over when its TCP connection is. T314, T316 to T319 and T321 are of segments, restarts
    and suspended calls, none of which H.323 has. Those of RAS stand in signaling.h323.ras.pending, those of H.245 in
    signaling.h323.h245.
    """

    T301 = "T301"
    """From Alerting to Connect."""
    T303 = "T303"
    """From Setup to any answer."""
    T304 = "T304"
    """From SetupAcknowledge, or digits after it, to CallProceeding."""
    T310 = "T310"
    """From CallProceeding to Alerting, Progress or Connect."""
    T322 = "T322"
    """From StatusEnquiry to Status."""
    CONTROL = "control"
    """From Connect until H.245 has its way; ours, no standard has one."""
    REDIRECTION = "redirection"
    """From our Facility that sends the peer elsewhere until it releases; ours, too."""
    PROCEEDING = "proceeding"
    """From a Setup that is routed until the called terminal says something: shorter than the caller's T303; ours."""
    RELEASE = "release"
    """From the peer's endSessionCommand to its ReleaseComplete, which has the reason; ours, too."""


ANSWER_TIMERS: Final = (Timer.T301, Timer.T303, Timer.T304, Timer.T310)
"""One of them runs while our Setup is not answered."""
ENDINGS: Final[dict[Timer, tuple[Cause, str]]] = {
    Timer.T301: (Cause.NO_ANSWER, ""),
    Timer.T303: (Cause.NO_USER_RESPONDING, "unreachableDestination"),
    Timer.T304: (Cause.TIMER_EXPIRED, ""),
    Timer.T310: (Cause.TIMER_EXPIRED, ""),
}
"""How a call ends for which one of them has ended: cause, and ReleaseCompleteReason where the cause does not say it."""


@dataclass(frozen=True, slots=True)
class TimerSettings:
    """How long each runs."""

    t301_s: float = 180.0
    t303_s: float = 4.0
    t304_s: float = 30.0
    t310_s: float = 60.0
    """Q.931 table 9-2: 30 to 120 s."""
    t322_s: float = 4.0
    control_s: float = 30.0
    redirection_s: float = 10.0
    proceeding_s: float = 2.5
    release_s: float = 2.0

    def seconds(self, timer: Timer) -> float:
        """Of one timer."""
        return float(getattr(self, f"{timer.name.lower()}_s"))


@dataclass(slots=True)
class Timers:
    """Those of one call that run."""

    settings: TimerSettings
    _deadlines: dict[Timer, float] = field(default_factory=dict)

    def start(self, timer: Timer, now: float) -> None:
        """Run it from now on, again where it ran."""
        self._deadlines[timer] = now + self.settings.seconds(timer)

    def wait_on(self, timer: Timer, now: float) -> None:
        """The answer to our Setup has come so far; from here `timer` runs, if it does not yet."""
        self.stop(*(other for other in ANSWER_TIMERS if other is not timer))
        if not self.runs(timer):
            self.start(timer, now)

    def stop(self, *timers: Timer) -> None:
        """They run no longer; all of them where none is named."""
        for timer in timers or tuple(Timer):
            self._deadlines.pop(timer, None)

    def runs(self, timer: Timer) -> bool:
        """Whether it does."""
        return timer in self._deadlines

    def next_timeout(self) -> float | None:
        """When the first of them ends."""
        return min(self._deadlines.values(), default=None)

    def expired(self, now: float) -> list[Timer]:
        """Those that have ended, once."""
        ended = [timer for timer, deadline in self._deadlines.items() if deadline <= now]
        self.stop(*ended) if ended else None
        return ended
