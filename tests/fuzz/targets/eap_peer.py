"""An EAP peer of ours before a server that is none, and TLS between the two ends that is damaged on its way."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from auth8021x.eapserver.eap_mschapv2 import EapMschapv2
from auth8021x.eapserver.passwords import Passwords
from auth8021x.eapserver.peap import RESULTS
from auth8021x.eapserver.peap import MschapInside as ServerInside
from auth8021x.eapserver.step import Ask, Failed, Moment, Passed
from auth8021x.eapserver.tls_connection import TlsConnection
from auth8021x.eapserver.tls_framing import TlsFraming
from auth8021x.eapserver.tls_method import TlsMethod
from auth8021x.eapserver.tries import Tries
from auth8021x.supplicant.contexts import peer_context
from auth8021x.supplicant.methods import Credentials, PeerMethodName, make_method
from auth8021x.supplicant.peap import MschapInside
from auth8021x.supplicant.peer import Peer
from auth8021x.supplicant.tls_method import TlsPeer
from auth8021x.wire import eap
from auth8021x.wire.eap import Eap, Method
from crypto.secret import Secret
from tests.auth8021x.eapserver.world import PaperBook, user
from tests.fuzz.target import Bytes, target

_METHODS: tuple[PeerMethodName, ...] = ("md5", "peap", "ttls", "tls")
_TYPES = (*Method, 77)
_MAX_ROUNDS = 60
_MOMENT = Moment(1.0, 1.8e9, "switch 02-00-00-AA-00-01")


@cache
def _peer_context() -> ssl.SSLContext:
    """It believes any server."""
    return peer_context(None, "", None, None)


@target("eap-peer")
def eap_peer(data: bytes) -> None:
    script = Bytes(data)
    who = Credentials("vt1", Secret("what nobody guesses"), _peer_context())
    peer = Peer("anonymous", make_method(_METHODS[script.number() % len(_METHODS)], who, bytes))
    for _ in range(_MAX_ROUNDS):
        if script.is_empty:
            break
        kind = script.number()
        # Half of them by its own method, so that it is reached.
        type_ = peer.method.kind if kind & 1 else int(_TYPES[(kind >> 1) % len(_TYPES)])
        request = Eap(eap.Code.REQUEST, script.number(), type_, script.take(script.number(2)))
        answer = peer.respond(request)
        assert (answer.code, answer.identifier) == (eap.Code.RESPONSE, request.identifier)
        assert eap.parse(answer.serialize()) == answer
    assert len(peer.notes) <= 8
    assert all(note.isprintable() for note in peer.notes)


@target("peap-inside-peer")
def peap_inside_peer(data: bytes) -> None:
    """Nobody who does not know the password is told that all is well."""
    script, inside = Bytes(data), MschapInside("vt1", Secret("what nobody guesses"), bytes(range(16)))
    for _ in range(_MAX_ROUNDS):
        if script.is_empty:
            return
        assert not inside.respond(script.chunk()).endswith(RESULTS[True])


@cache
def _server_context() -> ssl.SSLContext:
    """With a certificate of its own making: one for all inputs, since making one takes longer than they do."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "radius.ward.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    encoding, clear = serialization.Encoding.PEM, serialization.NoEncryption()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    with tempfile.NamedTemporaryFile() as file:
        file.write(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, clear) + made.public_bytes(encoding))
        file.flush()
        context.load_cert_chain(Path(file.name))
    return context


def _damaged(data: bytes, script: Bytes) -> bytes:
    """What becomes of the data of a packet on its way; nothing, once the script is at its end."""
    choice = script.number()
    if choice % 4 == 1 and data:
        place = script.number(2) % len(data)
        return data[:place] + bytes((data[place] ^ script.number(),)) + data[place + 1 :]
    if choice % 4 == 2:
        return data[: script.number(2)]
    if choice % 4 == 3:
        return data + script.chunk()
    return data


@target("tls-damaged", is_fast=False)
def tls_damaged(data: bytes) -> None:
    """PEAP from the first to the last packet: both ends go on or give up, and a wrong password never passes."""
    script = Bytes(data)
    choice = script.number()
    password = "vtpass1" if choice & 1 else "guess"
    book = PaperBook(user("vt1", "vtpass1"))
    mschap = EapMschapv2(Passwords(book, Tries(5, 50, 600, 100), bytes(16)), bytes(range(16)))
    server = TlsMethod(
        int(Method.PEAP), TlsConnection(_server_context()), TlsFraming(100 + 10 * (choice >> 1), 1 << 15),
        ServerInside(mschap, lambda _identity: True),
    )  # fmt: skip
    peer = TlsPeer(
        int(Method.PEAP), TlsConnection(_peer_context()), TlsFraming(1000, 1 << 16),
        MschapInside("vt1", Secret(password), bytes(16)),
    )  # fmt: skip
    asked = server.begin(1)
    for identifier in range(2, _MAX_ROUNDS):
        response = peer.respond(_damaged(asked, script), identifier)
        step = server.respond(_damaged(response, script), identifier, _MOMENT)
        if not isinstance(step, Ask):
            assert isinstance(step, Failed) or (isinstance(step, Passed) and password == "vtpass1")
            return
        asked = step.data
