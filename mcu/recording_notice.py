"""What those in a room are told of a disk that fills: minutes while it lasts, then that it is full."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordingNotice:
    """One thing that all see, in the picture and on the page."""

    ends_in_min: int | None = None
    """The recording ends in about so many minutes, because the disk will be full; None: it has."""

    @classmethod
    def of(cls, left_s: float) -> RecordingNotice:
        """What is told of a disk that lasts so long."""
        return cls(max(1, math.ceil(left_s / 60)))

    @property
    def caption(self) -> str:
        """One line for the picture, in both languages: terminals have none of their own."""
        if self.ends_in_min is None:
            return "录制已停止：磁盘已满 · Recording stopped: the disk is full"
        minutes = self.ends_in_min
        return f"磁盘将满，录制约 {minutes} 分钟后停止 · Disk nearly full: {minutes} min of recording left"
