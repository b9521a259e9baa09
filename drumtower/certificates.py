"""The certificates of the running server, for HTTPS and SIP over TLS alike, and their renewal without a restart."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.settings import Settings
from crypto.ca import CertificateError, PrivateCa, ServerCertificate, from_files
from crypto.keys import MasterKey
from signaling.sip.transport.tls import TlsContexts, client_context

logger = logging.getLogger(__name__)
_LOOK_S = 30.0
_RENEW_S = 3600.0
"""So often our own certificate is looked at for whether it has to be made anew."""

Obtain = Callable[[], ServerCertificate]
_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(slots=True)
class _Served:
    """One certificate, and the contexts that show it."""

    obtain: Obtain
    current: ServerCertificate
    contexts: list[ssl.SSLContext]
    stamp: _Stamp


class Certificates:
    """One for the server. `start()` keeps what was given out up to date until `stop()`."""

    def __init__(self, settings: Settings, master: MasterKey) -> None:
        self._settings = settings
        self._authority = PrivateCa(settings.data / "tls", master)
        self._served: dict[str, _Served] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_asked = asyncio.Event()

    @property
    def authority_path(self) -> str:
        """The file that users import once, where the certificate is our own."""
        return str(self._authority.certificate_path)

    @property
    def of_server(self) -> ServerCertificate | None:
        """The certificate of the portal, None without HTTPS."""
        served = self._served.get("server")
        return served.current if served is not None and self._settings.server.is_https else None

    def https(self) -> ssl.SSLContext | None:
        """For the portal; None where it speaks HTTP. Raises CertificateError."""
        return self._context("server", self._of_server) if self._settings.server.is_https else None

    def sip(self) -> TlsContexts:
        """For SIP: a client always, a server where there is a certificate. Raises CertificateError, OSError."""
        sip = self._settings.sip
        if not self._settings.has_sip_tls:
            return TlsContexts(self._trusting(client_context()))
        name, obtain = ("sip", self._of_sip) if sip.tls_certificate else ("server", self._of_server)
        server = self._context(name, obtain)
        if sip.tls_client_certificates != "ignore":
            server.load_default_certs(ssl.Purpose.CLIENT_AUTH)
            self._trusting(server)
            is_needed = sip.tls_client_certificates == "require"
            server.verify_mode = ssl.CERT_REQUIRED if is_needed else ssl.CERT_OPTIONAL
        client = self._trusting(client_context())
        self._show(self._served[name], client)  # trunks may ask who calls
        return TlsContexts(client, server)

    def start(self) -> None:
        """Look for renewed certificates from now on."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def look_now(self) -> None:
        """Somebody says that a certificate was replaced (SIGHUP)."""
        self._is_asked.set()

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def refresh(self, *, is_renewal_due: bool = False) -> bool:
        """Load what changed on disk; whether anything did. A faulty file is logged, and the old one shown on."""
        has_changed = False
        for name, served in self._served.items():
            stamp = await asyncio.to_thread(_stamp, served.current, self._settings)
            if stamp == served.stamp and not is_renewal_due:
                continue
            try:
                found = await asyncio.to_thread(served.obtain)
                stamp = await asyncio.to_thread(_stamp, found, self._settings)
                if stamp != served.stamp:
                    for context in served.contexts:  # takes OpenSSL some milliseconds, once in a certificate's life
                        found.load_into(context)
                    has_changed = True
                    logger.info("certificate of the %s renewed, valid until %s", name, f"{found.expires_at:%Y-%m-%d}")
                served.current = found
            except (CertificateError, OSError) as error:
                logger.error("certificate of the %s stays as it was: %s", name, error)
            served.stamp = stamp
        return has_changed

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        renewed_at = loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._is_asked.wait()
            self._is_asked.clear()
            is_due = loop.time() - renewed_at >= _RENEW_S
            if is_due:
                renewed_at = loop.time()
            await self.refresh(is_renewal_due=is_due)

    def _context(self, name: str, obtain: Obtain) -> ssl.SSLContext:
        if name not in self._served:
            found = obtain()
            self._served[name] = _Served(obtain, found, [], _stamp(found, self._settings))
        served = self._served[name]
        context = served.current.context()
        served.contexts.append(context)
        return context

    @staticmethod
    def _show(served: _Served, context: ssl.SSLContext) -> None:
        served.current.load_into(context)
        served.contexts.append(context)

    def _trusting(self, context: ssl.SSLContext) -> ssl.SSLContext:
        own, others = self._authority.certificate_path, self._settings.sip.tls_authorities
        for path in (own if own.exists() else None, others or None):
            if path is not None:
                try:
                    context.load_verify_locations(path)
                except (OSError, ssl.SSLError) as error:
                    raise CertificateError(f"{path}: authorities cannot be read: {error}") from None
        return context

    def _of_server(self) -> ServerCertificate:
        server, now = self._settings.server, datetime.now(UTC)
        if server.tls_certificate:
            return from_files(Path(server.tls_certificate), Path(server.tls_key), now=now)
        addresses = [*server.listen, *(entry.external for entry in server.external)]
        return self._authority.ensure(server.names, addresses, now=now)

    def _of_sip(self) -> ServerCertificate:
        sip = self._settings.sip
        return from_files(Path(sip.tls_certificate), Path(sip.tls_key), now=datetime.now(UTC))


def _stamp(certificate: ServerCertificate, settings: Settings) -> _Stamp:
    """What changes when a file is replaced, an import beside our own certificate included."""
    paths = (certificate.certificate, certificate.key, settings.data / "tls" / "imported.pem")
    found = []
    for path in paths:
        try:
            status = path.stat()
            found.append((str(path), status.st_mtime_ns, status.st_size))
        except OSError:
            found.append((str(path), 0, 0))
    return tuple(found)
