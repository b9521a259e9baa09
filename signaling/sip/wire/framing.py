"""Cutting a byte stream into SIP messages (RFC 3261 18.3) with the keep-alive of RFC 5626 3.5.1."""

from __future__ import annotations

import re

from signaling.errors import MalformedMessage
from signaling.sip.wire.message import MAX_MESSAGE_BYTES

PING = b"\r\n\r\n"
PONG = b"\r\n"
_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:(?:[ \t]|\r\n[ \t])*(\d{1,9})[ \t]*(?=\r\n)", re.IGNORECASE)


class StreamFramer:
    """Bytes of one connection in, whole messages out; what waits is never more than one message."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._looked_at = 0
        self._total = 0
        self.pings = 0
        """Double CRLFs seen; each deserves a PONG."""
        self.awaits_pong = False
        """Set when a ping was sent: a single CRLF is then its answer, not the first half of a ping."""

    @property
    def has_part(self) -> bool:
        """Whether the beginning of a message waits for its end."""
        return len(self._buffer) > len(PONG)

    def receive(self, data: bytes) -> list[bytes]:
        """Whole messages after `data`. Raises MalformedMessage when the stream cannot be followed any more."""
        self._buffer += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        if len(self._buffer) > MAX_MESSAGE_BYTES:
            raise MalformedMessage("Message too large", 513)
        return messages

    def _next(self) -> bytes | None:
        if self._total == 0:
            self._skip_keep_alive()
            if self._buffer[:1] == b"\r":  # no message begins so: the rest of a keep-alive is on its way
                return None
            self._total = self._find_end()
        if self._total == 0 or len(self._buffer) < self._total:
            return None
        message = bytes(self._buffer[: self._total])
        del self._buffer[: self._total]
        self._looked_at = self._total = 0
        return message

    def _find_end(self) -> int:
        """The length of the message that begins the buffer, 0 while its headers are not complete.

        Only new bytes are searched: headers that dribble in byte by byte must not take quadratic time.
        """
        end = self._buffer.find(b"\r\n\r\n", max(0, self._looked_at - 3))
        self._looked_at = len(self._buffer)
        if end < 0:
            return 0
        found = _LENGTH.findall(self._buffer, 0, end + 2)
        if len(set(found)) != 1:
            raise MalformedMessage("Content-Length is needed on a stream")
        total = end + 4 + int(found[0])
        if total > MAX_MESSAGE_BYTES:
            raise MalformedMessage("Message too large", 513)
        return total

    def _skip_keep_alive(self) -> None:
        while self._looked_at == 0 and self._buffer.startswith(b"\r\n"):
            if self._buffer.startswith(PING):
                self.pings += 1
                del self._buffer[:4]
            elif self.awaits_pong and len(self._buffer) == 2:
                self.awaits_pong = False
                del self._buffer[:2]
            elif len(self._buffer) == 2 or (len(self._buffer) == 3 and self._buffer[2:] == b"\r"):
                return
            else:
                del self._buffer[:2]
