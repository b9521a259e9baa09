"""EAP-TLS (RFC 5216): the device's certificate says who it is. Pure."""

from __future__ import annotations

from auth8021x.eapserver import certificate_names
from auth8021x.eapserver.account import Book, MayBe
from auth8021x.eapserver.step import Failed, Moment, Passed, Step
from auth8021x.eapserver.tls_connection import TlsConnection


class CertificateProof:
    """`may_be`: whether a device that began as it did may be this one; such a name of its certificate counts."""

    def __init__(self, book: Book, may_be: MayBe) -> None:
        self._book = book
        self._may_be = may_be
        self._decision: Passed | Failed | None = None
        """Of the handshake; once."""

    def step(self, plain: bytes, identifier: int, moment: Moment, connection: TlsConnection) -> Step:  # noqa: ARG002
        """After the handshake. TLS has no more to say then."""
        if plain:
            return Failed("malformed", "data behind the handshake")
        return self.decide(moment, connection)

    def decide(self, moment: Moment, connection: TlsConnection) -> Passed | Failed:
        """What the certificate of a finished handshake is worth."""
        if self._decision is None:
            self._decision = self._decide(moment, connection)
        return self._decision

    def _decide(self, moment: Moment, connection: TlsConnection) -> Passed | Failed:
        octets = connection.peer_certificate
        if octets is None:
            return Failed("malformed", "no certificate")
        found = certificate_names.read(octets, moment.now_utc)
        if found is None or not found.is_for_clients:
            return Failed("bad-certificate", "unreadable, or not for clients")
        if not found.is_current:  # OpenSSL has looked, too, but not again in a session that is resumed
            return Failed("bad-certificate", "expired, or not valid yet")
        return self._known(found.names)

    def _known(self, names: tuple[str, ...]) -> Passed | Failed:
        known = [account.identity for name in names if (account := self._book.account(name)) is not None]
        fitting = [identity for identity in known if self._may_be(identity)]
        if fitting:
            return Passed(fitting[0])
        return Failed("other-identity" if known else "unknown-identity", identity=(*known, *names, "")[0])
