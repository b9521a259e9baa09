"""TLS cut into EAP packets and put together again (RFC 5216 2.1.5 and 3.1; the same in RFC 5281 9.2 and PEAP). Pure."""

from __future__ import annotations

from typing import Final

from auth8021x.errors import MalformedPacketError

LENGTH_INCLUDED: Final = 0x80
MORE_FRAGMENTS: Final = 0x40
START: Final = 0x20
_VERSION: Final = 0x07
"""Of PEAP and TTLS; reserved in EAP-TLS. We speak version 0 of both."""
_LENGTH_BYTES: Final = 4
OVERHEAD_BYTES: Final = 4 + 1 + 1 + _LENGTH_BYTES
"""EAP header, type, flags, length: what a fragment needs beside itself."""


class TlsFraming:
    """Both directions of one conversation; only one of them has a message on its way at a time."""

    def __init__(self, fragment_bytes: int, max_message_bytes: int) -> None:
        self._fragment_bytes = fragment_bytes
        self._max_message_bytes = max_message_bytes
        self._outgoing = b""
        self._incoming = bytearray()
        self._expected: int | None = None

    def start(self) -> bytes:
        """The data of the first request."""
        return bytes((START,))

    def send(self, message: bytes) -> bytes:
        """The data of the request that carries a message, or its first fragment."""
        if len(message) <= self._fragment_bytes:
            return b"\0" + message
        self._outgoing = message[self._fragment_bytes :]
        head = bytes((LENGTH_INCLUDED | MORE_FRAGMENTS,)) + len(message).to_bytes(_LENGTH_BYTES, "big")
        return head + message[: self._fragment_bytes]

    def receive(self, data: bytes) -> tuple[bytes | None, bytes]:
        """The data of a response: what to send at once, or None and the message that is complete.

        Raises MalformedPacketError.
        """
        flags, body = self._read(data)
        if self._outgoing:
            if body or flags & MORE_FRAGMENTS:
                raise MalformedPacketError("EAP-TLS: no acknowledgement of a fragment")
            return self._next_fragment(), b""
        self._incoming += body
        if flags & MORE_FRAGMENTS:
            if not body or self._expected is None or len(self._incoming) >= self._expected:
                raise MalformedPacketError("EAP-TLS: a fragment that is none")
            return b"\0", b""
        if self._expected is not None and len(self._incoming) != self._expected:
            raise MalformedPacketError("EAP-TLS: fragments of another length than was said")
        message = bytes(self._incoming)
        self._incoming.clear()
        self._expected = None
        return None, message

    def _read(self, data: bytes) -> tuple[int, bytes]:
        if not data or data[0] & (START | _VERSION):
            raise MalformedPacketError("EAP-TLS: wrong flags or version")
        flags, body = data[0], data[1:]
        if flags & LENGTH_INCLUDED:
            said, body = int.from_bytes(body[:_LENGTH_BYTES], "big"), body[_LENGTH_BYTES:]
            if len(data) < 1 + _LENGTH_BYTES or said > self._max_message_bytes:
                raise MalformedPacketError("EAP-TLS: a wrong length, or one too long")
            if self._expected not in (None, said) or (self._incoming and self._expected is None):
                raise MalformedPacketError("EAP-TLS: a length that changes")
            self._expected = said
        if len(self._incoming) + len(body) > self._max_message_bytes:
            raise MalformedPacketError("EAP-TLS: too long")
        return flags, body

    def _next_fragment(self) -> bytes:
        piece, self._outgoing = self._outgoing[: self._fragment_bytes], self._outgoing[self._fragment_bytes :]
        return bytes((MORE_FRAGMENTS if self._outgoing else 0,)) + piece
