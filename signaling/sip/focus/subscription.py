"""One subscriber to a conference, as its notifier (RFC 6665 4.2, RFC 4575 3), sans-IO."""

from __future__ import annotations

from enum import Enum

from signaling.sip.focus.conference_info import CONTENT_TYPE, ConferenceInfo, full, partial
from signaling.sip.sessions.dialog import Dialog
from signaling.sip.wire.message import Request

EVENT = "conference"
MIN_INTERVAL_S = 5.0  # RFC 4575 3.10
MAX_EXPIRES_S = 3600  # RFC 4575 3.4 takes an hour as default
MIN_EXPIRES_S = 60


class State(Enum):
    """Of a subscription (RFC 6665 4.1.2); what is pending is not needed, because we decide at once."""

    ACTIVE = "active"
    ENDING = "ending"
    """The last NOTIFY is owed, or on its way."""
    TERMINATED = "terminated"


class Subscription:
    """Says what is new, one NOTIFY after the other; the shell sends next_notify() and reports what became of it."""

    def __init__(self, dialog: Dialog, info: ConferenceInfo) -> None:
        self.dialog = dialog
        self.state = State.ACTIVE
        self._info = info
        self._told: ConferenceInfo | None = None
        self._version = 0
        self._expires_at = 0.0
        self._may_tell_at = 0.0
        self._is_asked = True
        self._is_waiting = False
        self._reason = ""

    @property
    def is_terminated(self) -> bool:
        """Whether nothing will ever be sent again."""
        return self.state is State.TERMINATED

    @property
    def info(self) -> ConferenceInfo:
        """The conference as it is now, told or not."""
        return self._info

    def subscribe(self, expires_s: int, now: float) -> None:
        """A SUBSCRIBE was granted: the whole state is told, and changes for `expires_s`; 0 ends it after that."""
        if self.state is not State.ACTIVE:
            return
        self._expires_at = now + expires_s
        self._told = None
        self._is_asked = True
        if expires_s == 0:
            self.end("timeout")

    def update(self, info: ConferenceInfo) -> None:
        """The conference is now like this."""
        self._info = info

    def conference_ended(self) -> None:
        """The room is empty and closed."""
        self._info = self._info.ended
        self.end("noresource")

    def end(self, reason: str) -> None:
        """Tell the last state and stop (RFC 6665 4.1.3: timeout, noresource, deactivated, ...)."""
        if self.state is State.ACTIVE:
            self.state, self._reason = State.ENDING, reason

    def next_notify(self, now: float) -> Request | None:
        """The NOTIFY to send now, if any; afterwards answered() is owed."""
        if not self._is_due(now):
            return None
        remaining = max(0, round(self._expires_at - now))
        is_last = self.state is State.ENDING
        state = f"terminated;reason={self._reason}" if is_last else f"active;expires={remaining}"
        request = self.dialog.request("NOTIFY")
        request.headers.add("Event", EVENT)
        request.headers.add("Subscription-State", state)
        request.headers.add("Content-Type", CONTENT_TYPE)
        request.body = self._document()
        self._is_waiting = True
        self._is_asked = False
        self._may_tell_at = now + MIN_INTERVAL_S
        return request

    def answered(self, status: int) -> None:
        """The NOTIFY was answered (408 where it was not): a subscriber who does not take it is forgotten (4.2.2)."""
        self._is_waiting = False
        if self.state is State.ENDING or status >= 300:
            self.state = State.TERMINATED

    def next_timeout(self) -> float | None:
        """When next_notify may have something; it is also asked after every change."""
        if self.is_terminated or self._is_waiting:
            return None
        if self._told != self._info:
            return min(self._may_tell_at, self._expires_at)
        return self._expires_at

    def _is_due(self, now: float) -> bool:
        if self.is_terminated or self._is_waiting:
            return False
        if now >= self._expires_at:
            self.end("timeout")
        if self.state is State.ENDING or self._is_asked:
            return True
        return self._told != self._info and now >= self._may_tell_at

    def _document(self) -> bytes:
        before, self._told = self._told, self._info
        self._version += 1
        if before is None:
            return full(self._info, self._version)
        return partial(before, self._info, self._version)
