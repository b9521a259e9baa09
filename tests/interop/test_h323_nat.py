"""A terminal of H.323 behind a NAT that forgets quickly and lets nothing in (H.460.18, H.460.19).

The NAT is nftables' masquerade between two namespaces; the terminal is our own command, since none that can be
installed knows H.460. Whoever is in the room beside it is Chromium, and FFmpeg decodes what the terminal records.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.interop import oracles, own_caller
from tests.interop.browser import Visitor
from tests.interop.hall import Hall, hall
from tests.interop.media import BLUE, RED
from tests.interop.own_caller import Call
from tests.interop.server import GUEST_PASSCODE, TERMINAL_SECRET
from tests.interop.sniffer import Sniffer
from tests.interop.test_h323_own import hears, no_message_is_malformed, sees
from tests.interop.waiting import until
from tests.interop.walls import OUTSIDE, NatPlace
from tests.peers import needs_programs

pytestmark = pytest.mark.asyncio(loop_scope="module")

INSIDE = "192.168.77.2"
NAT_FORGETS_S = 4
STARTS_S = 60
"""The command encodes all that it plays before it begins."""
SETTINGS = """
[h323]
traversal_time_to_live_s = 3
traversal_keep_alive_s = 2
call_back_s = 4

[dialing]
networks = ["10.79.0.0/24"]
result_shown_s = 60
"""
ROOMS: dict[str, dict[str, Any]] = {str(number): {} for number in range(1001, 1010)}
WAYS = [("h460", ()), ("multiplexed", ()), ("multiplexed", ("--no-tunnelling", "--encryption", "required"))]


def rows(first: str, *, thorough: str) -> list[Any]:
    """Each way with a room of its own; those of `thorough` rooms are for `make thorough`."""
    rooms = [str(int(first) + number) for number in range(len(WAYS))]
    marks = {room: [pytest.mark.thorough] if room in thorough.split() else [] for room in rooms}
    return [pytest.param(way, room, marks=marks[room]) for way, room in zip(WAYS, rooms, strict=True)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    needs_programs("chromium", "tshark", "nft")
    async with hall(tmp_path_factory.mktemp("h323-nat"), ROOMS, SETTINGS) as made:
        made.server.run("terminal", "add", "cart", "--name", "Cart", "--secret-file", str(secret_file(made.folder)))
        await made.administrator.call("PATCH", "/terminals/cart", {"site": "Mobile"})  # known at once
        yield made
        log = made.server.log()
        assert "Traceback" not in log, log[-4000:]
        assert TERMINAL_SECRET not in log


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(house: Hall) -> AsyncIterator[NatPlace]:
    made = NatPlace("meta l4proto { tcp, udp }", udp_timeout_s=NAT_FORGETS_S)
    yield made
    made.close()


def secret_file(folder: Path) -> Path:
    file = folder / "cart-secret"
    file.write_text(TERMINAL_SECRET + "\n")
    return file


@asynccontextmanager
async def waiting(
    house: Hall, place: NatPlace, folder: Path, traversal: str, *options: str, seconds: float = 6
) -> AsyncIterator[asyncio.Task[Call]]:
    """The cart, registered, until it was called and has hung up."""
    call = asyncio.create_task(
        own_caller.call(
            BLUE, folder, "--wait", "--traversal", traversal, *options,
            room="cart", scheme="h323", seconds=seconds, before=place.inside.prefix, account="cart",
        )
    )  # fmt: skip

    async def is_registered() -> object:
        assert not call.done(), call.result().report
        found = await contacts(house)
        return [one["address"].rpartition(":")[0] for one in found] == [OUTSIDE] or found

    try:
        await until("the cart is registered, seen from outside", is_registered, STARTS_S)
        yield call
    finally:
        if not call.done():
            call.cancel()
        await asyncio.gather(call, return_exceptions=True)


async def contacts(house: Hall) -> list[dict[str, Any]]:
    found = (await house.administrator.call("GET", "/terminals"))["terminals"]
    return [one for terminal in found if terminal["alias"] == "cart" for one in terminal["contacts"]]


async def dial(house: Hall, room: str, target: str = "cart") -> int:
    answer = await house.administrator.call(
        "POST", f"/conferences/{room}/calls", {"target": target, "role": "guest"}, expect=201
    )
    return int(answer["id"])


async def outcome(house: Hall, room: str, leg: int) -> str:
    async def call() -> dict[str, Any]:
        found = (await house.administrator.call("GET", f"/conferences/{room}/calls"))["calls"]
        return next(one for one in found if one["id"] == leg)

    async def is_over() -> object:
        return (await call())["state"] == "ended"

    await until("the call has ended", is_over, 20)
    return str((await call())["outcome"])


async def meet(visitor: Visitor) -> None:
    """The browser hears and sees the cart."""
    await hears(visitor, BLUE)
    await sees(visitor, RED, BLUE)


def saw_and_heard_red(call: Call) -> None:
    """What the cart recorded is the mix: both pictures, and the other's voice without its own."""
    assert call.status == 0, call.report
    assert call.streams["video"]["frames_decoded"] > 60
    assert {"red", "blue"} <= set(oracles.seen(call.pictures()[-10]))
    assert oracles.heard(call.sound()[-96_000:], 48_000) == {"red"}


@pytest.mark.parametrize(("way", "room"), rows("1001", thorough="1002"))
async def test_it_is_called_into_a_room(
    house: Hall, place: NatPlace, tmp_path: Path, way: tuple[str, tuple[str, ...]], room: str
) -> None:
    traversal, options = way
    with Sniffer("nat0") as wire:
        async with waiting(house, place, tmp_path, traversal, *options) as cart:
            # Longer than the NAT remembers a port on which nothing passes, nothing but keep-alives is to be said.
            await asyncio.sleep(NAT_FORGETS_S + 2)
            async with house.visitors(room, RED) as (visitor,):
                await dial(house, room)
                await meet(visitor)
                person = (await house.people(room))["cart"]
                assert person["address"] == OUTSIDE
                call = await asyncio.wait_for(cart, 30)
    saw_and_heard_red(call)
    told = call.report["h323"]
    assert (told["traversal"], told["is_registered"]) == (traversal, True)
    assert told["is_tunnelling"] is not ("--no-tunnelling" in options)
    if "--encryption" in options:
        assert {stream["suite"] for stream in call.streams.values()} == {"AES-256-CBC"}
    await no_message_is_malformed(wire, house.folder)
    assert opened_by_us(wire) == []


@pytest.mark.parametrize(("way", "room"), rows("1005", thorough="1005 1007"))
async def test_it_calls_a_room(
    house: Hall, place: NatPlace, tmp_path: Path, way: tuple[str, tuple[str, ...]], room: str
) -> None:
    traversal, options = way
    async with house.visitors(room, RED) as (visitor,):
        dialled = asyncio.create_task(
            own_caller.call(
                BLUE, tmp_path, "--traversal", traversal, *options, room=room, passcode=GUEST_PASSCODE,
                scheme="h323", seconds=8, before=place.inside.prefix, account="cart",
            )
        )  # fmt: skip

        async def is_in() -> object:
            assert not dialled.done(), dialled.result().report
            return "Cart" in await house.people(room)

        await until("the cart is in the room", is_in, STARTS_S)
        await meet(visitor)
        call = await dialled
    saw_and_heard_red(call)
    assert call.report["h323"]["traversal"] == traversal


async def test_without_traversal_nothing_gets_in(house: Hall, place: NatPlace, tmp_path: Path) -> None:
    """The terminal registers, and is where it says for nobody outside; what it did not ask for the NAT throws away."""
    async with waiting(house, place, tmp_path, "none") as cart:
        (told,) = [one for one in await contacts(house) if one["protocol"] == "h323"]
        leg = await dial(house, "1004")
        assert await outcome(house, "1004", leg) == "unreachable"
        assert not cart.done()
        for host in (INSIDE, OUTSIDE):
            with pytest.raises(OSError):
                socket.create_connection((host, int(told["address"].rpartition(":")[2])), 1).close()


def opened_by_us(wire: Sniffer) -> list[str]:
    """TCP connections that did not begin behind the NAT."""
    found = []
    for packet in wire.packets():
        if packet[12:14] != b"\x08\x00" or packet[23] != 6:
            continue
        header = 14 + 4 * (packet[14] & 0x0F)
        source, flags = socket.inet_ntoa(packet[26:30]), packet[header + 13]
        if flags & 0x12 == 0x02 and source != OUTSIDE:
            found.append(f"{source} -> {socket.inet_ntoa(packet[30:34])}")
    return found
