"""TLS of somebody who wants to get in, from files: TLS 1.2, as eapserver.contexts has it for the other end."""

from __future__ import annotations

import ssl
from pathlib import Path

from crypto.certificates import CertificateError


def peer_context(ca: Path | None, server_name: str, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """`ca` None: any server is believed; `server_name` "": any name. Raises CertificateError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # TLS 1.3 needs what RFC 9190 adds to EAP-TLS, for which Python has no exporter of keys.
    made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1_2
    # A server that asks for another handshake in the middle of an answer would stop it.
    made.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    made.check_hostname = bool(ca and server_name)
    try:
        if ca is None:
            made.verify_mode = ssl.CERT_NONE
        else:
            made.load_verify_locations(ca)
        if certificate is not None:
            # Without any password OpenSSL would ask the terminal.
            made.load_cert_chain(certificate, key, b"")
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(each) for each in (ca, certificate, key) if each is not None)
        raise CertificateError(f"{files}: {error}") from None
    return made
