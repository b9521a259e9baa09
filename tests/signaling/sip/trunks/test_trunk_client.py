"""Registering with a trunk over loopback sockets: digest, renewal, a lost path, good-bye."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.sip import SipSettings
from config.trunks import TrunkSettings
from crypto.ha1 import Ha1
from crypto.secret import Secret
from signaling.sip.authentication.digest import Challenge, parse_answer
from signaling.sip.server_request import ServerRequest
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.trunk import Trunks
from signaling.sip.trunks.trunk_client import TrunkClients
from signaling.sip.ua import UserAgent

SECRET = Secret("amber-signal")


class Exchange:
    """A registrar of one client."""

    def __init__(self, realm: str = "pbx") -> None:
        self.ua = UserAgent(SipSettings(port=0))
        self.realm = realm
        self.accepted: list[tuple[str, str]] = []
        """Contact and Expires."""
        self.answers = 0
        self.ua.serve("REGISTER", self._register)

    def _register(self, asked: ServerRequest) -> None:
        headers = asked.request.headers
        credentials = headers.get("Authorization")
        if not credentials:
            asked.reply(401, "", (("WWW-Authenticate", Challenge(self.realm, "n1").serialize()),))
            return
        self.answers += 1
        if not parse_answer(credentials).is_right(Ha1.of("hospital", self.realm, SECRET), "REGISTER"):
            asked.reply(403)
            return
        self.accepted.append((headers.get("Contact"), headers.get("Expires")))
        asked.reply(200, "", (("Contact", headers.get("Contact")),))


@asynccontextmanager
async def trunk(exchange: Exchange, **settings) -> AsyncIterator[tuple[Trunks, UserAgent]]:
    await exchange.ua.start()
    ua = UserAgent(SipSettings(port=0))
    await ua.start()
    port = exchange.ua.local_addresses[0][1]
    wishes = {"registers": True, "user": "hospital", "realm": "pbx", "domain": "pbx.example"} | settings
    trunks = Trunks([TrunkSettings(name="pstn", hosts=(f"127.0.0.1:{port}",), **wishes)], {"pstn": SECRET})
    clients = TrunkClients(trunks, ua)
    clients.start()
    try:
        yield trunks, ua
    finally:
        await clients.stop()
        await ua.stop()
        await exchange.ua.stop()
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def until(claim) -> None:
    async with asyncio.timeout(3):
        while not claim():
            await asyncio.sleep(0.005)


async def test_registered_with_digest_and_taken_back():
    exchange = Exchange()
    async with trunk(exchange) as (trunks, ua):
        made = trunks.get("pstn")
        await until(lambda: made.state == "registered")
        [(contact, expires)] = exchange.accepted
        assert contact.startswith("<sip:trunk-pstn@127.0.0.1:")
        assert (expires, made.trouble) == ("600", "")
        assert made.sends(Flow("udp", ("127.0.0.1", 1), ("127.0.0.1", 2)), ())
    assert exchange.accepted[-1][1] == "0"
    assert made.state == "unregistered"
    assert ua.counters["trunk-foreign-realm"] == 0


async def test_a_foreign_realm_gets_nothing():
    exchange = Exchange("elsewhere")
    async with trunk(exchange) as (trunks, ua):
        made = trunks.get("pstn")
        await until(lambda: made.state == "failed")
        assert made.trouble == "401 Unauthorized"
        assert ua.counters["trunk-foreign-realm"] == 1
    assert exchange.answers == 0


async def test_keep_alives_notice_a_trunk_that_refuses_nothing():
    exchange = Exchange()
    async with trunk(exchange, keep_alive_s=0.02) as (trunks, _):
        made = trunks.get("pstn")
        await until(lambda: made.state == "registered")
        await asyncio.sleep(0.1)
        assert len(exchange.accepted) == 1  # the OPTIONS are answered: nothing has to be registered again
        assert made.state == "registered"
