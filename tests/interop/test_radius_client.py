"""Our RADIUS client against FreeRADIUS: who gets in, dead servers, hundreds at once, accounting, RadSec, orders."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from auth8021x.errors import NoAnswerError
from auth8021x.radius import setup
from auth8021x.radius.accounting import AccountingClient
from auth8021x.radius.accounting_queue import AccountingQueue
from auth8021x.radius.client import RadiusClient
from auth8021x.radius.dynamic_client import DynamicOrders
from auth8021x.radius.journal import Journal
from auth8021x.radius.request import Answered, Request
from auth8021x.wire import attribute, eap, eap_message, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctStatusType, Code, ServiceType, Type
from auth8021x.wire.eap import Eap, Method
from config.dot1x import Dot1xSettings
from tests.interop.freeradius import SECRET, SERVER_NAME, FreeRadius


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("freeradius")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FreeRadius]:
    running = FreeRadius(tmp_path / "one").start()
    yield running
    running.stop()


def described(tmp_path: Path, *servers: dict[str, object], secret: str = SECRET, **more: object) -> Dot1xSettings:
    """Settings with these servers; all have one secret."""
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_text(secret + "\n")
    entries = [
        {"name": f"r{number}", "address": "127.0.0.1", "secret_file": str(file), **each}
        for number, each in enumerate(servers or ({},))
    ]
    return msgspec.convert({"servers": entries, **more}, Dot1xSettings)


@contextmanager
def asking(settings: Dot1xSettings, purpose: setup.Purpose = "authentication") -> Iterator[RadiusClient]:
    made = setup.client(settings, purpose)
    try:
        yield made
    finally:
        made.close()


def with_password(user: str, password: str) -> Request:
    name = attribute.text(Type.USER_NAME, user)
    kind = attribute.number(Type.SERVICE_TYPE, ServiceType.CALL_CHECK)
    return Request(Code.ACCESS_REQUEST, (name, kind, attribute.nas_address("127.0.0.1")), password.encode())


async def md5(client: RadiusClient, user: str, password: str) -> Answered:
    """A whole EAP-MD5 (RFC 3748 5.4)."""
    name = attribute.text(Type.USER_NAME, user)
    identity = Eap(eap.Code.RESPONSE, 1, Method.IDENTITY, user.encode())
    first = await client.ask(Request(Code.ACCESS_REQUEST, (name, *eap_message.split(identity.serialize()))))
    assert first.packet.code == Code.ACCESS_CHALLENGE
    challenge = eap_message.join(first.packet.attributes)
    assert challenge is not None
    assert challenge.type == Method.MD5_CHALLENGE
    size = challenge.data[0]
    proof = hashlib.md5(bytes((challenge.identifier,)) + password.encode() + challenge.data[1 : 1 + size]).digest()
    response = Eap(eap.Code.RESPONSE, challenge.identifier, Method.MD5_CHALLENGE, bytes((16,)) + proof)
    state = attribute.first(first.packet.attributes, Type.STATE)
    assert state is not None
    attributes = (name, *eap_message.split(response.serialize()), Attribute(Type.STATE, state))
    return await client.ask(Request(Code.ACCESS_REQUEST, attributes, server=first.server))


async def test_who_gets_in_and_with_what(server: FreeRadius, tmp_path: Path):
    with asking(described(tmp_path)) as client:
        good = await client.ask(with_password("020000aa0001", "020000aa0001"))
        assert good.packet.code == Code.ACCESS_ACCEPT
        assert tunnel.vlan(good.packet.attributes) == "99"
        assert attribute.first(good.packet.attributes, Type.MESSAGE_AUTHENTICATOR) is not None
        assert not good.is_excused
        bad = await client.ask(with_password("020000aa0001", "guess"))
        assert bad.packet.code == Code.ACCESS_REJECT
        assert client.core.counters == {"sent": 2, "answered": 2}


async def test_a_whole_eap_authentication(server: FreeRadius, tmp_path: Path):
    with asking(described(tmp_path)) as client:
        good = await md5(client, "vt1", "vtpass1")
        assert good.packet.code == Code.ACCESS_ACCEPT
        joined = eap_message.join(good.packet.attributes)
        assert joined is not None
        assert joined.code == eap.Code.SUCCESS
        assert tunnel.vlan(good.packet.attributes) == "42"
        assert attribute.first_text(good.packet.attributes, Type.FILTER_ID) == "telemed-video"
        assert attribute.every(good.packet.attributes, Type.CLASS) == [b"room-a"]
        bad = await md5(client, "vt1", "guess")
        assert bad.packet.code == Code.ACCESS_REJECT


async def test_with_a_wrong_secret_nobody_answers(server: FreeRadius, tmp_path: Path):
    settings = described(tmp_path, secret="not what the server knows", timers={"retransmit_s": 0.1, "max_tries": 2})
    with asking(settings) as client:
        with pytest.raises(NoAnswerError, match="no-answer"):
            await client.ask(with_password("vt1", "vtpass1"))
        assert not client.core.is_up("r0")
    assert "Message-Authenticator" in server.log()


async def test_600_at_once(server: FreeRadius, tmp_path: Path):
    with asking(described(tmp_path)) as client:
        found = await asyncio.gather(*(md5(client, "load", "loadpass") for _ in range(600)))
    assert {each.packet.code for each in found} == {Code.ACCESS_ACCEPT}


async def test_the_second_server_takes_over_and_the_first_comes_back(server: FreeRadius, tmp_path: Path):
    other = FreeRadius(tmp_path / "two", auth_port=1912, acct_port=1913, coa_port=3899).start()
    timers = {"probe_interval_s": 0.3, "probe_timeout_s": 0.2}
    settings = described(tmp_path, {}, {"authentication_port": 1912, "accounting_port": 1913}, timers=timers)
    try:
        with asking(settings) as client:
            assert (await md5(client, "vt1", "vtpass1")).server == "r0"
            server.stop()
            started = time.monotonic()
            assert (await md5(client, "vt1", "vtpass1")).server == "r1"
            assert time.monotonic() - started < 5
            assert not client.core.is_up("r0")
            server.start()
            async with asyncio.timeout(10):
                while not client.core.is_up("r0"):
                    await asyncio.sleep(0.05)
            assert (await md5(client, "vt1", "vtpass1")).server == "r0"
    finally:
        other.stop()


async def test_accounting_waits_for_the_server_over_a_restart(server: FreeRadius, tmp_path: Path):
    settings = described(
        tmp_path, timers={"retransmit_s": 0.1, "max_tries": 2, "probe_interval_s": 0.2}, accounting={"retry_s": 0.2}
    )
    server.stop()
    journal = tmp_path / "accounting"
    session = (attribute.text(Type.ACCT_SESSION_ID, "bed-7"), attribute.text(Type.USER_NAME, "vt1"))

    async def delivering(enough) -> None:
        with asking(settings, "accounting") as client:
            accounting = AccountingClient(AccountingQueue(settings.accounting), Journal(journal), client)
            await accounting.load()
            running = asyncio.create_task(accounting.run())
            try:
                async with asyncio.timeout(15):
                    while not enough(accounting):
                        await asyncio.sleep(0.02)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    def told(accounting: AccountingClient) -> bool:
        if not len(accounting.queue):
            accounting.put("bed-7", AcctStatusType.START, session)
            accounting.put("bed-7", AcctStatusType.STOP, session)
        return accounting.queue.counters["failed"] > 0

    await delivering(told)
    assert server.accounted() == ""
    server.start()
    await delivering(lambda accounting: accounting.queue.counters["delivered"] == 2)
    text = server.accounted()
    assert text.index("Acct-Status-Type = Start") < text.index("Acct-Status-Type = Stop")
    assert text.count('Acct-Session-Id = "bed-7"') == 2
    assert text.count("Acct-Delay-Time") == 2
    assert text.count("Event-Timestamp") == 2


def radsec(folder: Path, **more: object) -> dict[str, object]:
    files = {"tls_ca": "ca.pem", "tls_certificate": "client.pem", "tls_key": "client.key"}
    return {
        "transport": "radsec", "secret_file": "", "tls_name": SERVER_NAME, "authentication_port": 2083,
        **{key: str(folder / name) for key, name in files.items()}, **more,
    }  # fmt: skip


async def test_radsec(tmp_path: Path):
    server = FreeRadius(tmp_path / "one", radsec_port=2083).start()
    try:
        with asking(described(tmp_path, radsec(server.folder))) as client:
            assert (await md5(client, "vt1", "vtpass1")).packet.code == Code.ACCESS_ACCEPT
            found = await asyncio.gather(*(md5(client, "load", "loadpass") for _ in range(300)))
            assert {each.packet.code for each in found} == {Code.ACCESS_ACCEPT}
            server.stop()
            await asyncio.sleep(0.1)
            server.start()
            assert (await md5(client, "vt1", "vtpass1")).packet.code == Code.ACCESS_ACCEPT, "it connects again"
        with asking(described(tmp_path, radsec(server.folder)), "accounting") as client:
            told = Request(Code.ACCOUNTING_REQUEST, (attribute.number(Type.ACCT_STATUS_TYPE, 1),))
            assert (await client.ask(told)).packet.code == Code.ACCOUNTING_RESPONSE
    finally:
        server.stop()


@pytest.mark.parametrize("wrong", [{"tls_name": "other.hospital.test"}, {"expired": True}])
async def test_radsec_with_whom_it_should_not(tmp_path: Path, wrong: dict[str, object]):
    server = FreeRadius(tmp_path / "one", radsec_port=2083).start()
    entry = radsec(server.folder)
    if wrong.pop("expired", False):
        entry |= {"tls_certificate": str(server.folder / "expired.pem"), "tls_key": str(server.folder / "expired.key")}
    try:
        settings = described(tmp_path, entry | wrong, timers={"retransmit_s": 0.1, "max_tries": 2})
        with asking(settings) as client, pytest.raises(NoAnswerError):
            await client.ask(with_password("vt1", "vtpass1"))
    finally:
        server.stop()


async def test_orders_to_others(server: FreeRadius, tmp_path: Path):
    with asking(described(tmp_path, {"authentication_port": 3799})) as client:
        orders = DynamicOrders(client)
        done = await orders.disconnect("r0", (attribute.text(Type.USER_NAME, "vt1"),))
        assert done.is_done
        changes = (attribute.number(Type.SESSION_TIMEOUT, 60),)
        assert (await orders.change("r0", (attribute.text(Type.USER_NAME, "vt1"),), changes)).is_done
        refused = await orders.disconnect("r0", (attribute.text(Type.USER_NAME, "nobody"),))
        assert (refused.is_done, refused.error_cause) == (False, 503)


async def test_an_answer_without_message_authenticator_opens_nothing_unless_that_is_switched_off(
    server: FreeRadius, tmp_path: Path
):
    timers = {"retransmit_s": 0.1, "max_tries": 2}
    with asking(described(tmp_path, timers=timers)) as client:
        with pytest.raises(NoAnswerError):
            await client.ask(with_password("old", "oldpass"))
        assert client.core.counters["no-message-authenticator"] == 2
    with asking(described(tmp_path, {"demands_message_authenticator": False})) as client:
        found = await client.ask(with_password("old", "oldpass"))
        assert found.is_excused
        assert client.core.counters["excused"] == 1
