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
from recorder.library import Library
from signaling.admission import Gate
from signaling.dialing import Dialer
from signaling.h323.ras.registration import Registration
from signaling.sip.registry.registrations import Registrations
from signaling.terminals import TerminalBook, TerminalDirectory
from store.recordings import Recordings
from store.rooms import Rooms
from store.sessions import Sessions
from store.users import Users


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


class Endpoints(Protocol):
    """Who is registered with the H.323 gatekeeper."""

    def registrations(self) -> Sequence[Registration]:
        """All of them."""

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when somebody registers or is gone; returns "stop observing"."""


@dataclass(frozen=True, slots=True)
class TerminalServices:
    """Terminals and who of them is registered."""

    book: TerminalBook
    directory: TerminalDirectory
    registrations: Registrations
    """With SIP."""
    endpoints: Endpoints | None = None
    """With H.323; None where it is switched off."""


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
    library: Library
    dial_addresses: Callable[[str], Sequence[str]] = lambda _room: ()
    """How terminals dial a room, such as "sip:1001@192.0.2.5"."""
    is_taken: Callable[[str], bool] = lambda _dialled: False
    """Whether a number or alias belongs to something that is no stored room, such as the test room."""
    terminals: TerminalServices | None = None
    metrics: tuple[MetricSource, ...] = ()
    dialer: Dialer | None = None
    """Calls people and terminals into rooms; None where nothing can be called."""
    trunks: Callable[[], Sequence[Mapping[str, object]]] = lambda: ()
    """State of each trunk."""
    capacity: Callable[[], Mapping[str, object]] = dict
    """What the machine carries, what of it is used and what newcomers get; {} where nobody knows."""
    health: Mapping[str, HealthCheck] = field(default_factory=dict)
    extra_routes: tuple[Callable[[web.Application], object], ...] = ()
    """Called with the application while it is made: the join page adds itself here."""
    now: Callable[[], datetime] = _now


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
