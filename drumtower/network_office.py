"""802.1X of the server: who is let in, by our own ports and RADIUS server or by switches, and who may call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack

from auth8021x.ports.status import ClientStatus
from config.settings import Settings
from crypto.keys import MasterKey
from drumtower.dot1x import AccessOffice, has_directory, is_asking
from drumtower.dot1x_news import News, NewsDesk, gathered
from drumtower.eap_server import EmbeddedRadius
from drumtower.metrics import counter_metrics, excused_metrics, gauge_metrics, port_metrics
from drumtower.network_access import Calls, EndedSessions, Registrations, SessionAccess
from drumtower.network_ports import NetworkPorts
from portal.services import MetricSource
from store.database import Database


class NetworkOffice:
    """Nothing of it does anything where nothing is set."""

    def __init__(self, settings: Settings, database: Database, master: MasterKey) -> None:
        """Raises SecretFault, WeakSecretError."""
        self._settings = dot1x = settings.dot1x
        self._database = database
        self.radius = EmbeddedRadius(dot1x, settings.data, database, master)
        self.access = AccessOffice(dot1x, database, self.radius.refresh) if has_directory(dot1x) else None
        if self.access is not None:
            self.radius.observe(self.access.switches.accounts_changed)
        self.asked = SessionAccess(self.access.gate) if self.access is not None and is_asking(dot1x) else None
        """What registrations and calls ask; None: nobody is asked."""
        self.ports = NetworkPorts(dot1x, settings.data, self.access.directory if self.access else None)

    async def start_access(
        self, starting: AsyncExitStack, registrations: Mapping[str, Registrations], *calls: Calls
    ) -> None:
        """After the registrations were read, so that those of sessions that ended meanwhile go."""
        if self.access is None:
            return
        ended = EndedSessions(self.access.sites, self._settings.gate.protocols, registrations, *calls)
        starting.push_async_callback(ended.stop)
        await self.access.start(ended)
        starting.callback(self.access.stop)

    async def start_ports(self, starting: AsyncExitStack) -> None:
        """Before anybody can call, and stopped after them, so that calls can still be ended in good order."""
        await self.radius.start()
        starting.push_async_callback(self.radius.stop)
        await self.ports.start()
        starting.push_async_callback(self.ports.stop)
        if self._settings.eap_server.clients or self._settings.enforcement.ports:
            news = NewsDesk(self._database.port_sessions, self._news)
            news.start()
            starting.push_async_callback(news.stop)

    def figures(self) -> tuple[MetricSource, ...]:
        """What of it is in /metrics."""
        gauges = "what is there of 802.1X now: sessions, ports, terminals, servers"
        return (
            counter_metrics("dot1x", self._counters, "event", "what 802.1X counted: sessions, gate, ports, RADIUS"),
            gauge_metrics("dot1x_open", self._gauges, "kind", gauges),
            port_metrics(self.ports),
            excused_metrics(lambda: (self.ports.servers(), self._clients())),
        )

    def _news(self) -> News:
        radius = self.radius
        servers = self.ports.servers()
        return gathered(radius.refused(), radius.let_in(), radius.unheard(), servers, self._clients())

    def _clients(self) -> tuple[ClientStatus, ...]:
        return (*self.radius.clients(), *self.ports.clients())

    def _counters(self) -> Counter[str]:
        found: Counter[str] = self.access.counters() if self.access is not None else Counter()
        found.update(self.radius.counters())
        found.update(self.ports.counters())
        return found

    def _gauges(self) -> dict[str, int]:
        return {**(self.access.gauges() if self.access is not None else {}), **self.ports.gauges()}
