"""The SIP side of the server: takes calls and runs each of them in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from config.sip import SipSettings
from mcu.fleet.worker import Fleet
from signaling.attendant.desk import Desk
from signaling.bfcp.ports import FloorPorts
from signaling.services import Calls, Gate
from signaling.sip.call_handle import IncomingCall
from signaling.sip.calls.call import RoomCall
from signaling.sip.services import Identify, Services
from signaling.sip.transport.tls import TlsContexts
from signaling.sip.trunks.arrivals import Arrivals
from signaling.sip.ua import UserAgent

logger = logging.getLogger(__name__)


class SipServer:
    """Started and stopped by the composition root."""

    def __init__(
        self,
        settings: SipSettings,
        gate: Gate,
        calls: Calls,
        fleet: Fleet,
        desk: Desk | None = None,
        tls: TlsContexts | None = None,
        identify: Identify | None = None,
        arrivals: Arrivals | None = None,
    ) -> None:
        self.services = Services(
            settings,
            gate,
            calls,
            fleet,
            desk,
            identify,
            arrivals,
            FloorPorts(settings.first_floor_port, settings.last_floor_port),
        )
        self._ua = UserAgent(settings, self._call_came, tls)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def agent(self) -> UserAgent:
        """The user agent, for those who serve other methods over the same sockets."""
        return self._ua

    @property
    def counters(self) -> Counter[str]:
        """What was dropped, refused or failed, by reason; cumulative."""
        return self._ua.counters

    @property
    def gauges(self) -> dict[str, int]:
        """Calls, transactions and TCP connections that are open now."""
        return self._ua.gauges

    @property
    def local_addresses(self) -> list[tuple[str, int]]:
        """Where terminals can call, over UDP and TCP alike."""
        return self._ua.local_addresses

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await self._ua.start()
        logger.info("sip listens on %s", ", ".join(f"{host}:{port}" for host, port in self.local_addresses))
        if tls := self._ua.transports.tls_addresses:
            logger.info("sip over TLS listens on %s", ", ".join(f"{host}:{port}" for host, port in tls))

    async def stop(self) -> None:
        """BYE to all; afterwards no task and no socket is left."""
        await self._ua.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _call_came(self, call: IncomingCall) -> None:
        task = asyncio.get_running_loop().create_task(RoomCall(call, self.services).run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
