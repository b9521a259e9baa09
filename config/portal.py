"""Settings of the portal: sessions, sign-in limits, events and who may read the metrics."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Literal

import msgspec


class PortalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The web pages and the API; addresses and certificates belong to the server, not here."""

    session_idle_s: int = 30 * 60
    """A session without requests ends after this time."""
    session_absolute_s: int = 12 * 3600
    """Every session ends after this time."""

    user_free_failures: int = 5
    """Wrong passwords for one user name before waiting starts."""
    source_free_failures: int = 10
    """Wrong passwords from one address before waiting starts."""
    max_user_delay_s: float = 60.0
    """Bounded low, as anybody can make somebody else wait with wrong passwords."""
    max_source_delay_s: float = 900.0

    max_event_clients: int = 100
    event_queue: int = 64
    """Events that wait for one slow page; over it the page is cut off and connects again."""
    event_interval_s: float = 0.25
    """At most one change of a room is pushed in this time."""

    metrics_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Who may read /metrics without signing in."""

    trusted_proxies: tuple[str, ...] = ()
    """Networks of reverse proxies that are believed whom they speak for; none by default."""
    forwarded_header: Literal["X-Forwarded-For", "Forwarded"] = "X-Forwarded-For"
    """Where they say it (RFC 7239 for the second); the other one is not looked at."""

    def __post_init__(self) -> None:
        for name in ("metrics_networks", "trusted_proxies"):
            for text in getattr(self, name):
                _check_network(name, text)
        if any(ip_network(text, strict=False).prefixlen == 0 for text in self.trusted_proxies):
            raise ValueError("trusted_proxies: name your proxies, not everybody")


def _check_network(name: str, text: str) -> None:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is no address or network") from None
