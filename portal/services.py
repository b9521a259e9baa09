"""What the portal needs from the rest of the server; the composition root fills it in."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from aiohttp import web

from audit.event import Audit
from audit.log import LoggingAudit
from auth8021x.directory.session import Session as NetworkSession
from auth8021x.eapserver.recent import Login
from auth8021x.eapserver.unheard import Unheard
from auth8021x.gate.recent import Answer
from auth8021x.ports.status import ClientStatus, PortStatus, ServerStatus
from config.portal import PortalSettings
from crypto.passcode import PasscodeHasher
from mcu.conferences import Conferences
from recorder.library import Library
from signaling.admission import Gate
from signaling.calls import Calls
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


class Network(Protocol):
    """Who is let into the network (IEEE 802.1X), and whom the gate lets call."""

    def sessions(self) -> Sequence[NetworkSession]:
        """All that are live."""

    def answers(self) -> Sequence[Answer]:
        """Whom the gate let in or not of late, newest first."""

    async def end(self, site: str, mac: bytes) -> bool:
        """End a session; False where there is none."""

    async def catch_up(self) -> None:
        """Take it in now who was switched off, so that nobody who is put out is let in again."""

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when a session or an answer is new or another; returns "stop observing"."""


class OwnPorts(Protocol):
    """802.1X on our own ports, and the RADIUS servers that they ask."""

    def statuses(self) -> Sequence[PortStatus]:
        """Each port with each terminal, in or not, and why."""

    def servers(self) -> Sequence[ServerStatus]:
        """The servers, and whether they answer."""

    def clients(self) -> Sequence[ClientStatus]:
        """Who may end and change sessions on them."""

    def disconnect(self, mac: bytes) -> bool:
        """End what a terminal was granted, on whichever port; False where it was granted nothing."""


class OwnRadius(Protocol):
    """The embedded RADIUS server."""

    def refused(self) -> Sequence[Login]:
        """Whom it did not let in of late, newest first."""

    def let_in(self) -> Sequence[Login]:
        """Whom it let in of late, newest first."""

    def clients(self) -> Sequence[ClientStatus]:
        """The switches that may ask it."""

    def unheard(self) -> Sequence[Unheard]:
        """Who asked it and got no answer of late, newest first."""

    def observe_logins(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` with each login; returns "stop observing"."""


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
    calls: Calls
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
    network: Network | None = None
    """None where nothing is known of sessions."""
    ports: OwnPorts | None = None
    """None where no port is ours."""
    radius: OwnRadius | None = None
    """None where no switch may ask the embedded RADIUS server."""
    capacity: Callable[[], Mapping[str, object]] = dict
    """What the machine carries, what of it is used and what newcomers get; {} where nobody knows."""
    health: Mapping[str, HealthCheck] = field(default_factory=dict)
    extra_routes: tuple[Callable[[web.Application], object], ...] = ()
    """Called with the application while it is made: the join page adds itself here."""
    audit: Audit = field(default_factory=lambda: LoggingAudit(logging.getLogger("audit.portal")))
    """Who changed what, and who tried."""
    now: Callable[[], datetime] = _now


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
