"""Terminals behind a NAT that forgets quickly: they register, are heard, and what we ask of them reaches them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.interop.baresip import Baresip
from tests.interop.media import GREEN, RED
from tests.interop.namespace import OTHER_TERMINAL
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.server import GUEST_PASSCODE, Administrator, Server
from tests.interop.server import TERMINAL_SECRET as SECRET
from tests.interop.waiting import until
from tests.interop.walls import OUTSIDE, NatPlace

pytestmark = pytest.mark.asyncio(loop_scope="module")

INSIDE = "192.168.77.2"
NAT_FORGETS_S = 5
SETTINGS = {
    "DRUMTOWER_SIP_DIGEST_ALGORITHMS": "MD5",  # all that baresip 1.0.0 knows
    "DRUMTOWER_SIP_UDP_PING_S": "2",
}


@dataclass
class Clinic:
    server: Server
    administrator: Administrator

    async def people(self, room: str) -> dict[str, dict[str, Any]]:
        rooms = (await self.administrator.call("GET", "/conferences"))["conferences"]
        return {one["name"]: one for found in rooms if found["number"] == room for one in found["participants"]}

    async def contacts(self, alias: str) -> list[dict[str, Any]]:
        found = (await self.administrator.call("GET", "/terminals"))["terminals"]
        contacts: list[dict[str, Any]] = next(one["contacts"] for one in found if one["alias"] == alias)
        return contacts

    async def remove(self, room: str, name: str) -> None:
        """Hang up on somebody."""
        number = (await self.people(room))[name]["id"]
        await self.administrator.call("DELETE", f"/conferences/{room}/participants/{number}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinic(tmp_path_factory) -> AsyncIterator[Clinic]:
    server = Server(tmp_path_factory.mktemp("server"), environment=SETTINGS)
    await server.start({"1001": {}, "1002": {}, "1003": {}}, {"red": "Cart red"})
    administrator = await server.administrator()
    yield Clinic(server, administrator)
    await administrator.close()
    await server.stop()
    assert "Traceback" not in server.log(), server.log()[-4000:]
    assert SECRET not in server.log()


@pytest_asyncio.fixture(loop_scope="module")
async def cleaning() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def nat(cleaning: AsyncExitStack, *, is_symmetric: bool = False) -> NatPlace:
    place = NatPlace("meta l4proto { tcp, udp }", is_symmetric=is_symmetric, udp_timeout_s=NAT_FORGETS_S)
    cleaning.callback(place.close)
    return place


async def behind(cleaning: AsyncExitStack, place: NatPlace, folder: Path, **wishes: Any) -> Baresip:
    made = Baresip(RED, folder / "red", INSIDE, 15_060, 14_461, 20_000, place=place.inside, **wishes)
    await made.start()
    cleaning.push_async_callback(made.stop)
    return made


async def outside(cleaning: AsyncExitStack, folder: Path, room: str) -> Baresip:
    made = await Baresip(GREEN, folder / "green", OTHER_TERMINAL, 15_070, 14_462, 21_000).start()
    cleaning.push_async_callback(made.stop)
    assert (await made.dial(dialled(room)))["type"] == "CALL_ESTABLISHED", made.log()[-3000:]
    return made


def dialled(room: str, transport: str = "udp") -> str:
    return f"sip:{room}**{GUEST_PASSCODE}@{ADDRESS}" + (f";transport={transport}" if transport != "udp" else "")


async def hear_each_other(red: Baresip, green: Baresip) -> None:
    async def do() -> object:
        heard = (await red.hears(), await green.hears())
        return heard == ({"green"}, {"red"}) or heard

    await until("they hear each other", do)


async def see_each_other(red: Baresip, green: Baresip) -> None:
    async def do() -> object:
        shown = ((await red.pictures())[0], (await green.pictures())[0])
        return min(shown) > 10 or shown

    await until("they see pictures", do)


@pytest.mark.parametrize(("is_symmetric", "room"), [(False, "1001"), (True, "1002")], ids=["nat", "symmetric"])
async def test_a_registered_terminal_behind_a_nat(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, is_symmetric: bool, room: str, needs
):
    needs("baresip", "nft")
    account = f"<sip:red@{ADDRESS}>;auth_pass={SECRET};regint=300"
    red = await behind(cleaning, nat(cleaning, is_symmetric=is_symmetric), tmp_path, account=account)

    async def is_registered() -> object:
        sources = [one["address"] for one in await clinic.contacts("red")]
        return any(source.startswith(OUTSIDE) for source in sources) or (sources, red.log()[-1500:])

    await until("red is registered, seen from outside", is_registered)
    green = await outside(cleaning, tmp_path, room)
    assert (await red.dial(dialled(room)))["type"] == "CALL_ESTABLISHED", red.log()[-3000:]
    began = asyncio.get_running_loop().time()
    await hear_each_other(red, green)
    await see_each_other(red, green)
    person = (await clinic.people(room))["Cart red"]
    assert (person["address"], person["identity"], person["grade"]) == (OUTSIDE, "red", "opportunistic")
    # Its own re-INVITEs go by the same way, and the sound follows.
    await red.command("hold")

    async def is_held() -> object:
        codecs = (await clinic.people(room))["Cart red"]["codecs"]
        return codecs == [] or codecs

    await until("red is on hold", is_held)
    seen = (await red.pictures())[0]
    await red.command("resume")

    async def goes_on() -> object:
        found = (await green.hears(), (await red.pictures())[0] - seen)
        return (found[0] == {"red"} and found[1] > 10) or found

    await until("green hears red, and red sees pictures again", goes_on)
    # Longer than the NAT remembers a port on which nothing passes, nothing of SIP is to be said.
    await asyncio.sleep(max(0.0, began + NAT_FORGETS_S + 2.5 - asyncio.get_running_loop().time()))
    await clinic.remove(room, "Cart red")
    await red.wait_for(lambda event: event["type"] == "CALL_CLOSED", 5.0)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_streams_from_behind_a_nat(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, transport: str, needs
):
    needs("baresip", "nft")
    red = await behind(cleaning, nat(cleaning, is_symmetric=True), tmp_path, transport=transport, video="")
    assert (await red.dial(dialled("1003", transport)))["type"] == "CALL_ESTABLISHED", red.log()[-3000:]
    people = await clinic.people("1003")
    assert people["red"]["grade"] == ("authenticated" if transport == "tls" else "opportunistic")
    await clinic.remove("1003", "red")
    await red.wait_for(lambda event: event["type"] == "CALL_CLOSED", 5.0)
