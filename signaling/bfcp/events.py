"""What a floor server or a floor participant tells its owner."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FloorRequested:
    """The terminal wants to present: answer with grant() or deny()."""

    request: int


@dataclass(frozen=True, slots=True)
class FloorReleased:
    """The terminal presents no longer, or has given up its request."""

    request: int


@dataclass(frozen=True, slots=True)
class FloorGranted:
    """The terminal, as the server, lets us show it something."""


@dataclass(frozen=True, slots=True)
class FloorLost:
    """The terminal, as the server, refused or took back what we asked for."""


@dataclass(frozen=True, slots=True)
class PeerPresents:
    """The terminal, as the server, has given the floor to its own side, or that has ended."""

    is_presenting: bool


Event = FloorRequested | FloorReleased | FloorGranted | FloorLost | PeerPresents
