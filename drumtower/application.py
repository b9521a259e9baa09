"""The whole server, put together: what needs what, started from the bottom up and stopped from the top down."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack

import msgspec

from config.settings import Settings
from drumtower.capacity import CapacityOffice
from drumtower.certificates import Certificates
from drumtower.dialing import DialOffice
from drumtower.h323 import H323Office, dial_addresses
from drumtower.keyring import master_key, passcode_hasher
from drumtower.network_access import Registrations
from drumtower.network_office import NetworkOffice
from drumtower.portal_office import portal_services
from drumtower.recordings import RecordingOffice
from drumtower.terminals import TerminalOffice
from drumtower.web import WebServer
from mcu.conferences import Conferences
from mcu.fleet.local import LocalFleet
from mcu.fleet.local_worker import LocalWorker
from portal.app import create_app
from signaling.admission import Gate
from signaling.attendant.desk import Desk
from signaling.calls import Calls
from signaling.sip.focus.focus import Focus
from signaling.sip.server import SipServer
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
        self.network = NetworkOffice(settings, self.database, self.master)
        self.hasher = passcode_hasher(settings, self.master)
        self.fleet = LocalFleet([LocalWorker(1, _worker_settings(settings))])
        self.recordings = RecordingOffice(settings, self.database, self.master)
        self.conferences = Conferences(self.fleet, self.recordings.library)
        self.capacity = CapacityOffice(settings, self.conferences, self.fleet)
        self.conferences.spare = self.capacity.load.newcomers_get
        self.gate = self._gate()
        self.calls = Calls(self.conferences, self.capacity.load.settled)
        self.desk = Desk(settings.attendant, self.gate, self.conferences)
        self.certificates = Certificates(settings, self.master)
        self.terminals = TerminalOffice(settings, self.database, self.master, self.network.asked)
        self.dialing = DialOffice(settings, self.master, self.gate, self.fleet)
        self.sip = self._sip_server()
        self.dialing.connect(self.sip, self.terminals, self.conferences)
        self.h323 = self._h323_office()
        self.focus = Focus(self.sip.agent, self.conferences, settings.sip.max_subscriptions)
        self.web = WebServer(create_app(portal_services(self)), settings, self.certificates)
        self._started = AsyncExitStack()

    async def start(self) -> None:
        """Start everything; what was started is stopped again when something fails. Raises OSError, WorkerError, ..."""
        async with AsyncExitStack() as starting:
            await self.database.open()
            starting.push_async_callback(self.database.close)
            await self.recordings.start()
            self.fleet.start()
            starting.push_async_callback(self.fleet.stop)
            starting.push_async_callback(self.conferences.close)
            await self.terminals.start()
            starting.push_async_callback(self.terminals.stop)
            await self.network.start_access(starting, self._registrations(), self.calls, self.h323)
            await self.network.start_ports(starting)
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

    def _gate(self) -> Gate:
        return Gate(
            self.database.rooms,
            self.conferences,
            self.hasher,
            self.settings.gate,
            load=self.capacity.gate_load,
            access=self.network.asked,
        )

    def _sip_server(self) -> SipServer:
        registration = self.terminals.registration
        sip = SipServer(
            self.settings.sip,
            self.gate,
            self.calls,
            self.fleet,
            self.desk,
            tls=self.certificates.sip(),
            identify=registration.identify,
            arrivals=self.dialing.arrivals,
        )
        registration.serve(sip.agent)
        return sip

    def _h323_office(self) -> H323Office:
        h323 = H323Office(
            self.settings,
            self.database,
            self.terminals,
            self.gate,
            self.calls,
            self.fleet,
            self.desk,
            self.network.asked,
        )
        if self.settings.h323.enabled:
            self.dialing.dialer.add(h323.dials())
        return h323

    def _registrations(self) -> dict[str, Registrations]:
        return {"sip": self.terminals.registration.registrations, "h323": self.h323}


def _worker_settings(settings: Settings) -> dict[str, dict[str, object]]:
    tables = {"net": settings.net, "video": settings.video, "audio": settings.audio, "recorder": settings.recording}
    return {name: msgspec.to_builtins(table) for name, table in tables.items()}
