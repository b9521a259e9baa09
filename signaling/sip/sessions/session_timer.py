"""The session timer (RFC 4028): how often a session is refreshed, by whom, and when it is given up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from signaling.errors import SipError
from signaling.sip.sessions.reliable import options
from signaling.sip.wire.message import Headers, Request, Response

OPTION = "timer"
LEAST_S = 90
"""No interval is shorter (RFC 4028 4)."""
_EXPIRES = re.compile(r"(\d{1,9})\s*(?:;(.*))?")

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TimerSettings:
    """`expires_s` is what we ask for, `min_s` the least that we take. No timers with `expires_s` 0."""

    expires_s: int = 1800
    min_s: int = LEAST_S


class Due(Enum):
    """What a session has to do now."""

    NOTHING = auto()
    REFRESH = auto()
    EXPIRED = auto()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the headers of a message say; `refresher` is "uac", "uas" or ""."""

    expires_s: int | None
    min_s: int
    refresher: str
    is_supported: bool


class SessionTimer:
    """Of one session. Every 2xx to an INVITE or UPDATE of either side negotiates anew (7.2, 9)."""

    def __init__(self, settings: TimerSettings) -> None:
        self._settings = settings
        self._min_s = max(settings.min_s, LEAST_S)
        self._refresh_at: float | None = None
        self._expires_at: float | None = None
        self.expires_s = 0
        """The interval; 0 while there is none."""
        self.is_refresher = False

    # ---- requests of ours -------------------------------------------------------------------------------------

    def request_fields(self) -> Fields:
        """Session-Expires and Min-SE for an INVITE or UPDATE of ours; who refreshes now goes on with it (7.4)."""
        if not self._settings.expires_s:
            return ()
        role = f";refresher={'uac' if self.is_refresher else 'uas'}" if self.expires_s else ""
        expires_s = max(self.expires_s or self._settings.expires_s, self._min_s)
        return (("Session-Expires", f"{expires_s}{role}"), ("Min-SE", str(self._min_s)))

    def was_too_small(self, response: Response) -> bool:
        """Take the Min-SE of a 422; whether trying again can help (7.3)."""
        asked = _minimum(response.headers)
        if not self._settings.expires_s or asked <= self._min_s:
            return False
        self._min_s = asked
        return True

    def answered(self, headers: Headers, now: float) -> None:
        """A 2xx to our INVITE or UPDATE (7.2). An interval below what we asked for at least is not taken."""
        try:
            asked = _asked(headers)
        except SipError:
            return
        if asked.expires_s is None or not self._settings.expires_s:
            self.stop()
        else:
            self._start(max(asked.expires_s, self._min_s), asked.refresher != "uas", now)

    # ---- requests of the peer ---------------------------------------------------------------------------------

    def check(self, request: Request) -> None:
        """Raises SipError 422 for an interval that is too small, 400 for a malformed one (9)."""
        asked = _asked(request.headers)
        least_s = max(self._settings.min_s, LEAST_S)
        if asked.expires_s is not None and asked.expires_s < least_s and asked.is_supported:
            raise SipError(422, "Session Interval Too Small", (("Min-SE", str(least_s)),))

    def answer_fields(self, request: Request, now: float) -> Fields:
        """The fields of our 2xx, from whose sending on the time runs (9, table 2)."""
        asked = _asked(request.headers)
        if not self._settings.expires_s or (asked.expires_s is None and not asked.is_supported):
            self.stop()
            return ()
        ours_s = max(self._settings.expires_s, self._settings.min_s, asked.min_s)
        expires_s = ours_s if asked.expires_s is None else min(asked.expires_s, ours_s)
        self._min_s = max(self._min_s, asked.min_s)
        # A peer that knows no timers gets its refreshes from us; else it does what it offered to do.
        refresher = (asked.refresher or "uac") if asked.is_supported else "uas"
        self._start(expires_s, refresher == "uas", now)
        needs = (("Require", OPTION),) if asked.is_supported else ()
        return (("Session-Expires", f"{expires_s};refresher={refresher}"), *needs)

    # ---- time -------------------------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """When due() wants to be asked."""
        return min((time for time in (self._refresh_at, self._expires_at) if time is not None), default=None)

    def due(self, now: float) -> Due:
        """What to do now; a refresh is told once."""
        if self._expires_at is not None and now >= self._expires_at:
            self.stop()
            return Due.EXPIRED
        if self._refresh_at is not None and now >= self._refresh_at:
            self._refresh_at = None
            return Due.REFRESH
        return Due.NOTHING

    def refresh_failed(self, now: float) -> None:
        """Try again halfway to the end."""
        if self.is_refresher and self._expires_at is not None:
            self._refresh_at = now + max((self._expires_at - now) / 2, 1.0)

    def stop(self) -> None:
        """Nothing expires any more."""
        self._refresh_at = self._expires_at = None
        self.expires_s = 0

    def _start(self, expires_s: int, is_refresher: bool, now: float) -> None:
        self.expires_s, self.is_refresher = expires_s, is_refresher
        self._refresh_at = now + expires_s / 2 if is_refresher else None
        self._expires_at = now + expires_s - min(32.0, expires_s / 3)  # 10


def _asked(headers: Headers) -> _Asked:
    supported = options(headers.values("Supported")) | options(headers.values("Require"))
    text = headers.get("Session-Expires").strip()
    if not text:
        return _Asked(None, _minimum(headers), "", OPTION in supported)
    found = _EXPIRES.fullmatch(text)
    if not found:
        raise SipError(400, "Malformed Session-Expires")
    params = dict(part.strip().lower().partition("=")[::2] for part in (found.group(2) or "").split(";"))
    refresher = params.get("refresher", "").strip()
    refresher = refresher if refresher in ("uac", "uas") else ""
    return _Asked(int(found.group(1)), _minimum(headers), refresher, OPTION in supported)


def _minimum(headers: Headers) -> int:
    """Min-SE, 0 where it is absent or no number."""
    found = _EXPIRES.fullmatch(headers.get("Min-SE").strip())
    return int(found.group(1)) if found else 0
