"""Ours for `bench dot1x`: `python -m bench.dot1x_ours authenticator|server SETTINGS` runs until SIGTERM.

The authenticator has one port and no bridge behind it, as has hostapd; the server has one user, in a fresh database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from auth8021x.eapserver.stored_book import SupplicantOffice
from auth8021x.pae.grant import Grant
from auth8021x.pae.nas import NasPort
from auth8021x.pae.port import Port
from auth8021x.ports.eapol_socket import EapolSocket, mac_of
from auth8021x.ports.runner import PortRunner
from auth8021x.radius import setup
from auth8021x.radius.chance import SystemChance
from auth8021x.wire.dictionary import TerminateCause
from bench.dot1x_load import IDENTITY
from config.settings import Settings, load
from crypto.secret import Secret
from drumtower import interpreter
from drumtower.eap_server import EmbeddedRadius
from drumtower.keyring import master_key
from store.database import Database

READY = "ready"
PORT = "port0"
PASSWORD_VARIABLE = "DRUMTOWER_BENCH_PASSWORD"


class NoBridge:
    """Enforces nothing."""

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None:
        """See runner.Enforcement."""

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        """See runner.Enforcement."""


@contextlib.asynccontextmanager
async def authenticator(settings: Settings) -> AsyncIterator[None]:
    """Our port."""
    dot1x = settings.dot1x
    client = setup.client(dot1x, "authentication")
    nas = NasPort(dot1x.nas_identifier, dot1x.nas_address, 1, PORT, mac_of(PORT))
    port = Port(nas, dot1x.pae, SystemChance())
    runner = PortRunner(port, client, NoBridge())
    link = EapolSocket(PORT, runner.receive, port.counters)
    runner.link = link
    runner.carrier(True)
    yield
    runner.close()
    link.close()
    client.close()


@contextlib.asynccontextmanager
async def server(settings: Settings) -> AsyncIterator[None]:
    """Our RADIUS server."""
    database = Database(settings.database_url, settings.store)
    await database.open()
    master = master_key(settings)
    password = Secret(os.environ.pop(PASSWORD_VARIABLE))
    office = SupplicantOffice(database.supplicants, master)
    await office.add(IDENTITY, "", None, password, may_bypass=False, has_md5=True)
    radius = EmbeddedRadius(settings.dot1x, settings.data, database, master)
    await radius.start()
    yield
    await radius.stop()
    await database.close()


_RUNS: dict[str, Callable[[Settings], AbstractAsyncContextManager[None]]] = {
    "authenticator": authenticator,
    "server": server,
}


async def serve(what: str, file: Path) -> None:
    """Run until SIGTERM."""
    async with _RUNS[what](load(file, {"HOME": str(file.parent)})):
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        interpreter.settle()
        print(READY, flush=True)
        await ended.wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
