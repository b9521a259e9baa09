"""The whole server, put together: what needs what, started from the bottom up and stopped from the top down."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import Counter
from contextlib import AsyncExitStack

import msgspec

from config.settings import Settings
from drumtower.capacity import CapacityOffice
from drumtower.certificates import Certificates
from drumtower.dialing import DialOffice
from drumtower.dot1x import AccessOffice, has_directory, is_asking
from drumtower.dot1x_news import News, NewsDesk, gathered
from drumtower.eap_server import EmbeddedRadius
from drumtower.h323 import H323Office, dial_addresses
from drumtower.keyring import master_key, passcode_hasher, relays
from drumtower.metrics import counter_metrics, excused_metrics, gauge_metrics, port_metrics, worker_metrics
from drumtower.network_access import EndedSessions, Registrations, SessionAccess
from drumtower.network_ports import NetworkPorts
from drumtower.terminals import TerminalOffice
from drumtower.web import WebServer
from mcu.conferences import Conferences
from mcu.fleet.local import LocalFleet
from mcu.fleet.local_worker import LocalWorker
from portal.app import create_app
from portal.join import add_routes
from portal.services import MetricSource, Services, TerminalServices
from portal.sessions import signed_in_as
from recorder.library import Library
from signaling.admission import Gate
from signaling.attendant.desk import Desk
from signaling.calls import Calls
from signaling.sip.focus.focus import Focus
from signaling.sip.server import SipServer
from signaling.webrtc.services import Services as BrowserServices
from store.database import Database

logger = logging.getLogger(__name__)


class Application:
    """Everything that `drumtower serve` runs."""

    def __init__(self, settings: Settings) -> None:
        """Read or make the master key and wire the parts.

        Raises KeyFault, SecretFault, WeakSecretError, CertificateError, OSError.
        """
        self.settings = settings
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.master = master_key(settings)
        self.database = Database(settings.database_url, settings.store)
        dot1x = settings.dot1x
        self.eap_server = EmbeddedRadius(dot1x, settings.data, self.database, self.master)
        has_access = has_directory(dot1x)
        self.access = AccessOffice(dot1x, self.database, self.eap_server.refresh) if has_access else None
        if self.access is not None:
            self.eap_server.observe(self.access.switches.accounts_changed)
        asked = SessionAccess(self.access.gate) if self.access is not None and is_asking(dot1x) else None
        self.network_ports = NetworkPorts(dot1x, settings.data, self.access.directory if self.access else None)
        self.hasher = passcode_hasher(settings, self.master)
        self.fleet = LocalFleet([LocalWorker(1, _worker_settings(settings))])
        self.library = Library(self.database.recordings, settings.recordings, self.master, settings.recording)
        self.conferences = Conferences(self.fleet, self.library)
        self.capacity = CapacityOffice(settings, self.conferences, self.fleet)
        self.conferences.spare = self.capacity.load.newcomers_get
        self.gate = Gate(
            self.database.rooms,
            self.conferences,
            self.hasher,
            settings.gate,
            load=self.capacity.gate_load,
            access=asked,
        )
        self.calls = Calls(self.conferences, self.capacity.load.settled)
        self.desk = Desk(settings.attendant, self.gate, self.conferences)
        self.certificates = Certificates(settings, self.master)
        self.terminals = TerminalOffice(settings, self.database, self.master, asked)
        registration = self.terminals.registration
        self.dialing = DialOffice(settings, self.master, self.gate, self.fleet)
        self.sip = SipServer(
            settings.sip,
            self.gate,
            self.calls,
            self.fleet,
            self.desk,
            tls=self.certificates.sip(),
            identify=registration.identify,
            arrivals=self.dialing.arrivals,
        )
        registration.serve(self.sip.agent)
        self.dialing.connect(self.sip, self.terminals, self.conferences)
        self.h323 = H323Office(
            settings, self.database, self.terminals, self.gate, self.calls, self.fleet, self.desk, asked
        )
        if settings.h323.enabled:
            self.dialing.dialer.add(self.h323.dials())
        self.focus = Focus(self.sip.agent, self.conferences, settings.sip.max_subscriptions)
        self.web = WebServer(create_app(self._portal_services()), settings, self.certificates)
        self._started = AsyncExitStack()

    async def start(self) -> None:
        """Start everything; what was started is stopped again when something fails. Raises OSError, WorkerError, ..."""
        async with AsyncExitStack() as starting:
            await self.database.open()
            starting.push_async_callback(self.database.close)
            await self.library.recover()
            self.fleet.start()
            starting.push_async_callback(self.fleet.stop)
            starting.push_async_callback(self.conferences.close)
            await self.terminals.start()
            starting.push_async_callback(self.terminals.stop)
            if self.access is not None:
                await self._start_access(self.access, starting)
            await self._start_ports(starting)
            await self.sip.start()
            starting.push_async_callback(self.sip.stop)
            await self.h323.start()
            starting.push_async_callback(self.h323.stop)
            self.dialing.start()
            starting.push_async_callback(self.dialing.stop)
            starting.callback(self.focus.stop)
            await self.web.start()
            starting.push_async_callback(self.web.stop)
            self.certificates.start()
            starting.push_async_callback(self.certificates.stop)
            await self.fleet.ready()
            self.capacity.start()
            starting.push_async_callback(self.capacity.stop)
            self._started = starting.pop_all()

    async def stop(self) -> None:
        """Say good-bye to all callers, finish recordings, end the processes."""
        await self._started.aclose()

    def dial_addresses(self, room: str) -> list[str]:
        """What a terminal dials to reach a room, by SIP first, then by H.323."""
        port = "" if self.settings.sip.port == 5060 else f":{self.settings.sip.port}"
        hosts = [f"[{address}]" if ":" in address else address for address in self.settings.server.listen]
        return [f"sip:{room}@{host}{port}" for host in hosts] + dial_addresses(self.settings, room)

    async def _start_access(self, access: AccessOffice, starting: AsyncExitStack) -> None:
        """After the registrations were read, so that those of sessions that ended meanwhile go."""
        registrations: dict[str, Registrations] = {
            "sip": self.terminals.registration.registrations,
            "h323": self.h323,
        }
        protocols = self.settings.dot1x.gate.protocols
        ended = EndedSessions(access.sites, protocols, registrations, self.calls, self.h323)
        starting.push_async_callback(ended.stop)
        await access.start(ended)
        starting.callback(access.stop)

    async def _start_ports(self, starting: AsyncExitStack) -> None:
        """Before anybody can call, and stopped after them, so that calls can still be ended in good order."""
        await self.eap_server.start()
        starting.push_async_callback(self.eap_server.stop)
        await self.network_ports.start()
        starting.push_async_callback(self.network_ports.stop)
        if self.settings.dot1x.eap_server.clients or self.settings.dot1x.enforcement.ports:
            news = NewsDesk(self.database.port_sessions, self._network_news)
            news.start()
            starting.push_async_callback(news.stop)

    def _network_news(self) -> News:
        radius, ports = self.eap_server, self.network_ports
        clients = (*radius.clients(), *ports.clients())
        return gathered(radius.refused(), radius.let_in(), radius.unheard(), ports.servers(), clients)

    async def _media_is_well(self) -> bool:
        return all(worker.is_whole for worker in self.fleet.workers)

    async def _disk_has_room(self) -> bool:
        folder = self.settings.recordings if self.settings.recordings.exists() else self.settings.data
        free = await asyncio.to_thread(shutil.disk_usage, folder)
        return free.free >= self.settings.recording.min_free_bytes

    def _portal_services(self) -> Services:
        browsers = BrowserServices(
            self.gate,
            self.fleet,
            self.calls,
            self.conferences,
            self.settings.webrtc,
            dialer=self.dialing.dialer,
            relays=relays(self.settings),
        )
        registration = self.terminals.registration
        return Services(
            settings=self.settings.portal,
            users=self.database.users,
            sessions=self.database.sessions,
            rooms=self.database.rooms,
            recordings=self.database.recordings,
            hasher=self.hasher,
            gate=self.gate,
            conferences=self.conferences,
            calls=self.calls,
            library=self.library,
            dial_addresses=self.dial_addresses,
            is_taken=self.settings.attendant.is_test_room,
            terminals=TerminalServices(
                self.terminals.book,
                self.terminals.directory,
                registration.registrations,
                self.h323 if self.settings.h323.enabled else None,
            ),
            dialer=self.dialing.dialer,
            trunks=self.dialing.trunk_rows,
            network=self.access,
            ports=self.network_ports if self.settings.dot1x.enforcement.ports else None,
            radius=self.eap_server if self.settings.dot1x.eap_server.clients else None,
            capacity=self.capacity.status,
            health={"media": self._media_is_well, "disk": self._disk_has_room},
            metrics=(
                worker_metrics(self.fleet),
                counter_metrics("sip", self.sip.counters, "event", "what the SIP server counted"),
                counter_metrics("attendant", lambda: self.desk.counters, "event", "what the attendant counted"),
                gauge_metrics("attendant_open", self.desk.gauges, "kind", "whom the attendant serves now"),
                gauge_metrics("sip_open", lambda: self.sip.gauges, "kind", "what the SIP server keeps open now"),
                counter_metrics("h323", self.h323.call_counters, "event", "what calls of H.323 counted"),
                gauge_metrics("h323_open", self.h323.call_gauges, "kind", "what H.323 keeps open now"),
                counter_metrics("gatekeeper", self.h323.counters, "event", "what the H.323 gatekeeper counted"),
                gauge_metrics("gatekeeper_open", self.h323.gauges, "kind", "whom the gatekeeper serves now"),
                counter_metrics("registrar", lambda: registration.counters, "event", "what the registrar counted"),
                counter_metrics("dial", lambda: self.dialing.dialer.counters, "event", "what became of calls out"),
                gauge_metrics("dialing", self.dialing.dialer.gauges, "state", "who is being called now"),
                gauge_metrics("trunk", self.dialing.gauges, "what", "trunks: usable, and their calls"),
                gauge_metrics("registered", lambda: registration.gauges, "kind", "who is registered now"),
                gauge_metrics("capacity", self.capacity.load.gauges, "what", "what the machine carries, and does now"),
                *_dot1x_metrics(self.access, self.eap_server, self.network_ports),
            ),
            extra_routes=(lambda app: add_routes(app, browsers, signed_in_as),),
        )


def _dot1x_metrics(
    access: AccessOffice | None, eap_server: EmbeddedRadius, ports: NetworkPorts
) -> tuple[MetricSource, ...]:
    def counters() -> Counter[str]:
        found: Counter[str] = access.counters() if access is not None else Counter()
        found.update(eap_server.counters())
        found.update(ports.counters())
        return found

    def gauges() -> dict[str, int]:
        return {**(access.gauges() if access is not None else {}), **ports.gauges()}

    return (
        counter_metrics("dot1x", counters, "event", "what 802.1X counted: sessions, gate, ports, RADIUS"),
        gauge_metrics("dot1x_open", gauges, "kind", "what is there of 802.1X now: sessions, ports, terminals, servers"),
        port_metrics(ports),
        excused_metrics(lambda: (ports.servers(), (*eap_server.clients(), *ports.clients()))),
    )


def _worker_settings(settings: Settings) -> dict[str, dict[str, object]]:
    tables = {"net": settings.net, "video": settings.video, "audio": settings.audio, "recorder": settings.recording}
    return {name: msgspec.to_builtins(table) for name, table in tables.items()}
