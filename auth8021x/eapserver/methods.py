"""The EAP methods that are switched on, ready to be begun. Pure."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Final, Protocol

from auth8021x.eapserver.account import Book, MayBe, may_claim
from auth8021x.eapserver.conversation import MakeMethod
from auth8021x.eapserver.eap_mschapv2 import EapMschapv2
from auth8021x.eapserver.eap_tls import CertificateProof
from auth8021x.eapserver.md5 import Md5Challenge
from auth8021x.eapserver.mschapv2 import CHALLENGE_BYTES
from auth8021x.eapserver.passwords import Passwords
from auth8021x.eapserver.peap import MschapInside
from auth8021x.eapserver.step import Method
from auth8021x.eapserver.tls_connection import TlsConnection
from auth8021x.eapserver.tls_framing import TlsFraming
from auth8021x.eapserver.tls_method import Before, Inside, TlsMethod
from auth8021x.eapserver.tries import Tries
from auth8021x.eapserver.ttls import PapInside
from auth8021x.wire.eap import Method as Type
from config.dot1x_server import EapMethod, EapServerSettings

Octets = Callable[[int], bytes]
"""That many random octets."""
_TYPES: Final[dict[EapMethod, Type]] = {
    "tls": Type.TLS, "peap": Type.PEAP, "ttls": Type.TTLS, "md5": Type.MD5_CHALLENGE,
}  # fmt: skip


class Contexts(Protocol):
    """Where TLS gets its certificates from: contexts.TlsContexts."""

    def take(self, asks_for_certificate: bool) -> ssl.SSLContext:
        """For one handshake."""


class Methods:
    """Makes methods for conversations."""

    def __init__(self, settings: EapServerSettings, book: Book, contexts: Contexts, octets: Octets) -> None:
        self._settings = settings
        self._book = book
        self._contexts = contexts
        self._octets = octets
        tries = Tries(
            settings.failures_per_station, settings.failures_per_identity, settings.failure_window_s,
            settings.max_failures,
        )  # fmt: skip
        self._passwords = Passwords(book, tries, octets(16))

    def by_type(self) -> dict[int, MakeMethod]:
        """Those of the settings, in their order."""
        makers: dict[EapMethod, MakeMethod] = {
            "tls": self._tls,
            "peap": self._peap,
            "ttls": self._ttls,
            "md5": self._md5,
        }
        return {int(_TYPES[name]): makers[name] for name in self._settings.methods}

    def _tls(self, outer: str, fragment_bytes: int) -> Method:
        proof = CertificateProof(self._book, self._may_be(outer))
        return self._inside_tls(Type.TLS, fragment_bytes, proof, proof.decide)

    def _peap(self, outer: str, fragment_bytes: int) -> Method:
        mschap = EapMschapv2(self._passwords, self._octets(CHALLENGE_BYTES))
        return self._inside_tls(Type.PEAP, fragment_bytes, MschapInside(mschap, self._may_be(outer)))

    def _ttls(self, _outer: str, fragment_bytes: int) -> Method:
        return self._inside_tls(Type.TTLS, fragment_bytes, PapInside(self._passwords))

    def _md5(self, outer: str, _fragment_bytes: int) -> Method:
        return Md5Challenge(outer, self._passwords, self._octets(16))

    def _may_be(self, outer: str) -> MayBe:
        return lambda identity: may_claim(outer, identity, self._settings.anonymous)

    def _inside_tls(self, kind: Type, fragment_bytes: int, inside: Inside, before: Before | None = None) -> Method:
        connection = TlsConnection(self._contexts.take(kind is Type.TLS))
        framing = TlsFraming(fragment_bytes, self._settings.max_message_bytes)
        return TlsMethod(int(kind), connection, framing, inside, before)
