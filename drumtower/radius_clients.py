"""The RADIUS servers, as our own ports use them: questions, accounting kept on disk, and whether they answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from auth8021x.errors import QueueFullError
from auth8021x.pae import nas
from auth8021x.ports.status import ServerStatus
from auth8021x.radius import setup
from auth8021x.radius.accounting import AccountingClient
from auth8021x.radius.accounting_queue import AccountingQueue
from auth8021x.radius.chance import SystemChance
from auth8021x.radius.client import RadiusClient
from auth8021x.radius.journal import Journal
from auth8021x.wire import attribute
from auth8021x.wire.dictionary import AcctStatusType, Type
from config.dot1x import Dot1xSettings, RadiusServerSettings

logger = logging.getLogger(__name__)

_FILE: Final = "records"
_LAST_WORDS_S: Final = 1.0
"""For so long the end of all sessions may take to reach a server; what does not is told after the next start."""
_SESSION_ID_BYTES: Final = 8


class RadiusClients:
    """Started before the ports and stopped after them."""

    def __init__(self, settings: Dot1xSettings, data: Path) -> None:
        self._settings = settings
        directory = settings.accounting.directory
        self._journal = Journal((Path(directory) if directory else data / "accounting") / _FILE)
        self._asker: RadiusClient | None = None
        self._told: RadiusClient | None = None
        self._delivering: asyncio.Task[None] | None = None
        self.accounting: AccountingClient | None = None
        """None where no server is told of sessions."""

    @property
    def asker(self) -> RadiusClient:
        """Asks about terminals; between start() and stop()."""
        assert self._asker is not None
        return self._asker

    async def start(self) -> None:
        """Raises crypto.secret_file.SecretFault, OSError (a certificate of RadSec, or the disk)."""
        async with AsyncExitStack() as starting:
            self._asker = setup.client(self._settings, "authentication")
            starting.callback(self._close)
            if any(each.accounting_port for each in self._settings.servers):
                await self._start_accounting()
            starting.pop_all()

    async def stop(self) -> None:
        """Tell that all sessions are over, and leave no socket and no task behind."""
        if self._delivering is not None and self.accounting is not None:
            self._say(self.accounting, AcctStatusType.ACCOUNTING_OFF)
            if any(each.is_accounting_up for each in self.servers()):
                await _let_out(self.accounting)
            self._delivering.cancel()
            await asyncio.wait([self._delivering])
            self._delivering = None
        self._close()

    # ---- for people

    def servers(self) -> tuple[ServerStatus, ...]:
        """In the order in which they are asked."""
        excused: Counter[str] = Counter()
        for client in self._clients():
            excused.update(client.core.excused)
        return tuple(
            ServerStatus(
                each.name, each.address, each.transport, _is_up(self._asker, each), _is_up(self._told, each),
                not each.demands_message_authenticator, excused[each.name],
            )
            for each in self._settings.servers
        )  # fmt: skip

    def counters(self) -> Counter[str]:
        """What was dropped, refused or given up, by reason; cumulative."""
        found: Counter[str] = Counter()
        for client in self._clients():
            found.update({f"radius-{name}": count for name, count in client.core.counters.items()})
        if self.accounting is not None:
            waiting = self.accounting.queue.counters
            found.update({f"told-{name}": count for name, count in waiting.items()})
        return found

    def gauges(self) -> dict[str, int]:
        """Servers that answer, requests on their way, records that wait."""
        return {
            "servers": len(self._settings.servers),
            "servers-up": sum(each.is_up for each in self.servers()),
            "requests": sum(client.core.in_flight for client in self._clients()),
            "records": 0 if self.accounting is None else len(self.accounting.queue),
        }

    async def _start_accounting(self) -> None:
        self._told = setup.client(self._settings, "accounting")
        accounting = AccountingClient(AccountingQueue(self._settings.accounting), self._journal, self._told)
        await accounting.load()
        self.accounting = accounting
        self._say(accounting, AcctStatusType.ACCOUNTING_ON)
        self._delivering = asyncio.get_running_loop().create_task(accounting.run())
        self._delivering.add_done_callback(_log_end)

    def _say(self, accounting: AccountingClient, status: AcctStatusType) -> None:
        """What holds for the whole machine (RFC 2866 5.1): no session of before goes on."""
        session = attribute.text(Type.ACCT_SESSION_ID, SystemChance().octets(_SESSION_ID_BYTES).hex())
        machine = nas.machine(self._settings.nas_identifier, self._settings.nas_address)
        try:
            accounting.put("", status, (session, *machine))
        except QueueFullError as error:
            logger.error("%s", error)

    def _clients(self) -> list[RadiusClient]:
        return [each for each in (self._asker, self._told) if each is not None]

    def _close(self) -> None:
        for client in self._clients():
            client.close()


async def _let_out(accounting: AccountingClient) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_S):
            await accounting.drained()


def _is_up(client: RadiusClient | None, server: RadiusServerSettings) -> bool:
    """True, too, where it is not asked at all."""
    if client is None or all(server.name != known.name for known in client.core.servers):
        return True
    return client.core.is_up(server.name)


def _log_end(work: asyncio.Task[None]) -> None:
    if not work.cancelled() and work.exception() is not None:
        logger.critical("accounting has ended", exc_info=work.exception())
