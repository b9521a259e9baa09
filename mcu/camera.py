"""Moving the camera at the far end, as hosts ask for it; what a protocol makes of that is its own matter."""

from __future__ import annotations

from typing import Protocol

import msgspec


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
    """The camera of one participant."""

    def move(self, move: CameraMove) -> None:
        """Begin to move, go on moving, or stop; it stops by itself soon after the last call."""
