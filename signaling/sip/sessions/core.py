"""What sessions, and the INVITEs within them, need of the user agent core (RFC 3261 6) that keeps them."""

from __future__ import annotations

from typing import Protocol

from signaling.sip.sessions.session_timer import TimerSettings
from signaling.sip.transactions.endpoint import Endpoint
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.uri import Uri


class Core(Protocol):
    """The agent, as they see it."""

    endpoint: Endpoint
    user_agent: str
    timers: TimerSettings

    @property
    def allow(self) -> str:
        """The methods that we take."""

    @property
    def supported(self) -> str:
        """The extensions that we know."""

    def chance(self) -> float:
        """A random number from 0 up to 1."""

    def contact(self, flow: Flow) -> Uri:
        """Our Contact for this peer."""
