"""What an SDP exchange agrees on for floor control (RFC 8856), as values."""

from __future__ import annotations

from dataclasses import dataclass

FLOOR = 1
"""The number of our one floor, the shared screen."""


@dataclass(frozen=True, slots=True)
class LocalFloor:
    """What this end brings: a port for UDP and TCP alike, and the names of conference and terminal on it."""

    port: int
    conference_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class FloorAgreement:
    """One BFCP association."""

    is_server: bool
    """Whether we are the floor control server."""
    conference_id: int
    user_id: int
    floor_id: int
    remote: tuple[str, int] | None
    """Where the peer is; None where SDP names no address that we can reach."""
    is_tcp: bool = False
    connects: bool = False
    """TCP: whether we open the connection (a=setup:active on our side)."""
