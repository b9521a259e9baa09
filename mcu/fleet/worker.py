"""The face of one worker, near or far: commands in, events out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mcu.worker.messages import AnyMessage, ConfigureLeg, LegOpened, Message, OpenLeg


class WorkerError(Exception):
    """A worker could not do what was asked; `reason` is a word for logs and counters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


LegObserver = Callable[[AnyMessage], None]


class Worker(Protocol):
    """The net, video, audio and recorder processes that serve some rooms."""

    async def open_leg(self, request: OpenLeg) -> LegOpened:
        """Reserve ports or ICE credentials. Raises WorkerError."""

    async def configure_leg(self, request: ConfigureLeg) -> None:
        """Apply what was negotiated. Raises WorkerError."""

    async def restart_ice(self, leg: int) -> LegOpened:
        """New ICE credentials for the same leg (RFC 8445 9). Raises WorkerError."""

    def close_leg(self, leg: int) -> None:
        """Free everything the leg holds in the worker; unknown legs are ignored."""

    def observe_leg(self, leg: int, observer: LegObserver) -> None:
        """Call `observer` with LegConnected, LegSilent, KeyframeWanted, Dtmf, LegStats, LegFailed of this leg.

        Several observers may be set for one leg; close_leg forgets them.
        """

    def observe(self, observer: LegObserver) -> None:
        """Call `observer` with Levels, RecordingProgress and RecordingEnded of all rooms of this worker."""

    def send(self, process: str, message: Message) -> None:
        """Tell a process ("net", "video", "audio", "recorder") something; kept and repeated where it was restarted."""


class Fleet(Protocol):
    """Finds and starts workers. LocalFleet is the one on this machine."""

    def next_leg_id(self) -> int:
        """A leg number that was never used since the server started."""

    async def worker_for(self, room: str) -> Worker:
        """The worker that holds `room`, chosen now where none does. Raises WorkerError."""

    def release(self, room: str) -> None:
        """The room is closed; its next conference may live elsewhere."""
