"""What the portal needs from the rest of the server; the composition root fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from aiohttp import web

from config.portal import PortalSettings
from crypto.passcode import PasscodeHasher
from mcu.conferences import Conferences
from recorder.library import Verdict
from signaling.admission import Gate
from store.recordings import Recording, Recordings
from store.rooms import Rooms
from store.sessions import Sessions
from store.users import Users


class RecordingReader(Protocol):
    """One recording, opened for watching; clear bytes exist only in what read() returns."""

    @property
    def size(self) -> int:
        """Length of the clear file in bytes."""

    def read(self, start: int, length: int) -> bytes:
        """`length` clear bytes from `start`; blocks, so it is called off the loop. Raises on a broken seal."""

    def close(self) -> None:
        """Free the file."""


class RecordingLibrary(Protocol):
    """Where the recorder's files are found; all methods block and are called off the loop."""

    def open(self, recording: Recording) -> RecordingReader:
        """Open for reading. Raises OSError or the recorder's own error where the file or its key is missing."""

    def verify(self, recording: Recording) -> Verdict:
        """Check every chunk and the hash chain."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One number for /metrics; counters are named without "_total"."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    is_counter: bool = False
    help: str = ""


MetricSource = Callable[[], Iterable[Sample]]
HealthCheck = Callable[[], Awaitable[bool]]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """Everything that handlers use."""

    settings: PortalSettings
    users: Users
    sessions: Sessions
    rooms: Rooms
    recordings: Recordings
    hasher: PasscodeHasher
    gate: Gate
    conferences: Conferences
    library: RecordingLibrary
    dial_addresses: Callable[[str], Sequence[str]] = lambda _room: ()
    """How terminals dial a room, such as "sip:1001@192.0.2.5"."""
    metrics: tuple[MetricSource, ...] = ()
    health: Mapping[str, HealthCheck] = field(default_factory=dict)
    extra_routes: tuple[Callable[[web.Application], object], ...] = ()
    """Called with the application while it is made: the join page adds itself here."""
    now: Callable[[], datetime] = _now


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
