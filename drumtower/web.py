"""The portal on its addresses: HTTP on loopback, HTTPS with the hospital's or our own certificate elsewhere.

The command line reaches it by a socket in the data directory.
"""

from __future__ import annotations

import logging

from aiohttp import web

from config.settings import Settings
from drumtower import control_socket
from drumtower.certificates import Certificates

logger = logging.getLogger(__name__)
_SHUTDOWN_S = 3.0


class WebServer:
    """Runs an aiohttp application on the configured addresses."""

    def __init__(self, app: web.Application, settings: Settings, certificates: Certificates) -> None:
        self._settings = settings
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        self._certificates = certificates

    @property
    def urls(self) -> list[str]:
        """Where people find the portal."""
        server = self._settings.server
        hosts = [*server.names, *(f"[{address}]" if ":" in address else address for address in server.listen)]
        return [f"{'https' if server.is_https else 'http'}://{host}:{server.http_port}" for host in hosts]

    async def start(self) -> None:
        """Listen. Raises OSError, crypto.ca.CertificateError."""
        server = self._settings.server
        context = self._certificates.https()
        await self._runner.setup()
        for address in server.listen:
            await web.TCPSite(self._runner, address, server.http_port, ssl_context=context).start()
        with control_socket.reachable(self._settings.data) as path:
            await web.UnixSite(self._runner, path).start()
            control_socket.restrict(path)

    async def stop(self) -> None:
        """End all requests and WebSockets."""
        await self._runner.cleanup()
        control_socket.remove(self._settings.data)
