"""From the command line to a terminal in the network: certificates, a secret, a device, and the server on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth8021x.eapserver.stored_book import SupplicantOffice
from auth8021x.wire import packet
from auth8021x.wire.dictionary import Code
from config.dot1x import Dot1xSettings
from config.dot1x_server import EapServerSettings, RadiusClientSettings
from crypto.certificates import CertificateError
from crypto.keys import generate
from crypto.network_certificates import NetworkCertificates, key_password, write_new
from drumtower.eap_server import EmbeddedRadius
from store.database import Database
from tests.auth8021x.eapserver.world import SECRET, Switch, TlsPeer

MASTER = generate()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/drumtower.db")
    await made.open()
    yield made
    await made.close()


def described(tmp_path: Path) -> Dot1xSettings:
    write_new(tmp_path / "secret", SECRET)
    client = RadiusClientSettings("loopback", ("127.0.0.1",), str(tmp_path / "secret"))
    return Dot1xSettings(eap_server=EapServerSettings(port=0, clients=(client,)))


class Wire:
    """Carries requests to a port, as a server would take them."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(10)
        self._socket.connect(("127.0.0.1", port))

    def receive(self, octets: bytes, *_facts: object) -> bytes:
        self._socket.send(octets)
        return self._socket.recv(4096)

    def close(self) -> None:
        self._socket.close()


async def test_a_device_gets_in(database: Database, tmp_path: Path):
    now, folder = datetime.now(UTC), tmp_path / "dot1x"
    made = NetworkCertificates(folder, key_password(MASTER))
    made.ensure_authority(now)
    made.ensure_server("radius.ward.example", now)
    made.make_client("cart-7", now)
    await SupplicantOffice(database.supplicants, MASTER).add("cart-7", "", None, None, may_bypass=False, has_md5=False)
    radius = EmbeddedRadius(described(tmp_path), tmp_path, database, MASTER)
    await radius.start()
    told = list[int]()
    radius.observe_logins(lambda: told.append(1))
    wire = Wire(radius.ports[0])
    switch = Switch(wire)  # type: ignore[arg-type]
    answer = await asyncio.to_thread(switch.run, TlsPeer("cart-7", folder, folder / "cart-7"))
    assert answer.code == Code.ACCESS_ACCEPT
    assert packet.parse(answer.serialize()) == answer
    assert radius.counters()["eap-server-accepted"] == 1
    refused = await asyncio.to_thread(switch.run, TlsPeer("somebody", folder))
    assert refused.code == Code.ACCESS_REJECT
    ((inside,), (outside,)) = radius.let_in(), radius.refused()
    assert (inside.client, inside.identity, inside.method, inside.mac) == (
        "loopback", "cart-7", "EAP-TLS", "02:00:00:aa:00:01",
    )  # fmt: skip
    assert (outside.identity, outside.reason, len(told)) == ("somebody", "tls-refused", 2)
    assert [(each.name, each.networks, each.is_excused) for each in radius.clients()] == [
        ("loopback", ("127.0.0.1",), False)
    ]
    wire.close()
    before = asyncio.all_tasks()
    await radius.stop()
    assert radius.ports == []
    assert len(asyncio.all_tasks()) == len(before) - 1


async def test_without_clients_there_is_nothing_to_start(database: Database, tmp_path: Path):
    radius = EmbeddedRadius(Dot1xSettings(), tmp_path, database, MASTER)
    await radius.start()
    assert (radius.ports, radius.counters()) == ([], {})
    await radius.stop()


async def test_without_certificates_the_start_says_what_to_do(database: Database, tmp_path: Path):
    with pytest.raises(CertificateError, match="drumtower dot1x certificates"):
        EmbeddedRadius(described(tmp_path), tmp_path, database, MASTER)
