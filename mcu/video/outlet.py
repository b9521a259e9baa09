"""The way from the video process to net: replaced when net restarts, written by the thread that ticks."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable

from mcu.worker.channel import Channel, ChannelClosed, Frame
from mcu.worker.messages import RequestKeyframe


class Outlet:
    """One thread reads `channel`, another one sends; the lock is around every write and replacement."""

    def __init__(self) -> None:
        self.channel: Channel | None = None
        self.drops: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Readable when something waits to be written: see acknowledge()."""
        return self._wake

    @property
    def wants_write(self) -> bool:
        """Whether flush() has something to do once the channel is writable."""
        return self.channel is not None and self.channel.wants_write

    def replace(self, channel: Channel | None) -> None:
        """Talk to this one from now on; the old one is closed."""
        with self._lock:
            if self.channel is not None:
                self.drops.update(self.channel.drops)
                self.channel.close()
            self.channel = channel

    def send(self, frames: Iterable[Frame], sources: Iterable[int]) -> list[int]:
        """Send frames, and ask for keyframes of `sources`; the renditions that lost a frame and need a keyframe."""
        lost = []
        with self._lock:
            if self.channel is None:
                self.drops["no_net"] += sum(1 for _ in frames)
                return []
            try:
                for stream in sources:
                    self.channel.send(RequestKeyframe(stream))
                lost = [frame.stream for frame in frames if not self.channel.send_frame(frame)]
            except ChannelClosed:
                self.drops["no_net"] += 1
            if self.channel.wants_write:
                os.eventfd_write(self._wake, 1)
        return lost

    def acknowledge(self) -> None:
        """The reading thread saw that something waits."""
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            pass

    def flush(self) -> None:
        """Write what waits. Raises ChannelClosed."""
        with self._lock:
            if self.channel is not None:
                self.channel.flush()

    def counters(self) -> dict[str, int]:
        """What was dropped on the way to net, by reason."""
        drops = self.drops + (self.channel.drops if self.channel else Counter())
        return {f"frames_dropped_{reason.replace('-', '_')}": count for reason, count in drops.items()}
