"""EAP methods that run TLS: the handshake, alerts, and what happens inside (RFC 5216 2.1, RFC 5281 7). Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from auth8021x.eapserver.step import Ask, Failed, Moment, Step
from auth8021x.eapserver.tls_connection import TlsConnection
from auth8021x.eapserver.tls_framing import TlsFraming
from auth8021x.errors import MalformedPacketError


class Inside(Protocol):
    """What decides after the handshake; the data of its Ask are encrypted."""

    def step(self, plain: bytes, identifier: int, moment: Moment, connection: TlsConnection) -> Step:
        """What follows on this plain text; b"" when it is our turn."""


Before = Callable[[Moment, TlsConnection], Step]


class TlsMethod:
    """EAP-TLS, PEAP or TTLS, by what is inside."""

    def __init__(
        self, kind: int, connection: TlsConnection, framing: TlsFraming, inside: Inside, before: Before | None = None
    ) -> None:
        """`before`: is asked before our Finished goes out."""
        self.kind = kind
        self._connection = connection
        self._framing = framing
        self._inside = inside
        self._before = before

    def begin(self, identifier: int) -> bytes:  # noqa: ARG002
        """TLS Start."""
        return self._framing.start()

    def respond(self, data: bytes, identifier: int, moment: Moment) -> Step:
        """A fragment, an acknowledgement, or a whole message."""
        try:
            answer, message = self._framing.receive(data)
        except MalformedPacketError as error:
            return Failed("malformed", str(error))
        if answer is not None:
            return Ask(answer)
        return self._advance(self._connection.feed(message), identifier, moment)

    def _advance(self, plain: bytes, identifier: int, moment: Moment) -> Step:
        connection = self._connection
        ours = connection.outgoing()
        if connection.is_open and ours and self._before is not None:
            # A peer that has our Finished takes itself for let in, and no EAP-Failure for an answer (RFC 4137 4.1.2,
            # UNCOND_SUCC). OpenSSL has made no alert for what it did not refuse itself.
            early = self._before(moment, connection)
            if isinstance(early, Failed):
                return early
        if ours:
            # Also an alert: the peer is told why, and answers once more before its EAP-Failure (RFC 5216 2.1.3).
            return Ask(self._framing.send(ours)) if not plain else Failed("malformed", "data in a handshake")
        if connection.fault:
            return Failed(connection.fault, connection.detail)
        if not connection.is_open:
            return Failed("malformed", "a handshake that stopped")
        step = self._inside.step(plain, identifier, moment, connection)
        if not isinstance(step, Ask):
            return step
        if step.data:
            connection.write(step.data)
        return Ask(self._framing.send(connection.outgoing()))
