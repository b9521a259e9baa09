"""Moving the camera at the far end, and whose it is that somebody's remote control moves (far-end camera control)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

import msgspec

HOLD_S = 0.7
"""A move goes on for so long after it was asked for last; a page whose button is held asks again."""


class CameraMove(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """-1, 0 or 1 on each axis: left or right, down or up, wide or close, near or far. All 0 stops."""

    pan: int = 0
    tilt: int = 0
    zoom: int = 0
    focus: int = 0

    @property
    def is_valid(self) -> bool:
        """Whether every axis has a direction that exists."""
        return {self.pan, self.tilt, self.zoom, self.focus} <= {-1, 0, 1}

    @property
    def is_stop(self) -> bool:
        """Whether nothing is to move any more."""
        return not (self.pan or self.tilt or self.zoom or self.focus)


class Camera(Protocol):
    """The camera of one participant; what a protocol makes of it is its own matter."""

    def move(self, move: CameraMove, hold_s: float = HOLD_S) -> None:
        """Begin to move, go on moving, or stop; it stops by itself so long after the last call."""


def seen_large(viewer: int, people: Collection[int], spoke: Iterable[int]) -> int:
    """Whose camera the remote control of `viewer` is for; 0 for nobody.

    In a room of two the other one's. Else that of who spoke last beside the viewer (`spoke`, the last one first):
    layouts with a big tile show the speaker there, others draw a border around it.
    """
    others = [person for person in people if person != viewer]
    if len(others) == 1:
        return others[0]
    return next((person for person in spoke if person in others), 0)
