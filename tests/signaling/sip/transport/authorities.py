"""A private authority, its server certificate, and contexts for both ends of a connection."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from crypto.ca import PrivateCa, ServerCertificate
from crypto.keys import MasterKey
from signaling.sip.transport.tls import TlsContexts, client_context


class Authority:
    def __init__(self, folder: Path, *addresses: str, names: tuple[str, ...] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca = PrivateCa(folder, MasterKey(bytes(range(32))))
        self.certificate: ServerCertificate = self.ca.ensure(names, addresses, now=datetime.now(UTC))

    def server(self, *, wants_clients: bool = False) -> TlsContexts:
        context = self.certificate.context()
        if wants_clients:
            context.load_verify_locations(self.ca.certificate_path)
            context.verify_mode = ssl.CERT_REQUIRED
        return TlsContexts(self.client().client, context)

    def client(self, *, shows: bool = False) -> TlsContexts:
        context = client_context(str(self.ca.certificate_path))
        if shows:
            self.certificate.load_into(context)
        return TlsContexts(context)
