"""Whether a server is there (RFC 5080 2.2.1, RFC 3539 3.4, RFC 5997 4). Pure."""

from __future__ import annotations

import math

from config.dot1x import RadiusTimers


class Health:
    """One server: taken for alive until it is silent, asked for its status until it is back."""

    def __init__(self, timers: RadiusTimers, has_status_server: bool, now: float = -math.inf) -> None:
        self._timers = timers
        self._has_status_server = has_status_server
        self._heard_at = now
        self._answers = 0
        self.is_up = True
        self.probe_at: float | None = None
        """When a dead server is asked for its status next, or tried again."""

    def heard(self, now: float) -> bool:
        """It has answered a request; True when it was taken for dead until now."""
        self._heard_at = now
        return self._revive()

    def silent(self, sent_at: float, now: float) -> bool:
        """A request that was first sent to it at `sent_at` was not answered; True when it is dead from now on.

        A server that answers others is not dead: it drops what it does not believe, without a word.
        """
        if not self.is_up or self._heard_at >= sent_at:
            return False
        return self.failed(now)

    def failed(self, now: float) -> bool:
        """It cannot be reached; True when it was taken for alive until now."""
        was_up = self.is_up
        self.is_up = False
        self._answers = 0
        if was_up:
            wait_s = self._timers.probe_interval_s if self._has_status_server else self._timers.revive_s
            self.probe_at = now + wait_s
        return was_up

    def probe(self, now: float) -> bool:
        """It is time: True when it is to be asked for its status, False when it is alive again without."""
        self.probe_at = now + self._timers.probe_interval_s
        if not self._has_status_server:
            self._revive()
        return not self.is_up

    def probe_answered(self, now: float) -> bool:
        """It has said its status; True when it is back."""
        self._heard_at = now
        self._answers += 1
        return self._answers >= self._timers.answers_to_revive and self._revive()

    def probe_missed(self) -> None:
        """It has not."""
        self._answers = 0

    def _revive(self) -> bool:
        was_up, self.is_up = self.is_up, True
        self._answers = 0
        self.probe_at = None
        return not was_up
