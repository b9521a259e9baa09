"""A peer inside TLS, before a server that is free to do there what the protocol lets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from OpenSSL import SSL

from auth8021x.eapserver.tls_connection import TlsConnection
from auth8021x.eapserver.tls_framing import START, TlsFraming
from auth8021x.supplicant.contexts import peer_context
from auth8021x.supplicant.peap import MschapInside
from auth8021x.supplicant.tls_method import TlsPeer
from auth8021x.wire.eap import Method
from crypto.secret import Secret
from tests.auth8021x.certificates import PASSWORD, SERVER_NAME

MOST_BYTES = 1 << 16


class Server:
    """TLS 1.2 that can ask for another handshake, which Python's own cannot."""

    def __init__(self, folder: Path) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        context.set_passwd_cb(lambda *_: PASSWORD)
        context.use_certificate_file(str(folder / "server.pem"))
        context.use_privatekey_file(str(folder / "server.key"))
        self.tls = SSL.Connection(context, None)
        self.tls.set_accept_state()

    def handshake(self, data: bytes = b"") -> bytes:
        """What it has to say on this."""
        if data:
            self.tls.bio_write(data)
        try:
            self.tls.do_handshake()
        except SSL.WantReadError:
            pass
        return self.tls.bio_read(MOST_BYTES)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_server_that_asks_for_another_handshake_is_answered_all_the_same(certificates: Path):
    context = peer_context(certificates / "ca.pem", SERVER_NAME, None, None)
    inside = MschapInside("vt1", Secret("vtpass1"), bytes(16))
    framing = TlsFraming(MOST_BYTES, MOST_BYTES)
    peer = TlsPeer(int(Method.PEAP), TlsConnection(context, SERVER_NAME), framing, inside)
    server = Server(certificates)

    flight = server.handshake(peer.respond(bytes((START,)), 1)[1:])
    flight = server.handshake(peer.respond(b"\0" + flight, 2)[1:])
    peer.respond(b"\0" + flight, 3)
    server.tls.send(bytes((Method.IDENTITY,)))
    server.tls.renegotiate()
    answer = peer.respond(b"\0" + server.handshake(), 4)
    assert answer[:1] == b"\0"
    assert len(answer) > 1
    assert peer.fault == ""
