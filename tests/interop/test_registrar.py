"""Terminals that register, prove who they are, and stay registered (RFC 3261 10 and 22, RFC 3327)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from tests.interop.baresip import Baresip
from tests.interop.kamailio import PORT, Kamailio
from tests.interop.linphone import Linphone
from tests.interop.media import BLUE, GREEN, RED, Person
from tests.interop.namespace import OTHER_TERMINAL, TERMINAL
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.server import ADMIN_PASSWORD, BASE, GUEST_PASSCODE, Administrator, Server
from tests.interop.server import TERMINAL_SECRET as SECRET
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG = "loud-torch-under-7-waters"
TERMINALS = {"ward-3": "Ward 3", "theatre": "Operating theatre", "1042": "Cart 42"}
MD5_ONLY = {
    "DRUMTOWER_SIP_DIGEST_ALGORITHMS": "MD5",
    "DRUMTOWER_REGISTRAR_MIN_EXPIRES_S": "5",
    "DRUMTOWER_GATE_SOURCE_DELAY_S": "0.1",
    "DRUMTOWER_GATE_SOURCE_MAX_DELAY_S": "0.2",
    "DRUMTOWER_GATE_SOURCE_REFUSED_FAILURES": "5",
    "DRUMTOWER_GATE_SOURCE_PAUSE_S": "0.5",
    "DRUMTOWER_GATE_SOURCE_MAX_PAUSE_S": "1",
}
"""The profile for baresip 1.0.0, and times that a test can wait for."""


@dataclass
class Clinic:
    server: Server
    administrator: Administrator

    async def contacts(self, alias: str) -> list[dict[str, Any]]:
        """Where a terminal is registered, as the portal shows it."""
        found = (await self.administrator.call("GET", "/terminals"))["terminals"]
        return next(one["contacts"] for one in found if one["alias"] == alias)

    async def registered(self, alias: str, told: Callable[[], str]) -> dict[str, Any]:
        """Wait until a terminal is registered; its contact. `told` is what the terminal says meanwhile."""

        async def is_registered() -> object:
            return len(await self.contacts(alias)) == 1 or told()[-1500:]

        await until(f"{alias} is registered", is_registered)
        return (await self.contacts(alias))[0]

    async def people(self, room: str) -> dict[str, str]:
        """Who is in the room, with the alias that was proven."""
        rooms = (await self.administrator.call("GET", "/conferences"))["conferences"]
        return {
            one["name"]: one["identity"] for found in rooms if found["number"] == room for one in found["participants"]
        }

    async def counted(self, event: str) -> int:
        """What the registrar counted."""
        found = re.search(rf'drumtower_registrar_total{{event="{event}"}} (\d+)', await self.server.metrics())
        return int(found[1]) if found else 0

    async def restart(self, **environment: str) -> None:
        """Stop and start the server, with other settings."""
        await self.administrator.close()
        await self.server.stop()
        self.server._environment |= environment
        await self.server.serve()
        self.administrator = await self.server.administrator()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinic(tmp_path_factory) -> AsyncIterator[Clinic]:
    server = Server(tmp_path_factory.mktemp("server"), environment=dict(MD5_ONLY))
    await server.start({"1001": {}}, TERMINALS)
    made = Clinic(server, await server.administrator())
    # A change by the portal is known at once, and everything else with it.
    await made.administrator.call("PATCH", "/terminals/ward-3", {"site": "North building"})
    yield made
    await made.administrator.close()
    await server.stop()
    log = server.log()
    assert "Traceback" not in log, log[-4000:]
    assert not [secret for secret in (SECRET, WRONG, GUEST_PASSCODE) if secret in log]


@pytest_asyncio.fixture(loop_scope="module")
async def cleaning() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def account(alias: str, secret: str = SECRET, *, registrar: str = ADDRESS, every_s: int = 60) -> str:
    return f"<sip:{alias}@{registrar}>;auth_pass={secret};regint={every_s}"


async def terminal(cleaning: AsyncExitStack, person: Person, folder: Path, its_account: str, **wishes: Any) -> Baresip:
    number = [RED, GREEN, BLUE].index(person)
    address = (TERMINAL, OTHER_TERMINAL)[number % 2]
    made = await Baresip(
        person, folder / person.name, address, 15_360 + 10 * number, 14_761 + number, 25_000 + 500 * number,
        account=its_account, **wishes,
    ).start()  # fmt: skip
    cleaning.push_async_callback(made.stop)
    return made


async def test_a_terminal_registers_again_and_again_and_calls_as_itself(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, needs
):
    needs("baresip")
    ward = await terminal(cleaning, RED, tmp_path, account("ward-3", every_s=5))
    contact = await clinic.registered("ward-3", ward.log)
    assert (contact["address"], contact["transport"]) == (f"{TERMINAL}:{ward.sip_port}", "udp")
    assert "baresip" in contact["user_agent"]

    async def is_refreshed() -> object:
        [again] = await clinic.contacts("ward-3")
        assert again["registered_at"] == contact["registered_at"]
        return again["expires_at"] > contact["expires_at"]

    await until("it registers again", is_refreshed)
    assert await clinic.counted("binding-refreshed") >= 1

    event = await ward.dial(f"sip:1001**{GUEST_PASSCODE}@{ADDRESS}")
    assert event["type"] == "CALL_ESTABLISHED", ward.log()[-3000:]
    assert await clinic.people("1001") == {"Ward 3": "ward-3"}
    impostor = await terminal(cleaning, GREEN, tmp_path, f"<sip:ward-3@{ADDRESS}>;regint=0")
    event = await impostor.dial(f"sip:1001**{GUEST_PASSCODE}@{ADDRESS}")
    assert event["type"] == "CALL_CLOSED", impostor.log()[-3000:]
    assert await clinic.people("1001") == {"Ward 3": "ward-3"}


async def test_a_wrong_secret_is_refused_and_a_call_is_proven_by_the_right_one(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, needs
):
    needs("baresip")
    wrong = await terminal(cleaning, RED, tmp_path, account("theatre", WRONG))
    refused = re.compile(rf"terminal='theatre' not proven method=REGISTER from=udp:{TERMINAL}:{wrong.sip_port}")

    async def is_refused() -> object:
        return bool(refused.search(clinic.server.log()))

    await until("the wrong secret is in the log", is_refused)
    assert await clinic.contacts("theatre") == []
    # Not registered, so that the call itself has to be proven.
    right = await terminal(cleaning, GREEN, tmp_path, account("theatre", every_s=0))
    event = await right.dial(f"sip:1001**{GUEST_PASSCODE}@{ADDRESS}")
    assert event["type"] == "CALL_ESTABLISHED", right.log()[-3000:]
    assert await clinic.people("1001") == {"Operating theatre": "theatre"}


async def test_terminals_behind_a_proxy_register_and_call(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, needs
):
    needs("baresip", "kamailio")
    proxy = Kamailio(tmp_path / "kamailio", OTHER_TERMINAL).start()
    cleaning.callback(proxy.stop)
    away = f"{OTHER_TERMINAL}:{PORT}"
    ward = await terminal(cleaning, RED, tmp_path, f'{account("ward-3")};outbound="sip:{away};lr"')
    contact = await clinic.registered("ward-3", ward.log)
    assert contact["address"] == away
    event = await ward.dial(f"sip:1001**{GUEST_PASSCODE}@{ADDRESS}")
    assert event["type"] == "CALL_ESTABLISHED", f"{ward.log()[-2000:]}\n{proxy.log()[-2000:]}"
    # The proxy's address is no proof, as others come from there too: this one answered a challenge.
    assert await clinic.people("1001") == {"Ward 3": "ward-3"}
    stranger = await terminal(cleaning, BLUE, tmp_path, f'<sip:ward-3@{ADDRESS}>;regint=0;outbound="sip:{away};lr"')
    event = await stranger.dial(f"sip:1001**{GUEST_PASSCODE}@{ADDRESS}")
    assert event["type"] == "CALL_CLOSED", stranger.log()[-2000:]
    await ward.command("hangup")  # a BYE along the recorded route

    async def is_empty() -> object:
        return await clinic.people("1001") == {}

    await until("the room is empty", is_empty)


async def test_registrations_survive_a_restart_and_sha_256_is_used_where_it_is_known(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, artifacts: Path, needs
):
    needs("baresip", "linphonec", "chromium")
    ward = await terminal(cleaning, RED, tmp_path, account("ward-3", every_s=600))
    before = await clinic.registered("ward-3", ward.log)
    await clinic.restart(DRUMTOWER_SIP_DIGEST_ALGORITHMS="SHA-256,MD5")
    assert await clinic.contacts("ward-3") == [before]

    cart = await Linphone(BLUE, tmp_path / "linphone", OTHER_TERMINAL).start()
    cleaning.push_async_callback(cart.stop)
    await cart.say(f"register sip:1042@{ADDRESS} sip:{ADDRESS} {SECRET}")
    await clinic.registered("1042", cart.log)
    assert await clinic.counted("digest-right-SHA-256") == 1
    assert await clinic.counted("digest-right-MD5") == 0
    playwright = await cleaning.enter_async_context(async_playwright())
    browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    cleaning.push_async_callback(browser.close)
    page = await browser.new_page(ignore_https_errors=True, locale="en-GB", viewport={"width": 1366, "height": 768})
    await page.goto(f"{BASE}/terminals")
    await page.get_by_label("User name").fill("admin")
    await page.get_by_label("Password").fill(ADMIN_PASSWORD)
    await page.keyboard.press("Enter")
    row = page.get_by_role("row", name="Ward 3")
    await row.get_by_text(f"{TERMINAL}:{ward.sip_port}").wait_for()
    await page.get_by_role("row", name="Cart 42").get_by_text("UDP").wait_for()
    await page.screenshot(path=artifacts / "terminals.png")
