"""Browsers behind walls: only a relay, no UDP, a NAT with nothing but TURN over TCP. Sound and pictures get through."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop import browser, coturn, oracles
from tests.interop.browser import Visitor
from tests.interop.coturn import Coturn
from tests.interop.elsewhere import Elsewhere
from tests.interop.hall import Hall, hall
from tests.interop.media import BLUE, RED
from tests.interop.server import BASE, GUEST_PASSCODE, HTTP_PORT
from tests.interop.waiting import until
from tests.interop.walls import OUTSIDE, NatPlace, wall

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    folder = tmp_path_factory.mktemp("networks")
    secret = folder / "turn-secret"
    secret.touch(0o600)
    secret.write_text(coturn.SECRET + "\n")
    settings = f'\n[webrtc]\nturn_urls = {coturn.URLS}\nturn_secret_file = "{secret}"\n'
    async with hall(folder, {f"10{number:02}": {} for number in range(1, 5)}, settings) as made:
        yield made
        assert "Traceback" not in made.server.log(), made.server.log()[-4000:]
        assert coturn.SECRET not in made.server.log()


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("chromium", "nft", "nsenter", "unshare", "turnserver")


@pytest.fixture
def relay(tmp_path: Path):
    running = Coturn(tmp_path)
    yield running
    running.stop()


@asynccontextmanager
async def meeting(site: Hall, room: str, folder: Path, program: str = browser.CHROMIUM, query: str = ""):
    """Red sits in the hospital, blue wherever `program` runs; both have come in."""
    away = await browser.launch(site.playwright, BLUE, folder, program)
    try:
        async with site.visitors(room, RED) as (red,):
            blue = await Visitor.open(away, f"{BASE}/join/{room}{query}", locale="en")
            await blue.join("blue", GUEST_PASSCODE)
            yield red, blue
    finally:
        await away.close()


async def is_whole(red: Visitor, blue: Visitor) -> None:
    """Each sees both and hears the other."""
    for visitor in (red, blue):
        await until("both are seen", lambda v=visitor: sees(v))

    async def talk() -> object:
        heard = await asyncio.gather(hears(red, "blue"), hears(blue, "red"))
        return heard == [True, True] or heard

    await until("they hear each other", talk)


async def sees(visitor: Visitor) -> object:
    seen = set(oracles.seen(await visitor.picture()))
    return seen == {"red", "blue"} or seen


async def hears(visitor: Visitor, name: str) -> object:
    heard = oracles.heard(await visitor.sound(1.0), 48_000)
    return heard == {name} or heard


async def way(visitor: Visitor) -> dict[str, str]:
    """The candidates of the selected pair by the browser's own word: type, protocol, relayProtocol."""
    found: dict[str, str] = await visitor.page.evaluate("""async () => {
      const report = await window.__connections.at(-1).getStats(); let found = {};
      report.forEach((row) => { if (row.type === 'transport' && row.selectedCandidatePairId) {
        const pair = report.get(row.selectedCandidatePairId);
        const {candidateType, protocol, relayProtocol = ''} = report.get(pair.localCandidateId);
        found = {candidateType, protocol, relayProtocol};
      } });
      return found;
    }""")
    return found


async def test_a_browser_that_may_only_relay(site: Hall, relay: Coturn, tmp_path: Path):
    assert f"{coturn.URLS[0]} answers and takes our credentials" in site.server.run("doctor", check=False).stdout
    async with meeting(site, "1001", tmp_path, query="?relay=1") as (red, blue):
        await is_whole(red, blue)
        assert (await way(blue))["candidateType"] == "relay"
        assert (await way(red))["candidateType"] != "relay"
        servers = await blue.page.evaluate("() => window.__connections.at(-1).getConfiguration().iceServers")
        (server,) = [server for server in servers if server["username"]]
        proof = hmac.new(coturn.SECRET.encode(), server["username"].encode(), hashlib.sha1).digest()
        assert server["credential"] == b64encode(proof).decode()
        assert server["credential"] not in site.server.log()
        assert re.search(rf"user <{server['username']}>.*ALLOCATE processed, success", relay.log())


async def test_a_browser_without_udp_comes_in_by_tcp_and_moves_with_its_network(site: Hall, tmp_path: Path):
    place = Elsewhere("10.78.0.2")
    try:
        with ExitStack() as walls:
            walls.enter_context(wall("far0", "meta l4proto udp"))
            async with meeting(site, "1002", tmp_path, place.wrapped(tmp_path)) as (red, blue):
                await is_whole(red, blue)
                assert (await way(blue))["protocol"] == "tcp"
                before = (await site.people("1002"))["blue"]["id"]
                walls.close()
                await blue.say('{"type":"restart-ice"}')
                await goes_by(blue, "udp")
                with wall("far0", "meta l4proto udp"):
                    await goes_by(blue, "tcp")
                    await is_whole(red, blue)
                assert (await site.people("1002"))["blue"]["id"] == before
                assert await blue.page.evaluate("() => window.__connections.length") == 1
    finally:
        place.close()


async def goes_by(visitor: Visitor, protocol: str) -> None:
    """Wait until the browser has chosen a path of this protocol."""

    async def has_moved() -> object:
        found = await way(visitor)
        return found.get("protocol") == protocol or found

    await until(f"the path goes by {protocol}", has_moved, 30)


async def test_a_browser_behind_a_nat_that_lets_only_the_relay_through_over_tcp(
    site: Hall, relay: Coturn, tmp_path: Path
):
    place = NatPlace(f"tcp dport {HTTP_PORT}\ntcp dport {coturn.PORT}")
    try:
        async with meeting(site, "1004", tmp_path, place.wrapped(tmp_path)) as (red, blue):
            await is_whole(red, blue)
            assert await way(blue) == {"candidateType": "relay", "protocol": "udp", "relayProtocol": "tcp"}
            assert "CHANNEL_BIND processed, success" in relay.log()
            assert (await site.people("1004"))["blue"]["address"] == OUTSIDE
    finally:
        place.close()
