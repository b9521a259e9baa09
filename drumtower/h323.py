"""H.323 put together: the gatekeeper over the administrator's terminals, and the calls; kept apart from SIP."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial

import msgspec

from config.settings import Settings
from drumtower.terminals import TerminalOffice
from mcu.fleet.worker import Fleet
from signaling.admission import Gate
from signaling.attendant.desk import Desk
from signaling.calls import Calls
from signaling.h323.call_handle import CallHandle
from signaling.h323.calls.services import Identity
from signaling.h323.dialling.plan import H323Dials, World
from signaling.h323.ras.alias import Alias
from signaling.h323.ras.answers import Datagram
from signaling.h323.ras.calls import AdmittedCall
from signaling.h323.ras.events import Answered, Event, Registered, Unregistered
from signaling.h323.ras.own_requests import OwnRequests
from signaling.h323.ras.registration import Registration
from signaling.h323.ras.server import GatekeeperServer
from signaling.h323.registry.accounts import TerminalAccounts
from signaling.h323.registry.admission import ZoneAdmission
from signaling.h323.registry.callers import Callers
from signaling.h323.registry.registration_store import KeptRegistrations
from signaling.h323.registry.rights import RegistrationRights
from signaling.h323.registry.routes import AdmittedRoutes
from signaling.h323.server import H323Server
from signaling.h323.signatures import Signatures
from signaling.network_access import NetworkAccess
from signaling.tries import SourceTries
from store.database import Database

logger = logging.getLogger(__name__)

_REFUSALS = ("failed", "notAvailable", "callCapacityExceeded")
"""Results of a ServiceControlResponse (H.225.0 7.20)."""
_NAMED_AT_MOST = 20
"""Terminals in one line of the log."""


class H323Office:
    """Started after the terminals, stopped before them. Where H.323 is switched off there is nothing behind it."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        terminals: TerminalOffice,
        gate: Gate,
        calls: Calls,
        fleet: Fleet,
        desk: Desk,
        access: NetworkAccess | None = None,
    ) -> None:
        """`access`: whether the network knows who registers and calls; None, and nobody is asked."""
        self._settings = settings.h323
        self._access = access
        self._tries = SourceTries(settings.gate)
        self._directory = terminals.directory
        self._accounts = TerminalAccounts(terminals.directory)
        self._rights = RegistrationRights(settings.h323.authentication, terminals.directory, self._accounts)
        self._kept = KeptRegistrations(database.endpoints)

        async def is_room(dialled: str) -> bool:
            return settings.attendant.is_test_room(dialled) or await database.rooms.find(dialled) is not None

        self._dialing = settings.dialing
        names = self._names = _own_names(settings)
        self._admission = ZoneAdmission(gate, is_room, names, settings.dialing.networks, access)
        self._routes = AdmittedRoutes(gate)
        self._callers = Callers(terminals.directory, self._admitted)
        self._server = H323Server(
            settings.h323,
            gate,
            calls,
            fleet,
            desk,
            signatures=Signatures(settings.h323, self._accounts, SourceTries(settings.gate)),
            identify=self._identify,
            is_registered=self._is_registered,
            own_names=names,
            routes=self._routes,
            call_back=self._call_back,
        )
        self._gatekeeper: GatekeeperServer | None = None
        self._observers: list[Callable[[], None]] = []
        self._stop_observing: Callable[[], None] | None = None

    async def start(self) -> None:
        """Listen, and go on with who was registered. Raises OSError, StoreError."""
        if not self._settings.enabled:
            return
        kept = [registration for registration in await self._kept.load(time.time()) if self._rights.holds(registration)]
        await self._server.start()
        try:
            await self._start_gatekeeper(kept)
        except BaseException:
            await self._server.stop()
            raise
        self._stop_observing = self._directory.observe(self._terminals_changed)
        self._say_who_has_no_key()

    async def stop(self) -> None:
        """End the calls; who is registered stays so over a restart."""
        if not self._settings.enabled:
            return
        if self._stop_observing is not None:
            self._stop_observing()
        await self._admission.stop()
        await self._server.stop()
        if self._gatekeeper is not None:
            await self._gatekeeper.stop()

    def registrations(self) -> Sequence[Registration]:
        """Who is registered now."""
        return self._gatekeeper.registrations() if self._gatekeeper is not None else ()

    def find(self, aliases: Sequence[Alias]) -> Registration | None:
        """The endpoint that is registered under one of these aliases, or with the secret of a terminal so called."""
        found = self._gatekeeper.find(aliases) if self._gatekeeper is not None else None
        accounts = {alias.text.casefold() for alias in aliases}
        return found or next((each for each in self.registrations() if each.account in accounts), None)

    def revoke(self, is_concerned: Callable[[str, str], bool]) -> None:
        """Those that came from somewhere register anew, if they may; asked with the source and the address of ours."""
        if (gatekeeper := self._gatekeeper) is None:
            return
        for found in gatekeeper.registrations():
            if is_concerned(found.source[0], found.local):
                gatekeeper.ask(partial(_unregister, found.identifier))

    async def drop(self, protocols: Collection[str], is_concerned: Callable[[str, str], bool]) -> int:
        """End the calls between terminals, which are in no room, of which one is somewhere; how many."""
        return self._server.drop_routed(is_concerned) if "h323" in protocols else 0

    def dials(self) -> H323Dials:
        """Calls to terminals that are registered here, and to `h323:` addresses."""
        server = self._server
        return H323Dials(World(self._dialing, server.signalling, server.services, self, self._names, self._call_back))

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when somebody registers or is gone; returns "stop observing"."""
        self._observers.append(callback)

        def stop() -> None:
            if callback in self._observers:
                self._observers.remove(callback)

        return stop

    def call_counters(self) -> Counter[str]:
        """What calls counted, for the metrics."""
        return self._server.counters + self._routes.counters

    def call_gauges(self) -> dict[str, int]:
        """Calls and connections that are open."""
        return self._server.gauges if self._gatekeeper is not None else {}

    def counters(self) -> Counter[str]:
        """What the gatekeeper counted, for the metrics."""
        if self._gatekeeper is None:
            return Counter()
        return self._gatekeeper.counters + self._admission.counters

    def gauges(self) -> dict[str, int]:
        """Sizes of the gatekeeper's tables."""
        return self._gatekeeper.gauges if self._gatekeeper is not None else {}

    async def _start_gatekeeper(self, kept: list[Registration]) -> None:
        # Terminals are told the port of call signalling, which may have been any free one.
        port = self._server.local_addresses[0][1]
        settings = msgspec.structs.replace(self._settings, signalling_port=port)
        gatekeeper = GatekeeperServer(
            settings, self._accounts, self._admission, self._observe, self._kept, tries=self._tries, access=self._access
        )
        self._admission.decide = gatekeeper.decide
        await gatekeeper.start(kept)
        self._gatekeeper = self._routes.gatekeeper = gatekeeper
        addresses = ", ".join(f"{host}:{port}" for host, port in gatekeeper.addresses)
        logger.info("gatekeeper listens on %s; %d terminals are registered", addresses, len(self.registrations()))

    def _observe(self, event: Event) -> None:
        if isinstance(event, Registered | Unregistered):
            for observer in list(self._observers):
                observer()
        elif isinstance(event, Answered) and event.request == "serviceControlIndication" and _is_refused(event):
            self._server.signalling.will_not_call_back(event.call_id)

    def _call_back(self, identifier: str, call_id: bytes) -> None:
        if self._gatekeeper is not None:
            self._gatekeeper.ask(lambda own, now: own.call_back(identifier, call_id, now))

    def _terminals_changed(self, revoked: frozenset[str]) -> None:
        """Who lost the right to be registered is told so."""
        gatekeeper = self._gatekeeper
        if gatekeeper is None:
            return
        for found in gatekeeper.registrations():
            if found.account in revoked or not self._rights.holds(found):
                gatekeeper.ask(partial(_unregister, found.identifier))

    def _identify(self, call: CallHandle) -> Identity | None:
        setup = call.setup
        if setup is None:
            return None
        return self._callers.identify(call.account, call.remote, setup.endpoint_identifier, setup.identity.identifier)

    def _admitted(self, identifier: str, call_id: bytes) -> tuple[Registration, AdmittedCall] | None:
        return self._gatekeeper.admitted(identifier, call_id) if self._gatekeeper is not None else None

    def _is_registered(self, host: str) -> bool:
        return any(found.account and found.source[0] == host for found in self.registrations())

    def _say_who_has_no_key(self) -> None:
        old = self._directory.without_key()
        if old:
            more = f" and {len(old) - _NAMED_AT_MOST} more" if len(old) > _NAMED_AT_MOST else ""
            logger.warning(
                "%d terminal(s) have a secret from before H.323; to register with H.323 it has to be set again: %s%s",
                len(old), ", ".join(old[:_NAMED_AT_MOST]), more,
            )  # fmt: skip


def _is_refused(event: Answered) -> bool:
    """Whether a terminal will not do what ServiceControlIndication asked for; many leave the result out."""
    return event.name is None or event.body.get("result", ("started", 0))[0] in _REFUSALS


def _unregister(identifier: str, own: OwnRequests, now: float) -> list[Datagram]:
    return own.unregister(identifier, "reregistrationRequired", now)


def dial_addresses(settings: Settings, room: str) -> list[str]:
    """What an H.323 terminal dials to reach a room (RFC 3508); [] where H.323 is switched off."""
    if not settings.h323.enabled:
        return []
    port = "" if settings.h323.signalling_port == 1720 else f":{settings.h323.signalling_port}"
    hosts = (local.address for local in settings.h323.listen)
    return [f"h323:{room}@{f'[{host}]' if ':' in host else host}{port}" for host in hosts]


def _own_names(settings: Settings) -> frozenset[str]:
    """Everything that names this server in an alias or address."""
    external = (name for local in settings.h323.listen for name in local.names)
    server = settings.server
    return frozenset(name.lower() for name in (settings.h323.gatekeeper_id, *server.names, *server.listen, *external))
