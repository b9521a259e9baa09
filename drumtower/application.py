"""The whole server, put together: what needs what, started from the bottom up and stopped from the top down."""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import AsyncExitStack

import msgspec

from config.settings import Settings
from drumtower.capacity import CapacityOffice
from drumtower.certificates import Certificates
from drumtower.dialing import DialOffice
from drumtower.h323 import H323Office, dial_addresses
from drumtower.keyring import master_key, passcode_hasher, relays
from drumtower.metrics import counter_metrics, gauge_metrics, worker_metrics
from drumtower.terminals import TerminalOffice
from drumtower.web import WebServer
from mcu.conferences import Conferences
from mcu.fleet.local import LocalFleet
from mcu.fleet.local_worker import LocalWorker
from portal.app import create_app
from portal.join import add_routes
from portal.services import Services, TerminalServices
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
        """Read or make the master key and wire the parts. Raises KeyFault, CertificateError, OSError."""
        self.settings = settings
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.master = master_key(settings)
        self.database = Database(settings.database_url, settings.store)
        self.hasher = passcode_hasher(settings, self.master)
        self.fleet = LocalFleet([LocalWorker(1, _worker_settings(settings))])
        self.library = Library(self.database.recordings, settings.recordings, self.master, settings.recording)
        self.conferences = Conferences(self.fleet, self.library)
        self.capacity = CapacityOffice(settings, self.conferences, self.fleet)
        self.conferences.spare = self.capacity.load.newcomers_get
        self.gate = Gate(
            self.database.rooms, self.conferences, self.hasher, settings.gate, load=self.capacity.gate_load
        )
        self.calls = Calls(self.conferences, self.capacity.load.settled)
        self.desk = Desk(settings.attendant, self.gate, self.conferences)
        self.certificates = Certificates(settings, self.master)
        self.terminals = TerminalOffice(settings, self.database, self.master)
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
        self.h323 = H323Office(settings, self.database, self.terminals, self.gate, self.calls, self.fleet, self.desk)
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
            ),
            extra_routes=(lambda app: add_routes(app, browsers, signed_in_as),),
        )


def _worker_settings(settings: Settings) -> dict[str, dict[str, object]]:
    tables = {"net": settings.net, "video": settings.video, "audio": settings.audio, "recorder": settings.recording}
    return {name: msgspec.to_builtins(table) for name, table in tables.items()}
