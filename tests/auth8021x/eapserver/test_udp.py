"""The embedded server on a socket of its own: a request in, a challenge out, a line in the audit."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from auth8021x.eapserver.secret_strength import WeakSecretError
from auth8021x.eapserver.udp import EapServerSockets, server
from auth8021x.wire import authenticity, eap, packet
from auth8021x.wire.dictionary import Code
from auth8021x.wire.eap import Eap, Method
from config.dot1x_server import EapServerSettings, RadiusClientSettings
from tests.auth8021x.certificates import PASSWORD
from tests.auth8021x.eapserver.world import SECRET, Switch, book


def described(tmp_path: Path, secret: bytes = SECRET) -> EapServerSettings:
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_bytes(secret + b"\n")
    return EapServerSettings(port=0, clients=(RadiusClientSettings("loopback", ("127.0.0.0/8",), str(file)),))


async def test_a_request_is_answered(certificates: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    settings = described(tmp_path)
    core = server(settings, book(), certificates, PASSWORD)
    sockets = EapServerSockets(core, settings)
    loop, switch = asyncio.get_running_loop(), Switch(core)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(("127.0.0.1", sockets.ports[0]))
        for asked, code in (
            (switch.request(Eap(eap.Code.RESPONSE, 1, Method.IDENTITY, b"vt1")), Code.ACCESS_CHALLENGE),
            (switch.request(Eap(eap.Code.RESPONSE, 1, Method.TLS, b"\0"), b"nobody's state"), Code.ACCESS_REJECT),
        ):
            await loop.sock_sendall(client, asked)
            async with asyncio.timeout(5):
                answer = packet.parse(await loop.sock_recv(client, 4096))
            assert answer.code == code
            assert authenticity.check_response(answer, asked[4:20], SECRET) is None
    assert "client=loopback mac=02-00-00-AA-00-01" in caplog.text
    assert "refused: no-session" in caplog.text
    sockets.close()
    assert sockets.ports == []


async def test_without_clients_nothing_listens(certificates: Path):
    settings = EapServerSettings(port=0)
    sockets = EapServerSockets(server(settings, book(), certificates, PASSWORD), settings)
    assert sockets.ports == []
    sockets.close()


def test_a_weak_secret_ends_the_start(certificates: Path, tmp_path: Path):
    with pytest.raises(WeakSecretError, match="loopback"):
        server(described(tmp_path, b"testing123"), book(), certificates, PASSWORD)
