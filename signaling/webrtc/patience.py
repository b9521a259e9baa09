"""How long a seat is kept for a browser that went away: network changes last seconds, closed laptops do not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Patience:
    """When a seat is given up. Times are seconds of any steady clock.

    A lost WebSocket alone: after `socket_s`. Without WebSocket and without media: after `silence_s`, counted from the
    later of the two.
    """

    socket_s: float = 60.0
    silence_s: float = 30.0
    _socket_lost_at: float | None = None
    _silent_since: float | None = None

    @property
    def has_socket(self) -> bool:
        """Whether the page is connected."""
        return self._socket_lost_at is None

    def socket_lost(self, now: float) -> None:
        """The WebSocket is gone."""
        if self._socket_lost_at is None:
            self._socket_lost_at = now

    def socket_back(self) -> None:
        """The page is connected again."""
        self._socket_lost_at = None

    def media_silent(self, since: float) -> None:
        """Nothing was heard on the media path since then."""
        if self._silent_since is None:
            self._silent_since = since

    def media_heard(self) -> None:
        """Media flows."""
        self._silent_since = None

    def next_timeout(self) -> float | None:
        """When the seat is given up, unless something comes back; None while the page is connected."""
        lost = self._socket_lost_at
        if lost is None:
            return None
        deadline = lost + self.socket_s
        if self._silent_since is not None:
            deadline = min(deadline, max(lost, self._silent_since) + self.silence_s)
        return deadline

    def is_over(self, now: float) -> bool:
        """Whether the seat is to be given up."""
        deadline = self.next_timeout()
        return deadline is not None and now >= deadline
