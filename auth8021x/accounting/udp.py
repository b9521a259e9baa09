"""The sockets of the accounting listener (RFC 2866 3: UDP port 1813)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from auth8021x.accounting.server import AccountingClient, AccountingServer
from auth8021x.directory.report import Report
from auth8021x.radius.listening import ListeningSockets
from auth8021x.radius.replies import Source
from auth8021x.radius.setup import shared_secret
from config.dot1x import Dot1xSettings


class Reports(Protocol):
    """Who takes reports: auth8021x.directory.keeper.DirectoryKeeper."""

    def report(self, report: Report) -> bool:
        """Take it; False when it should be told again."""


def server(settings: Dot1xSettings) -> AccountingServer:
    """The core from the settings. Raises crypto.secret_file.SecretFault."""
    listener = settings.listener
    clients = [AccountingClient(each, shared_secret(each.secret_file)) for each in listener.clients]
    return AccountingServer(listener, clients)


class AccountingSockets(ListeningSockets):
    """Listens on addresses of this machine. Close it."""

    def __init__(
        self, core: AccountingServer, reports: Reports, settings: Dot1xSettings,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """Raises OSError when an address or the port cannot be had."""
        self.core = core
        self._reports = reports
        self._wall_clock = wall_clock
        listener = settings.listener
        super().__init__(listener.listen, listener.port, core, settings.udp_batch, settings.max_datagram_bytes)

    def answer(self, octets: bytes, source: Source, now: float) -> bytes | None:
        """An acknowledgement, where the directory has taken what is told."""
        found = self.core.receive(octets, source, now, self._wall_clock())
        if found is None or isinstance(found, bytes):
            return found
        return self.core.acknowledge(found) if self._reports.report(found.report) else None
