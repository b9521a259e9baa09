"""EAP-TLS (RFC 5216): the device's certificate says who it is. Pure."""

from __future__ import annotations

from auth8021x.eapserver import certificate_names
from auth8021x.eapserver.account import Book, spellings
from auth8021x.eapserver.step import Failed, Moment, Passed, Step
from auth8021x.eapserver.tls_connection import TlsConnection


class CertificateProof:
    """`outer` is how the device called itself; of several names in its certificate that one counts."""

    def __init__(self, outer: str, book: Book) -> None:
        self._outer = outer
        self._book = book

    def step(self, plain: bytes, identifier: int, moment: Moment, connection: TlsConnection) -> Step:  # noqa: ARG002
        """Once, after the handshake. TLS has no more to say then."""
        octets = connection.peer_certificate
        if plain or octets is None:
            return Failed("malformed", "data instead of a certificate")
        found = certificate_names.read(octets, moment.now_utc)
        if found is None or not found.is_for_clients:
            return Failed("bad-certificate", "unreadable, or not for clients")
        if not found.is_current:  # OpenSSL has looked, too, but not again in a session that is resumed
            return Failed("bad-certificate", "expired, or not valid yet")
        return self._known(found.names)

    def _known(self, names: tuple[str, ...]) -> Step:
        claimed = {each.casefold() for each in spellings(self._outer)}
        for name in sorted(names, key=lambda name: name.casefold() not in claimed):
            account = self._book.account(name)
            if account is not None:
                return Passed(account.identity)
        return Failed("unknown-identity", identity=names[0] if names else "")
