"""The methods that a login can be tried with, ready to be begun."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from auth8021x.eapserver.mschapv2 import CHALLENGE_BYTES
from auth8021x.eapserver.tls_connection import TlsConnection
from auth8021x.eapserver.tls_framing import TlsFraming
from auth8021x.supplicant.md5 import Md5Response
from auth8021x.supplicant.method import PeerMethod
from auth8021x.supplicant.peap import MschapInside
from auth8021x.supplicant.tls_method import Inside, NothingInside, TlsPeer
from auth8021x.supplicant.ttls import PapInside
from auth8021x.wire.eap import Method as Type
from crypto.secret import Secret

PeerMethodName = Literal["peap", "ttls", "md5", "tls"]
FRAGMENT_BYTES: Final = 1000
MAX_MESSAGE_BYTES: Final = 1 << 16
"""One flight of TLS of the server: its certificate and chain."""
NAMES: Final[dict[int, str]] = {
    Type.MD5_CHALLENGE: "EAP-MD5", Type.GTC: "EAP-GTC", Type.TLS: "EAP-TLS", Type.TTLS: "TTLS", Type.PEAP: "PEAP",
    Type.MSCHAPV2: "EAP-MSCHAPv2", Type.FAST: "EAP-FAST", Type.TEAP: "TEAP",
}  # fmt: skip
"""What people call them."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who wants in, and how they prove it."""

    name: str
    password: Secret = field(default_factory=lambda: Secret(""))
    context: ssl.SSLContext | None = None
    """For methods that run TLS; with a certificate of the peer for EAP-TLS."""
    server_name: str = ""
    """What the server has to be called; "" is anything."""


def make_method(name: PeerMethodName, who: Credentials, octets: Callable[[int], bytes]) -> PeerMethod:
    """A run of a method; `octets` gives random ones. Raises ValueError when the password cannot be used."""
    if name == "md5":
        return Md5Response(who.password)
    if name == "peap":
        return _in_tls(Type.PEAP, who, MschapInside(who.name, who.password, octets(CHALLENGE_BYTES)))
    if name == "ttls":
        return _in_tls(Type.TTLS, who, PapInside(who.name, who.password))
    return _in_tls(Type.TLS, who, NothingInside())


def _in_tls(kind: Type, who: Credentials, inside: Inside) -> TlsPeer:
    if who.context is None:
        raise ValueError("this method needs TLS")
    connection = TlsConnection(who.context, who.server_name)
    return TlsPeer(int(kind), connection, TlsFraming(FRAGMENT_BYTES, MAX_MESSAGE_BYTES), inside)
