"""802.1X on our own ports, put together: sockets, machines, enforcement, RADIUS and accounting, and the directory."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

from auth8021x.directory.events import EndCause, Ended, Event, LossCause, Revoked
from auth8021x.directory.keeper import DirectoryKeeper
from auth8021x.directory.port_feed import PortFeed
from auth8021x.directory.session import Session, Source
from auth8021x.enforce.drivers import Driver, drivers
from auth8021x.enforce.enforcer import Enforcer
from auth8021x.enforce.together import NullEnforcement, Together
from auth8021x.enforce.whereabouts import Whereabouts
from auth8021x.errors import EnforcementError, PortError
from auth8021x.ports.all_ports import AllPorts, any_vlan
from auth8021x.ports.audit import PortAudit
from auth8021x.ports.carrier_watch import CarrierWatch
from auth8021x.ports.interfaces import exists
from auth8021x.ports.live_port import LivePort
from auth8021x.ports.status import ClientKind, ClientStatus, PortStatus, ServerStatus, Standing
from auth8021x.radius import dynamic_udp
from auth8021x.radius.dynamic_orders import Selector
from auth8021x.radius.dynamic_udp import DynamicSockets
from auth8021x.snooping.last_seen import LastSeen
from auth8021x.snooping.sighting import Sighting
from config.dot1x import Dot1xSettings
from config.dot1x_enforcement import EnforcementSettings, PortSettings, site_of
from drumtower.radius_clients import RadiusClients

logger = logging.getLogger(__name__)

MakeDrivers = Callable[[EnforcementSettings], Sequence[Driver]]


class NetworkPorts:
    """Started after the directory and the embedded RADIUS server, stopped before them.

    It does nothing where the settings name no port ([[dot1x.enforcement.ports]]).
    """

    def __init__(
        self,
        settings: Dot1xSettings,
        data: Path,
        directory: DirectoryKeeper | None,
        make_drivers: MakeDrivers = drivers,
    ) -> None:
        """`directory`: None only where there are no ports; they need a site, and with that there is one."""
        self._settings = settings
        self._directory = directory
        self._make_drivers = make_drivers
        self._radius = RadiusClients(settings, data)
        self._sites = [site.name for site in settings.sites]
        self._ports: dict[str, LivePort] = {}
        self._audits: dict[str, PortAudit] = {}
        self._whereabouts = Whereabouts()
        self._all = AllPorts(())
        self._enforcer: Enforcer | None = None
        self._watch: CarrierWatch | None = None
        self._orders: DynamicSockets | None = None
        self._before: list[Session] = []
        """Sessions on our own ports when we ended: the directory tells of them when it starts."""
        self._stop_observing = directory.observe(self._happened) if directory is not None else _nothing
        self._started = AsyncExitStack()

    async def start(self) -> None:
        """Close all ports, then ask who is there. Raises PortError, SecretFault, OSError: then nothing of it runs."""
        settings = self._settings
        if not settings.enforcement.ports:
            return
        assert self._directory is not None
        async with AsyncExitStack() as starting:
            await self._radius.start()
            starting.push_async_callback(self._radius.stop)
            if settings.enforcement.drivers:
                self._enforcer = await self._enforcing()
                starting.push_async_callback(self._enforcer.stop)
            for number, port in enumerate(settings.enforcement.ports, 1):
                feed = self._open(port, number, self._directory)
                starting.callback(self._ports[port.interface].close)
                starting.callback(feed.stop)
            self._recall()
            has_vlan = self._enforcer.openings.has_vlan if self._enforcer is not None else any_vlan
            self._all = AllPorts(self._ports.values(), has_vlan)
            if settings.dynamic.listen:
                self._orders = DynamicSockets(dynamic_udp.server(settings), self._all, settings)
                starting.callback(self._orders.close)
            starting.callback(self._stop_observing)
            self._watch = CarrierWatch(self._ports, self._carrier)
            starting.callback(self._watch.close)
            self._started = starting.pop_all()
        self._say()

    async def stop(self) -> None:
        """Throw everybody out, tell of it, close all ports; no socket, task or timer is left behind."""
        await self._started.aclose()

    @property
    def order_ports(self) -> list[int]:
        """Where Disconnect and CoA are listened for, in the order of the addresses."""
        return self._orders.ports if self._orders is not None else []

    # ---- for people

    def statuses(self) -> tuple[PortStatus, ...]:
        """Each port with each terminal, in or not, and why."""
        return tuple(self._status(port) for port in self._settings.enforcement.ports if port.interface in self._ports)

    def servers(self) -> tuple[ServerStatus, ...]:
        """The RADIUS servers of [[dot1x.servers]] and whether they answer."""
        return self._radius.servers()

    def clients(self) -> tuple[ClientStatus, ...]:
        """Who may give orders for our ports, in the order of the settings."""
        dynamic = self._settings.dynamic
        excused = self._orders.core.excused if self._orders is not None else Counter[str]()
        return tuple(
            ClientStatus(
                each.name, ClientKind.ORDERS, (each.address,), not each.demands_message_authenticator,
                excused[each.name],
            )
            for each in (dynamic.clients if dynamic.listen else ())
        )  # fmt: skip

    def disconnect(self, mac: bytes) -> bool:
        """End the sessions of a terminal, as a Disconnect-Request does (RFC 5176): it is told, and asked anew.

        False where it has none, on whichever port.
        """
        return self._all.disconnect(Selector(mac=mac)) is None

    # ---- for the metrics

    def counters(self) -> Counter[str]:
        """What was dropped, refused or failed, by reason; cumulative."""
        found = self._radius.counters()
        for port in self._ports.values():
            found.update({f"port-{name}": count for name, count in port.counters().items()})
        found.update({f"port-{name}": count for name, count in self._whereabouts.counters.items()})
        if self._enforcer is not None:
            for counters in (self._enforcer.counters, self._enforcer.openings.counters):
                found.update({f"enforcement-{name}": count for name, count in counters.items()})
        if self._orders is not None:
            found.update({f"orders-{name}": count for name, count in self._orders.core.counters.items()})
        if self._watch is not None:
            found.update(self._watch.carriers.counters)
        if self._audits:
            found["port-audit-suppressed"] = sum(audit.suppressed for audit in self._audits.values())
        return found

    def gauges(self) -> dict[str, int]:
        """How many ports are up, who is in and who is not, servers that answer, records of accounting that wait."""
        if not self._settings.enforcement.ports:
            return {}
        standings = Counter(each.standing for port in self.statuses() for each in port.terminals)
        inside = standings.pop(Standing.IN, 0)
        return {
            "ports": len(self._ports),
            "ports-up": sum(port.is_up for port in self._ports.values()),
            "terminals-in": inside,
            "terminals-out": standings.total(),
            **self._radius.gauges(),
        }

    # ---- putting it together

    async def _enforcing(self) -> Enforcer:
        enforcement = self._settings.enforcement
        made = Enforcer(enforcement, self._make_drivers(enforcement), self._note_kept_out, self._throw_out)
        try:
            await made.start()
        except EnforcementError as error:
            missing = [port.interface for port in self._settings.enforcement.ports if not exists(port.interface)]
            if missing:
                raise PortError(f"802.1X: {', '.join(missing)}: {_NO_INTERFACE}") from error
            raise PortError(f"802.1X: the ports cannot be closed: {error}; {_advice(str(error))}") from error
        return made

    def _open(self, port: PortSettings, number: int, directory: DirectoryKeeper) -> PortFeed:
        site, name = site_of(port, self._sites), port.interface
        audit = self._audits[name] = PortAudit(site, name, time.monotonic)
        last_seen = LastSeen(partial(directory.sighted, site), partial(_is_free, directory, site))
        pae = self._settings.pae
        renews_every_s = pae.re_auth_period_s if pae.reauthenticates else None
        feed = PortFeed(directory, site, self._settings.nas_identifier, renews_every_s)
        closing, addressed = (
            self._enforcer or NullEnforcement(),
            self._enforcer.address if self._enforcer else _unenforced,
        )
        live = LivePort(
            self._settings, name, number, self._radius.asker,
            Together(self._whereabouts, closing, feed, last_seen), self._radius.accounting, last_seen, addressed,
            self._whereabouts, audit.refused,
            partial(self._enforcer.why_not, name) if self._enforcer is not None else None,
        )  # fmt: skip
        try:
            live.open()
        except OSError as error:
            advice = _PORT_ADVICE.get(error.errno or 0, _LOOK) if exists(name) else _NO_INTERFACE
            raise PortError(f"802.1X: port {name}: {error.strerror or error}; {advice}") from error
        self._ports[name] = live
        return feed

    def _note_kept_out(self, port: str, mac: bytes, identity: str, reason: str) -> None:
        self._audits[port].refused(mac, identity, reason)

    def _throw_out(self, port: str, mac: bytes, reason: str) -> None:
        """Not now: the directory has not been told yet that it is in."""
        asyncio.get_running_loop().call_soon(self._keep_out, port, mac, reason)

    def _keep_out(self, port: str, mac: bytes, reason: str) -> None:
        if (live := self._ports.get(port)) is not None:
            live.keep_out(mac, reason)

    def _recall(self) -> None:
        """Who is back after a restart need not say its address first: it would only when its ARP cache is old."""
        for session in self._before:
            port = self._ports.get(session.port)
            for held in session.addresses:
                if port is not None and held.source in _SEEN_HERE:
                    port.sighted(Sighting(session.mac, held.address, held.source))
        self._before.clear()

    def _say(self) -> None:
        enforcement = self._settings.enforcement
        names = ", ".join(self._ports)
        if enforcement.drivers:
            logger.info("802.1X on %s, enforced by %s", names, " and ".join(enforcement.drivers))
        else:
            logger.warning("802.1X on %s keeps nobody out: [dot1x.enforcement] names no driver", names)

    def _carrier(self, name: str, is_up: bool) -> None:
        logger.info("port=%s %s", name, "up" if is_up else "down")
        self._ports[name].carrier(is_up)

    def _happened(self, event: Event) -> None:
        """What an administrator ends in the directory ends at our port, too; and an address is one terminal's."""
        session = event.session
        match event:
            case Ended(cause=EndCause.RESTARTED) if session.is_own:
                self._before.append(session)
            case Ended(cause=EndCause.ORDERED) if session.is_own:
                # Not now: the directory is still telling others of it.
                asyncio.get_running_loop().call_soon(self._end, session)
            case Revoked(held=held, cause=LossCause.TAKEN) if session.is_own and self._enforcer is not None:
                self._enforcer.lose_address(session.port, session.mac, held.address)

    def _end(self, session: Session) -> None:
        self._all.disconnect(Selector(mac=session.mac, session_id=session.session_id))

    def _status(self, port: PortSettings) -> PortStatus:
        live, name = self._ports[port.interface], port.interface
        bridge = self._enforcer.openings.network(name) if self._enforcer is not None else port.bridge
        terminals = live.terminals(self._why_out)
        return PortStatus(name, live.number, site_of(port, self._sites), bridge, live.is_up, terminals)

    def _why_out(self, port: str, mac: bytes) -> str:
        found = self._enforcer.openings.why_out(port, mac) if self._enforcer is not None else None
        return found.value if found is not None else ""


def _is_free(directory: DirectoryKeeper, site: str, mac: bytes, address: str) -> bool:
    known = directory.core.find(site, address)
    return known is None or known.mac == mac


def _unenforced(_port: str, _mac: bytes, _address: str) -> None:
    """Addresses count only where they are enforced."""


def _nothing() -> None:
    """There is no directory to be observed."""


def _advice(trouble: str) -> str:
    if "not installed" in trouble:
        return "install nftables and iproute2"
    if "not permitted" in trouble or "denied" in trouble:
        return _RIGHTS
    return _LOOK


_SEEN_HERE: Final = (Source.ARP, Source.DHCP)
_RIGHTS: Final = "run as root, or give the service CAP_NET_ADMIN and CAP_NET_RAW (AmbientCapabilities)"
_LOOK: Final = "see [[dot1x.enforcement.ports]] and `drumtower doctor`"
_NO_INTERFACE: Final = "there is no such interface: see [[dot1x.enforcement.ports]] and `ip link`"
_PORT_ADVICE: Final = {
    errno.EPERM: _RIGHTS, errno.EACCES: _RIGHTS,
    errno.ENODEV: _NO_INTERFACE, errno.ENXIO: _NO_INTERFACE,
}  # fmt: skip
