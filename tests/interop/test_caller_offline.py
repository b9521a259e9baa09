"""`drumtower call` whose network goes away: it says so, and ends with a status, instead of waiting for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop import own_caller
from tests.interop.media import GREEN
from tests.interop.own_caller import Call
from tests.interop.server import GUEST_PASSCODE, Administrator, Server
from tests.interop.waiting import until
from tests.interop.wired_place import GATEWAY_MAC, Place, ip
from tests.peers import needs_programs

pytestmark = pytest.mark.asyncio(loop_scope="module")

WIRE, NETWORK, CART = "away0", "10.91.0", "cart7"
ENDS_WITHIN_S = 45
SETTINGS = """
[h323]
min_time_to_live_s = 5
default_time_to_live_s = 5
max_time_to_live_s = 5
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    needs_programs("ip", "nsenter", "unshare")
    made = Server(tmp_path_factory.mktemp("offline") / "server", SETTINGS)
    await made.start({"1001": {}}, {CART: "Cart 7"})
    yield made
    log = made.log()
    await made.stop()
    assert "Traceback" not in log, log[-4000:]


@pytest_asyncio.fixture(loop_scope="module")
async def administrator(server: Server) -> AsyncIterator[Administrator]:
    made = await server.administrator()
    # A change by the portal is known at once, and everything else with it.
    await made.call("PATCH", f"/terminals/{CART}", {"site": "Mobile"})
    yield made
    await made.close()


@contextmanager
def placed() -> Iterator[Place]:
    made = Place(WIRE, f"{NETWORK}.2", "02:00:00:c1:00:01")
    try:
        ip(f"link set {WIRE} address {GATEWAY_MAC}")
        ip(f"addr add {NETWORK}.1/24 dev {WIRE}")
        yield made
    finally:
        ip(f"link del {WIRE}")
        made.close()


@asynccontextmanager
async def calling(folder: Path, place: Place, *options: str, **more: str) -> AsyncIterator[asyncio.Task[Call]]:
    """For ten minutes, if nothing happens."""
    made = own_caller.call(GREEN, folder, *options, seconds=600, before=place.prefix, **more)  # type: ignore[arg-type]
    task = asyncio.create_task(made)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("scheme", "options"),
    [
        ("sip", ()),
        ("sip", ("--transport", "tcp")),
        ("h323", ()),
        ("h323", ("--no-tunnelling",)),
    ],
)
async def test_a_call_ends_when_its_network_is_gone(
    administrator: Administrator, tmp_path: Path, scheme: str, options: tuple[str, ...]
):
    async def is_heard() -> object:
        assert not task.done(), task.result().report
        rooms = (await administrator.call("GET", "/conferences"))["conferences"]
        found = {one["name"]: one["is_speaking"] for each in rooms for one in each["participants"]}
        return found == {GREEN.name: True} or found

    async def is_over() -> object:
        return task.done()

    with placed() as place:
        async with calling(
            tmp_path, place, *options, "--silent", "3", room="1001", passcode=GUEST_PASSCODE, scheme=scheme
        ) as task:
            await until("it is in the room, and heard there", is_heard, 60)
            place.plug(False)
            await until("it ends", is_over, ENDS_WITHIN_S)
            call = task.result()
    assert (call.status, call.report["outcome"], call.report["ended_by"]) == (4, "lost", "silence")
    assert call.report["streams"]["audio"]["received_packets"] > 0


async def test_who_waits_to_be_called_ends_when_its_network_is_gone(administrator: Administrator, tmp_path: Path):
    async def contacts() -> int:
        found = (await administrator.call("GET", "/terminals"))["terminals"]
        return len(next(each["contacts"] for each in found if each["alias"] == CART))

    async def is_registered() -> object:
        assert not task.done(), task.result().report
        return await contacts() == 1

    async def is_over() -> object:
        return task.done()

    async with AsyncExitStack() as stack:
        place = stack.enter_context(placed())
        task = await stack.enter_async_context(
            calling(tmp_path, place, "--wait", room=CART, scheme="h323", account=CART)
        )
        await until("it is registered", is_registered, 60)
        place.plug(False)
        await until("it ends", is_over, ENDS_WITHIN_S)
        call = task.result()
    assert (call.status, call.report["outcome"]) == (1, "refused")
    assert call.report["reason"] == "registered no longer: no answer"
