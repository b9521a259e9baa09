"""TLS without a socket, on top of OpenSSL's memory buffers: our side of EAP-TLS, PEAP and TTLS, server or peer."""

from __future__ import annotations

import ssl
from typing import Final

_READ_BYTES: Final = 1 << 14


class TlsConnection:
    """What OpenSSL refuses becomes `fault`; it never raises for what a peer sends.

    A server, unless `context` is one of clients; then `server_name` is what it is called by and has to be named.
    """

    def __init__(self, context: ssl.SSLContext, server_name: str = "") -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        is_server = context.protocol is ssl.PROTOCOL_TLS_SERVER
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=is_server, server_hostname=server_name or None
        )
        self.is_open = False
        """The handshake is done, and a certificate that was asked for is of our CA."""
        self.fault = ""
        """Names a counter."""
        self.detail = ""

    @property
    def peer_certificate(self) -> bytes | None:
        """DER."""
        return self._tls.getpeercert(binary_form=True) if self.is_open else None

    def feed(self, octets: bytes) -> bytes:
        """Take octets of TLS; the plain text that was in them."""
        if self.fault:
            return b""
        self._incoming.write(octets)
        plain = b""
        try:
            if not self.is_open:
                self._tls.do_handshake()
                self.is_open = True
            while self._incoming.pending or self._tls.pending():
                read = self._tls.read(_READ_BYTES)
                if not read:
                    self.fault = "tls-closed"
                    break
                plain += read
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError as error:
            self.fault, self.detail = "bad-certificate", error.verify_message
        except ssl.SSLError as error:
            self.fault, self.detail = "tls-refused", error.reason or type(error).__name__
        return plain

    def write(self, plain: bytes) -> None:
        """Encrypt; outgoing() has it then. Only while it is open."""
        self._tls.write(plain)

    def outgoing(self) -> bytes:
        """What is to be sent, alerts included."""
        return self._outgoing.read()
