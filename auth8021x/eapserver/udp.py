"""The sockets of the embedded RADIUS server (RFC 2865 3: UDP port 1812), and its audit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from audit.lines import shown
from auth8021x.audit_lines import AuditLines
from auth8021x.eapserver.account import Book
from auth8021x.eapserver.contexts import TlsContexts, TlsFiles
from auth8021x.eapserver.nas_clients import NasClient
from auth8021x.eapserver.server import EapServer, Verdict
from auth8021x.radius.chance import SystemChance
from auth8021x.radius.listening import ListeningSockets
from auth8021x.radius.replies import Source
from auth8021x.radius.setup import shared_secret
from config.dot1x_server import EapServerSettings

_BATCH: Final = 64
_AUDIT_LINES_PER_MINUTE: Final = 600


def server(settings: EapServerSettings, book: Book, folder: Path, key_password: bytes = b"") -> EapServer:
    """The core from the settings; `folder` holds the certificates that the settings do not name.

    Raises SecretFault, WeakSecretError, CertificateError.
    """
    clients = [NasClient(each, shared_secret(each.secret_file)) for each in settings.clients]
    files = TlsFiles(
        Path(settings.certificate or folder / "server.pem"), Path(settings.key or folder / "server.key"),
        Path(settings.client_ca or folder / "ca.pem"), key_password,
    )  # fmt: skip
    contexts = TlsContexts(files, settings.handshakes_per_context)
    return EapServer(settings, clients, book, contexts, SystemChance().octets)


class EapServerSockets(ListeningSockets):
    """Listens where the settings say, which is on loopback at first, and nowhere without clients. Close it."""

    def __init__(
        self, core: EapServer, settings: EapServerSettings, max_datagram_bytes: int = 4096,
        wall_clock: Callable[[], float] = time.time, decided: Callable[[Verdict], None] | None = None,
    ) -> None:  # fmt: skip
        """`decided` is told who was let in or not. Raises OSError when an address or the port cannot be had."""
        self.core = core
        self._decided = decided
        self._wall_clock = wall_clock
        self._lines = AuditLines(_AUDIT_LINES_PER_MINUTE, time.monotonic)
        addresses = settings.listen if settings.clients else ()
        super().__init__(addresses, settings.port, core, _BATCH, max_datagram_bytes)

    def answer(self, octets: bytes, source: Source, now: float) -> bytes | None:
        """What the core says; who was let in or not is written down."""
        answer = self.core.receive(octets, source, now, self._wall_clock())
        while (verdict := self.core.next_event()) is not None:
            self._write(verdict)
            if self._decided is not None:
                self._decided(verdict)
        return answer

    def _write(self, verdict: Verdict) -> None:
        who = (
            verdict.client, shown(verdict.station), shown(verdict.place.switch), shown(verdict.place.port),
            shown(verdict.outer), shown(verdict.identity), verdict.method,
        )  # fmt: skip
        text = "radius client=%s mac=%s switch=%r port=%r outer=%r identity=%r method=%d"
        if verdict.reason:
            self._lines.write(logging.WARNING, f"{text} refused: %s %s", *who, verdict.reason, shown(verdict.detail))
        else:
            self._lines.write(logging.INFO, f"{text} let in", *who)
