"""The portal on its addresses: HTTP on loopback, HTTPS with the hospital's or our own certificate elsewhere."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from config.settings import Settings
from crypto.ca import PrivateCa, ServerCertificate, from_files
from crypto.keys import MasterKey

logger = logging.getLogger(__name__)
_SHUTDOWN_S = 3.0


class WebServer:
    """Runs an aiohttp application on the configured addresses."""

    def __init__(self, app: web.Application, settings: Settings, master: MasterKey) -> None:
        self._settings = settings
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        self._authority = PrivateCa(settings.data / "tls", master)
        self.certificate: ServerCertificate | None = None

    @property
    def urls(self) -> list[str]:
        """Where people find the portal."""
        server = self._settings.server
        hosts = [*server.names, *(f"[{address}]" if ":" in address else address for address in server.listen)]
        return [f"{'https' if server.is_https else 'http'}://{host}:{server.http_port}" for host in hosts]

    @property
    def authority_path(self) -> str:
        """The file that users import once, where the certificate is our own."""
        return str(self._authority.certificate_path)

    async def start(self) -> None:
        """Listen. Raises OSError, crypto.ca.CertificateError."""
        server = self._settings.server
        context = None
        if server.is_https:
            self.certificate = self._obtain()
            context = self.certificate.context()
        await self._runner.setup()
        for address in server.listen:
            await web.TCPSite(self._runner, address, server.http_port, ssl_context=context).start()

    async def stop(self) -> None:
        """End all requests and WebSockets."""
        await self._runner.cleanup()

    def _obtain(self) -> ServerCertificate:
        server = self._settings.server
        if server.tls_certificate:
            return from_files(Path(server.tls_certificate), Path(server.tls_key), now=datetime.now(UTC))
        addresses = [*server.listen, *(entry.external for entry in server.external)]
        return self._authority.ensure(server.names, addresses, now=datetime.now(UTC))
