"""Calls over TLS between two user agents on loopback: who is believed, what is used again, what a handshake costs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.sip import SipSettings
from mcu.media import Grade
from signaling.errors import SipError
from signaling.sip.call_handle import CallRefused
from signaling.sip.server import SipServer
from signaling.sip.transactions.transaction import Flow
from signaling.sip.transport.tls import TlsContexts
from signaling.sip.ua import UserAgent
from tests.signaling.fakes import FakeCalls, FakeFleet, FakeGate
from tests.signaling.sip import offers
from tests.signaling.sip.transport.authorities import Authority


class World:
    def __init__(self, server: TlsContexts, client: TlsContexts, **changes) -> None:
        self.gate, self.calls, self.fleet = FakeGate(), FakeCalls(), FakeFleet()
        settings = SipSettings(port=0, tls_port=0, **changes)
        self.server = SipServer(settings, self.gate, self.calls, self.fleet, tls=server)
        self.ua = UserAgent(SipSettings(port=0), tls=client)

    @property
    def port(self) -> int:
        return self.server.agent.transports.tls_addresses[0][1]

    def uri(self, host: str = "127.0.0.1", scheme: str = "sip") -> str:
        return f"{scheme}:1001@{host}:{self.port}" + (";transport=tls" if scheme == "sip" else "")

    async def refusal(self, uri: str) -> int:
        call = await self.ua.invite(uri, offers.BARESIP_SDES)
        with pytest.raises(CallRefused) as caught:
            await call.answered()
        return caught.value.status


@asynccontextmanager
async def world(server: TlsContexts, client: TlsContexts, **changes) -> AsyncIterator[World]:
    it = World(server, client, **changes)
    await it.server.start()
    await it.ua.start()
    try:
        yield it
    finally:
        await it.ua.stop()
        await it.server.stop()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert left == []


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("hospital"), "127.0.0.1", names=("localhost",))


@pytest.mark.parametrize("scheme", ["sip", "sips"])
async def test_sdes_over_tls_is_authenticated_and_over_udp_not_good_enough(hospital: Authority, scheme: str):
    async with world(hospital.server(), hospital.client()) as it:
        it.gate.required = Grade.AUTHENTICATED
        call = await it.ua.invite(it.uri(scheme=scheme), offers.BARESIP_SDES)
        await call.answered()
        leg, _ = it.calls.joined[1]
        assert leg.media.grade is Grade.AUTHENTICATED
        assert it.gate.requests[0].has_secure_signalling
        assert len(it.ua.transports.connections) == 1
        await call.reinvite(offers.BARESIP_SDES.replace(b"a=sendrecv", b"a=inactive"))
        await call.bye()
        # The same connection, in both directions.
        assert len(it.server.agent.transports.connections) == 1
        host, port = it.server.local_addresses[0]
        assert await it.refusal(f"sip:1001@{host}:{port}") == 488


async def test_a_name_is_looked_up_and_has_to_be_in_the_certificate(hospital: Authority, tmp_path: Path):
    async with world(hospital.server(), hospital.client()) as it:
        await (await it.ua.invite(it.uri("localhost"), offers.BARESIP_SDES)).answered()
    other = Authority(tmp_path / "other", "192.0.2.1", names=("other.example",))
    async with world(other.server(), other.client()) as it:
        assert await it.refusal(it.uri()) == 503
        assert await it.refusal(it.uri("localhost")) == 503
        assert (len(it.ua.transports.connections), it.ua.counters["tls-connect-failed"]) == (0, 2)


async def test_another_authority_is_not_believed(hospital: Authority, tmp_path: Path):
    impostor = Authority(tmp_path / "impostor", "127.0.0.1")
    async with world(impostor.server(), hospital.client()) as it:
        assert await it.refusal(it.uri()) == 503
        assert it.gate.requests == []


async def test_a_connection_made_for_one_name_is_not_used_for_another(hospital: Authority):
    async with world(hospital.server(), hospital.client()) as it:
        await (await it.ua.invite(it.uri(), offers.BARESIP_SDES)).answered()
        await (await it.ua.invite(it.uri("localhost"), offers.BARESIP_SDES)).answered()
        assert len(it.ua.transports.connections) == 2
        await (await it.ua.invite(it.uri("LOCALHOST"), offers.BARESIP_SDES)).answered()
        assert len(it.ua.transports.connections) == 2


async def test_a_connection_that_came_in_is_not_used_for_a_name_that_is_called(hospital: Authority):
    """Whoever connects to us from a callee's address has shown no certificate, so that it is not the callee."""
    async with world(hospital.server(), hospital.client()) as it:
        await (await it.ua.invite(it.uri(), offers.BARESIP_SDES)).answered()
        transports = it.server.agent.transports
        (connection,) = transports.connections
        remote, sent = connection.flow.remote, []
        connection.send = lambda data, failed=None: sent.append(data)
        for host in ("", "pbx.hospital.example"):
            failed = asyncio.Event()
            transports.send(b"INVITE", Flow("tls", ("127.0.0.1", it.port), remote, host=host), failed.set)
            async with asyncio.timeout(3):
                await failed.wait()
        assert sent == []


async def test_trunks_show_who_they_are(hospital: Authority):
    server = hospital.server(wants_clients=True)
    async with world(server, hospital.client()) as it:
        assert await it.refusal(it.uri()) == 503
    async with world(server, hospital.client(shows=True)) as it:
        await (await it.ua.invite(it.uri(), offers.BARESIP_SDES)).answered()
        (connection,) = it.server.agent.transports.connections
        assert it.server.agent.transports.peer_names(connection.flow) == {"127.0.0.1", "localhost"}


async def test_udp_and_tcp_cannot_be_called_with_sips(hospital: Authority):
    async with world(hospital.server(), hospital.client()) as it:
        with pytest.raises(SipError) as caught:
            await it.ua.invite(it.uri(scheme="sips") + ";transport=udp", offers.BARESIP_SDES)
        assert caught.value.status == 416


async def test_old_tls_is_refused(hospital: Authority):
    async with world(hospital.server(), hospital.client()) as it:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", it.port, ssl=context)


async def test_handshakes_that_do_not_end_are_ended_and_keep_nobody_out(hospital: Authority):
    limits = {"max_half_open": 5, "max_connections_per_source": 100, "tls_handshake_s": 1.0}
    async with world(hospital.server(), hospital.client(), **limits) as it:
        held = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(20)]
        call = await it.ua.invite(it.uri(), offers.BARESIP_SDES)
        await call.answered()
        table = it.server.agent.transports.connections
        assert len(table) <= 6
        counters = it.server.counters
        assert counters["stream-made-way"] > 0
        assert counters["stream-made-way"] + counters["tls-accept-failed"] >= 14  # on a slow day their time is up first
        async with asyncio.timeout(5):
            for reader, writer in held:
                assert await reader.read() == b""
                writer.close()
            while len(table) > 1:
                await asyncio.sleep(0.01)
        assert table.half_open == 0


async def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path):
    old = Authority(tmp_path / "old", "127.0.0.1")
    new = Authority(tmp_path / "new", "127.0.0.1")
    contexts = old.server()
    async with world(contexts, new.client()) as it:
        assert await it.refusal(it.uri()) == 503
        assert contexts.server is not None
        new.certificate.load_into(contexts.server)
        await (await it.ua.invite(it.uri(), offers.BARESIP_SDES)).answered()
