"""TLS contexts of the embedded server, from files: TLS 1.2, no tickets, client certificates of one CA."""

from __future__ import annotations

import logging
import ssl
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from crypto.certificates import CertificateError, demand_private

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files; `password` opens the key where it is encrypted."""

    certificate: Path
    key: Path
    client_ca: Path
    password: bytes = field(default=b"", repr=False)


class TlsContexts:
    """Gives a context for each handshake, and now and then a new one, which brings a renewed certificate in.

    Without tickets TLS 1.2 could still resume sessions from a table in the context, which Python cannot switch off.
    OpenSSL strikes a session out of it when a connection ends without close_notify, which we never send; and should one
    be resumed, no check of ours is skipped: eap_tls reads the certificate again, and passwords are always asked for.
    """

    def __init__(self, files: TlsFiles, handshakes_per_context: int) -> None:
        """Raises CertificateError."""
        self._files = files
        self._handshakes = handshakes_per_context
        self._contexts = {asks: _context(files, asks) for asks in (False, True)}
        self._used: Counter[bool] = Counter()

    def take(self, asks_for_certificate: bool) -> ssl.SSLContext:
        """For one handshake."""
        if self._used[asks_for_certificate] >= self._handshakes:
            self._renew(asks_for_certificate)
        self._used[asks_for_certificate] += 1
        return self._contexts[asks_for_certificate]

    def _renew(self, asks_for_certificate: bool) -> None:
        self._used[asks_for_certificate] = 0
        try:
            self._contexts[asks_for_certificate] = _context(self._files, asks_for_certificate)
        except CertificateError as error:
            logger.error("802.1X: the certificate stays as it was: %s", error)


def _context(files: TlsFiles, asks_for_certificate: bool) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # TLS 1.3 needs what RFC 9190 adds to EAP-TLS, for which Python has no exporter of keys.
    made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        demand_private(files.key)
        # Without any password OpenSSL would ask the terminal.
        made.load_cert_chain(files.certificate, files.key, files.password)
        if asks_for_certificate:
            made.verify_mode = ssl.CERT_REQUIRED
            made.load_verify_locations(files.client_ca)
    except (OSError, ssl.SSLError) as error:
        files_named = f"{files.certificate}, {files.key}, {files.client_ca}"
        raise CertificateError(f"{files_named}: {error}; make them: drumtower dot1x certificates") from None
    return made
