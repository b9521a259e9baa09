"""Carries orders to switches: a socket and a retransmission timer for each that is on its way (RFC 5176 2.3).

What waits is kept before it is sent, and until it is settled: a restart in between loses none.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from audit.lines import shown
from auth8021x.audit_lines import AuditLines
from auth8021x.directory.events import Event
from auth8021x.directory.session import Session
from auth8021x.radius.chance import SystemChance
from auth8021x.radius.client import RadiusClient
from auth8021x.radius.client_core import ClientCore
from auth8021x.radius.dynamic_client import DynamicOrders
from auth8021x.radius.dynamic_outcome import Outcome
from auth8021x.radius.request import Server
from auth8021x.radius.setup import shared_secret
from auth8021x.radius.udp import UdpLanes
from auth8021x.switches.kept_orders import KeptOrder, Rows, row_key
from auth8021x.switches.orders import Order, Result, Settled, SwitchOrders
from auth8021x.switches.switch_book import Switch, SwitchBook
from auth8021x.wire import mac_address
from auth8021x.wire.attribute import Attribute
from config.dot1x import Dot1xSettings

logger = logging.getLogger(__name__)

_GOOD: Final = (Result.DONE, Result.GONE)


def secrets_of(settings: Dot1xSettings) -> dict[str, bytes]:
    """Those of the switches, by their names. Raises crypto.secret_file.SecretFault."""
    return {each.name: shared_secret(each.secret_file) for each in settings.switches}


class SwitchCourier:
    """Give happened() to DirectoryKeeper.observe(). Close it."""

    def __init__(
        self, settings: Dot1xSettings, secrets: Mapping[str, bytes], settled: Callable[[Settled], None],
        wall_clock: Callable[[], float] = time.time, rows: Rows | None = None,
    ) -> None:  # fmt: skip
        """`settled` is told what became of orders. `rows`: where those that wait are kept, None for nowhere."""
        self.core = SwitchOrders(SwitchBook(settings.switches))
        self._settings = settings
        self._secrets = secrets
        self._settled = settled
        self._wall_clock = wall_clock
        self._rows = rows
        self._lines = AuditLines(settings.directory.audit_lines_per_minute, time.monotonic)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def happened(self, event: Event) -> None:
        """Something happened in the directory."""
        self.core.happened(event, self._loop.time())
        self._work()

    def change(self, session: Session, change: tuple[Attribute, ...]) -> None:
        """Have its switch change a live session."""
        self.core.change(session, change, self._loop.time())
        self._work()

    def resume(self, kept: KeptOrder) -> None:
        """Carry on with an order of before a restart."""
        now = self._loop.time()
        given_at = now - max(0.0, self._wall_clock() - kept.given_at)
        if self._rows is not None:
            self._rows.remove(kept.key)  # unless it waits still, which is said next
        self.core.resume(kept.session, kept.change, given_at, now)
        self._work()

    def close(self) -> None:
        """Leave no socket, task or timer behind; orders that wait are there at the next start."""
        for task in self._tasks:
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _work(self) -> None:
        now = self._loop.time()
        self._keep(now)
        while (order := self.core.next_order(now)) is not None:
            task = self._loop.create_task(self._carry(order))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        while (settled := self.core.next_event()) is not None:
            self._write(settled)
            self._settled(settled)
        if self._timer is not None:
            self._timer.cancel()
        due = self.core.next_timeout()
        self._timer = None if due is None else self._loop.call_at(due, self._work)

    def _keep(self, now: float) -> None:
        while (change := self.core.next_change()) is not None:
            if self._rows is None:
                continue
            if (order := change.order) is None:
                self._rows.remove(row_key(change.key))
            else:
                given_at = self._wall_clock() - (now - order.given_at)
                self._rows.put(KeptOrder(order.session, order.change, given_at))

    async def _carry(self, order: Order) -> None:
        try:
            outcome = await self._brought(order)
        except Exception:
            # Whatever it is: the place that it has among those on their way would never be free again.
            logger.exception("switch=%s", order.switch)
            outcome = Outcome(is_done=False, has_answer=False)
        self.core.finished(order, outcome, self._loop.time())
        self._work()

    async def _brought(self, order: Order) -> Outcome:
        if self._rows is not None:
            await self._rows.flush()
        client = self._client(order.switch)
        try:
            return await self._ask(DynamicOrders(client, self._wall_clock), order)
        finally:
            client.close()

    async def _ask(self, orders: DynamicOrders, order: Order) -> Outcome:
        words = order.words[0]
        if order.change:
            return await orders.change(str(order.switch), words, order.change)
        return await orders.disconnect(str(order.switch), words)

    def _client(self, switch: Switch) -> RadiusClient:
        """One of its own: there may be a thousand switches, and hardly ever an order."""
        name, settings = switch.settings.name, self._settings
        server = Server(str(switch), self._secrets[name], has_status_server=False, max_lanes=1)
        core = ClientCore([server], settings.timers, SystemChance(), settings.nas_identifier)

        def lanes(owner: RadiusClient, number: int) -> UdpLanes:
            def receive(lane: int, octets: bytes) -> None:
                owner.receive(number, lane, octets)

            return UdpLanes(
                switch.address, switch.settings.port, receive, core.counters, settings.udp_batch,
                settings.max_datagram_bytes,
            )  # fmt: skip

        return RadiusClient(core, lanes)

    def _write(self, settled: Settled) -> None:
        session = settled.session
        cause = "" if settled.error_cause is None else f" {settled.error_cause}"
        self._lines.write(
            logging.INFO if settled.result in _GOOD else logging.WARNING,
            "site=%s mac=%s identity=%r %s at switch %s: %s%s",
            session.site, mac_address.plain(session.mac), shown(session.identity), settled.kind,
            settled.switch or shown(session.nas), settled.result.value, cause,
        )  # fmt: skip
