"""EAP methods that run TLS, on the side of who wants to get in (RFC 5216 2.1, RFC 5281 7, [MS-PEAP] 3.1). Pure."""

from __future__ import annotations

from typing import Final, Protocol

from auth8021x.eapserver.tls_connection import TlsConnection
from auth8021x.eapserver.tls_framing import START, TlsFraming
from auth8021x.errors import MalformedPacketError

_ACKNOWLEDGEMENT: Final = b"\0"


class Inside(Protocol):
    """What is said inside, once the server has shown its certificate."""

    fault: str

    def opened(self) -> bytes:
        """Plain text to begin with; b"" lets the server begin."""

    def respond(self, plain: bytes) -> bytes:
        """Plain text in answer to what the server said."""


class NothingInside:
    """EAP-TLS: the certificates have said it all."""

    fault = ""

    def opened(self) -> bytes:
        """RFC 5216 2.1.1: an empty response to the server's Finished."""
        return b""

    def respond(self, plain: bytes) -> bytes:  # noqa: ARG002
        """Whatever comes is not for us."""
        return b""


class TlsPeer:
    """EAP-TLS, PEAP or TTLS, by what is inside."""

    def __init__(self, kind: int, connection: TlsConnection, framing: TlsFraming, inside: Inside) -> None:
        self.kind = kind
        self.fault = ""
        self._connection = connection
        self._framing = framing
        self._inside = inside

    @property
    def server_certificate(self) -> bytes | None:
        """DER; None before the handshake is done."""
        return self._connection.peer_certificate

    def respond(self, data: bytes, identifier: int) -> bytes:  # noqa: ARG002
        """A fragment, an acknowledgement, or a whole message."""
        if data and data[0] & START:
            # Whatever version the server proposes we answer with 0 (RFC 5281 9.2, [MS-PEAP] 3.1.5.2).
            return self._framing.send(self._advance(b""))
        try:
            answer, message = self._framing.receive(data)
        except MalformedPacketError as error:
            self.fault = f"the server's TLS cannot be read: {error}"
            return _ACKNOWLEDGEMENT
        return answer if answer is not None else self._framing.send(self._advance(message))

    def _advance(self, message: bytes) -> bytes:
        """What TLS has to say now, alerts included: the server is told why it is refused."""
        connection = self._connection
        was_open = connection.is_open
        plain = connection.feed(message)
        said = b""
        if connection.fault:
            self.fault = self.fault or _told(connection.fault, connection.detail)
        elif connection.is_open:
            said = self._inside.respond(plain) if was_open or plain else self._inside.opened()
            self.fault = self._inside.fault
        if said:
            connection.write(said)
        return connection.outgoing()


def _told(fault: str, detail: str) -> str:
    if fault == "bad-certificate":
        return f"the server's certificate is not believed: {detail}"
    return f"TLS failed: {detail or fault}"
