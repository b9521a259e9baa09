"""Who is on the network by 802.1X is in the room, and only as long: the whole server, a bridge, and terminals that are
not ours: wpa_supplicant, baresip, Chromium; tshark reads what came through the bridge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop import browser, own_caller
from tests.interop.baresip import Baresip
from tests.interop.browser import Visitor
from tests.interop.guarded_ward import BRIDGE, CART, DROP_AFTER_S, Ward, account, number, ward
from tests.interop.media import BLUE, GREEN, RED, YELLOW, Person
from tests.interop.server import BASE, GUEST_PASSCODE
from tests.interop.sniffer import Sniffer
from tests.interop.supplicant import Supplicant
from tests.interop.waiting import until
from tests.peers import needs_programs
from tests.signaling.h323.dissection import tshark

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOMS = [str(room) for room in range(1001, 1015)]
STOPS_WITHIN_S = 1.0
STARTS_S = 60
"""Our own terminal encodes all that it plays before it begins."""
NO_SESSION = "refused: no-session"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ward]:
    needs_programs(
        "baresip", "bridge", "chromium", "ip", "nft", "nsenter", "radclient", "tshark", "unshare", "wpa_cli",
        "wpa_supplicant",
    )  # fmt: skip
    async with ward(tmp_path_factory.mktemp("conference"), {room: {} for room in ROOMS}) as made:
        yield made
        log = made.hall.server.log()
        assert "Traceback" not in log, log[-4000:]


@pytest_asyncio.fixture(loop_scope="module")
async def leaving() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def dials(phone: Baresip, room: str) -> None:
    event = await phone.dial(number(room))
    assert event["type"] == "CALL_ESTABLISHED", phone.log()[-3000:]


async def is_refused(phone: Baresip, room: str) -> None:
    """By the server, in words."""
    event = await phone.dial(number(room))
    assert (event["type"], event["param"]) == ("CALL_CLOSED", "403 Not authenticated on the network"), event


async def hears(phone: Baresip, *people: Person) -> None:
    async def listen() -> object:
        found = await phone.hears(1.0)
        return found == {person.name for person in people} or found

    await until(f"{phone.person.name} hears {[person.name for person in people]}", listen)


async def in_a_call(
    house: Ward, leaving: AsyncExitStack, room: str, *people: Person
) -> tuple[dict[str, Supplicant], dict[str, Baresip]]:
    """Devices of these people, let in and in a room."""
    supplicants, phones = {}, {}
    for person in people:
        supplicants[person.name] = await leaving.enter_async_context(house.authenticated(person))
        phones[person.name] = await leaving.enter_async_context(house.telephone(person))
        await dials(phones[person.name], room)
    await house.until_in_room(room, *people)
    return supplicants, phones


async def test_who_is_authenticated_is_admitted(house: Ward, leaving: AsyncExitStack):
    """Red by its password, green by its certificate; sound passes the bridge both ways."""
    _, phones = await in_a_call(house, leaving, "1001", RED, GREEN)
    await hears(phones["red"], GREEN)
    await hears(phones["green"], RED)
    for person in (RED, GREEN):
        place = house.places[person.name]
        await house.audited(
            "site=ward", f"source={place.address}", "protocol=sip operation=call", f"alias='{person.name}' room=1001",
            f"mac={place.mac} identity='{person.name}' allowed: session",
        )  # fmt: skip
        found = await house.session(person)
        assert found is not None
        assert (found["identity"], found["port"], found["entry"], found["is_own"]) == (
            person.name, place.wire, "eap", True,
        )  # fmt: skip
        assert place.address in [each["address"] for each in found["addresses"]]


async def by_radius(house: Ward, person: Person, supplicant: Supplicant) -> None:
    """Its device does not answer any more when it is asked anew."""
    supplicant.fall_silent()
    assert "Disconnect-ACK" in await house.disconnect(person)


async def by_command(house: Ward, person: Person, supplicant: Supplicant) -> None:
    """As before, by an order on the server itself."""
    supplicant.fall_silent()
    await asyncio.to_thread(house.hall.server.run, "dot1x", "disconnect", house.places[person.name].mac)


async def by_disabling(house: Ward, person: Person, _supplicant: Supplicant) -> None:
    """The device asks to be let in again at once, and is refused."""
    await asyncio.to_thread(house.hall.server.run, "dot1x", "disable", person.name)


async def by_logoff(_house: Ward, _person: Person, supplicant: Supplicant) -> None:
    await asyncio.to_thread(supplicant.command, "logoff")


async def by_pulling_the_plug(house: Ward, person: Person, _supplicant: Supplicant) -> None:
    house.places[person.name].plug(False)


Way = Callable[[Ward, Person, Supplicant], Awaitable[None]]


@pytest.mark.parametrize(
    ("way", "person", "room"),
    [
        (by_radius, RED, "1002"),
        (by_command, RED, "1003"),
        (by_disabling, YELLOW, "1014"),  # who is let in nowhere after it
        pytest.param(by_logoff, RED, "1004", marks=pytest.mark.thorough),
        pytest.param(by_pulling_the_plug, RED, "1005", marks=pytest.mark.thorough),
    ],
)
async def test_whose_session_ends_is_dropped(house: Ward, leaving: AsyncExitStack, way: Way, person: Person, room: str):
    supplicants, phones = await in_a_call(house, leaving, room, person, GREEN)
    await hears(phones["green"], person)
    address = house.places[person.name].address
    with Sniffer(BRIDGE) as inside:
        began = time.monotonic()
        await until("it talks", lambda: has_sent(inside, address, began))
        await way(house, person, supplicants[person.name])
        await house.until_out(person)
        ended = time.monotonic()
        await house.until_in_room(room, GREEN, timeout_s=DROP_AFTER_S + 3)
        await until("some time has passed", lambda: has_passed(ended + STOPS_WITHIN_S + 1))
    late = [one.time - ended for one in inside.datagrams(source=address, since=ended + STOPS_WITHIN_S)]
    assert late == []
    assert await house.session(person) is None
    assert "CALL_CLOSED" not in [event["type"] for event in phones["green"].events]


async def has_sent(wire: Sniffer, address: str, since: float) -> object:
    return len(list(wire.datagrams(source=address, since=since))) > 20


async def has_passed(moment: float) -> object:
    return time.monotonic() >= moment


async def test_who_is_back_in_time_keeps_its_call(house: Ward, leaving: AsyncExitStack):
    _, phones = await in_a_call(house, leaving, "1006", RED, GREEN)
    before, ids = await house.session(RED), await house.people("1006")
    assert before is not None
    assert "Disconnect-ACK" in await house.disconnect(RED)

    async def is_back() -> object:
        now = await house.session(RED)
        return (now is not None and now["opened_at"] != before["opened_at"]) or now

    await until("red is let in again", is_back)
    back = time.monotonic()
    await until("the grace time is over", lambda: has_passed(back + DROP_AFTER_S + 1))
    assert await house.people("1006") == ids
    await hears(phones["green"], RED)
    await hears(phones["red"], GREEN)


async def test_nothing_of_an_unauthorised_port_arrives(house: Ward, leaving: AsyncExitStack, tmp_path: Path):
    """Neither before it was asked nor with a wrong password; red's call shows that the eyes are open."""
    stranger = house.places["yellow"]
    before = house.audit(f"source={stranger.address} ")
    await leaving.enter_async_context(house.authenticated(RED))
    red = await leaving.enter_async_context(house.telephone(RED))
    yellow = await leaving.enter_async_context(house.telephone(YELLOW))
    leaving.enter_context(stranger.knowing_its_gateway())
    with Sniffer(BRIDGE) as inside, Sniffer(stranger.wire) as outside:
        await yellow.command("dial", number("1007"))
        await until("it has called", lambda: has_sent_to_sip(outside, stranger.address, 2))
        supplicant = house.supplicant(YELLOW, identity="thief", password="a good guess")
        leaving.callback(supplicant.stop)
        await until("it is refused", lambda: says(supplicant, "CTRL-EVENT-EAP-FAILURE"))
        sent = sum(1 for _ in outside.datagrams(source=stranger.address, ports=(5060,)))
        await yellow.command("dial", number("1008"))
        await until("it has called again", lambda: has_sent_to_sip(outside, stranger.address, sent + 2))
        await dials(red, "1007")
    bridge, port = inside.write(tmp_path / "bridge.pcap"), outside.write(tmp_path / "port.pcap")
    invites = "sip.Method == INVITE"
    for room in ("1007", "1008"):
        assert await read(port, f'eth.src == {stranger.mac} && {invites} && sip.r-uri contains "{room}"')
    assert await read(port, f"eth.src == {stranger.mac} && eap.code == 2")
    assert await read(bridge, f"eth.src == {house.places['red'].mac} && {invites}")
    assert await read(bridge, f"eth.src == {stranger.mac} || ip.src == {stranger.address}") == ""
    assert house.audit(f"source={stranger.address} ") == before
    assert await house.session(YELLOW) is None
    await house.until_in_room("1007", RED)


async def test_nor_with_the_addresses_of_who_is_in(house: Ward, leaving: AsyncExitStack, tmp_path: Path):
    thief, owner = house.places["yellow"], house.places["red"]
    _, phones = await in_a_call(house, leaving, "1009", RED, GREEN)
    leaving.enter_context(thief.posing_as(owner))
    leaving.enter_context(thief.knowing_its_gateway())
    with Sniffer(BRIDGE) as inside, Sniffer(thief.wire) as outside:
        false_red = await leaving.enter_async_context(house.telephone(RED, at="yellow", address=owner.address))
        await false_red.command("dial", number("1010"))
        await until("it has called", lambda: has_sent_to_sip(outside, owner.address, 2))
        await hears(phones["green"], RED)
    bridge, port = inside.write(tmp_path / "bridge.pcap"), outside.write(tmp_path / "port.pcap")
    called = 'sip.Method == INVITE && sip.r-uri contains "1010"'
    assert await read(port, called)
    assert await read(bridge, called) == ""
    assert await read(bridge, f"eth.src == {owner.mac} && ip.src == {owner.address}")
    await house.until_in_room("1009", RED, GREEN)


async def has_sent_to_sip(wire: Sniffer, address: str, least: int) -> object:
    found = sum(1 for _ in wire.datagrams(source=address, ports=(5060,)))
    return found >= least or found


async def says(supplicant: Supplicant, word: str) -> object:
    return word in supplicant.log() or supplicant.log()[-1500:]


async def read(pcap: Path, wanted: str) -> str:
    return await asyncio.to_thread(tshark, pcap, "-Y", wanted)


async def test_nobody_calls_as_another(house: Ward, leaving: AsyncExitStack):
    await leaving.enter_async_context(house.authenticated(RED))
    false_green = await leaving.enter_async_context(house.telephone(GREEN, at="red"))
    await is_refused(false_green, "1007")
    await house.audited("operation=call alias='green' room=1007", "identity='red' refused: other-identity")


async def test_an_open_network_is_outside(house: Ward, leaving: AsyncExitStack, tmp_path: Path):
    """By SIP, by H.323 and in a browser; and nobody registers from there, not even with the right secret."""
    place = house.places["open"]
    asked = f"site=open source={place.address} protocol="
    async with house.telephone(BLUE, at="open") as phone:
        await is_refused(phone, "1011")
    await house.audited(f"{asked}sip operation=call alias='blue' room=1011", NO_SESSION)

    call = await own_caller.call(
        BLUE, tmp_path, room="1011", passcode=GUEST_PASSCODE, seconds=2, scheme="h323", before=place.prefix
    )
    assert (call.report["outcome"], call.report["reason"]) == ("refused", "securityDenied"), call.report
    await house.audited(f"{asked}h323 operation=call alias='blue' room=1011", NO_SESSION)

    visitor = await visits(house, leaving, "open", BLUE, tmp_path)
    await visitor.page.fill("#join-name", "blue")
    await visitor.page.fill("#join-passcode", GUEST_PASSCODE)
    await visitor.page.click(".lobby-join")
    assert "This device has not signed in to the network (802.1X)" in await visitor.notice()
    await house.audited(f"{asked}webrtc operation=join", "room=1011", NO_SESSION)

    await leaving.enter_async_context(house.telephone(RED, at="open", account=account()))
    await house.audited(f"{asked}sip operation=register alias='{CART}'", "proof=digest", NO_SESSION)
    assert await house.contacts() == []
    assert await house.people("1011") == {}


async def visits(house: Ward, leaving: AsyncExitStack, place: str, person: Person, folder: Path) -> Visitor:
    """Chromium in a place, at the door of the room 1011 or 1012."""
    room = "1011" if place == "open" else "1012"
    program = house.places[place].wrapped(folder)
    running = await browser.launch(house.hall.playwright, person, folder, program)
    leaving.push_async_callback(running.close)
    return await Visitor.open(running, f"{BASE}/join/{room}", locale="en")


async def test_a_browser_on_an_authorised_port_is_admitted_until_its_session_ends(
    house: Ward, leaving: AsyncExitStack, tmp_path: Path
):
    """Whoever sits there may have any name."""
    supplicant = await leaving.enter_async_context(house.authenticated(BLUE))
    visitor = await visits(house, leaving, "blue", BLUE, tmp_path)
    await visitor.join("Doctor Lan", GUEST_PASSCODE)
    await house.audited(f"source={house.places['blue'].address} protocol=webrtc operation=join", "allowed: session")
    assert set(await house.people("1012")) == {"Doctor Lan"}
    await by_radius(house, BLUE, supplicant)
    await house.until_in_room("1012", timeout_s=DROP_AFTER_S + 3)


async def test_h323_on_an_authorised_port_is_admitted_until_its_session_ends(
    house: Ward, leaving: AsyncExitStack, tmp_path: Path
):
    supplicant = await leaving.enter_async_context(house.authenticated(BLUE))
    green = (await in_a_call(house, leaving, "1013", GREEN))[1]["green"]
    place = house.places["blue"]
    call = asyncio.create_task(
        own_caller.call(
            BLUE, tmp_path, room="1013", passcode=GUEST_PASSCODE, seconds=12, scheme="h323", before=place.prefix
        )
    )
    await house.until_in_room("1013", BLUE, GREEN, timeout_s=STARTS_S)
    await hears(green, BLUE)
    await house.audited(f"source={place.address} protocol=h323 operation=call alias='blue'", "allowed: session")
    await by_radius(house, BLUE, supplicant)
    await house.until_in_room("1013", GREEN, timeout_s=DROP_AFTER_S + 3)
    assert f"source={place.address} calls ended with the session: 1" in house.hall.server.log()
    report = (await call).report
    assert report["outcome"] == "ok"
    assert min(stream["received_packets"] for stream in report["streams"].values()) > 0


@pytest.mark.parametrize("is_back", [False, True])
async def test_who_is_still_with_the_attendant_goes_with_its_session(
    house: Ward, leaving: AsyncExitStack, is_back: bool
):
    supplicant = await leaving.enter_async_context(house.authenticated(RED))
    phone = await leaving.enter_async_context(house.telephone(RED))
    before = len(house.audit("calls ended with the session"))
    event = await phone.dial("sip:4711@10.77.0.1")
    assert event["type"] == "CALL_ESTABLISHED", phone.log()[-3000:]
    session = await house.session(RED)
    assert session is not None
    if not is_back:
        place = house.places["red"]

        async def is_cut() -> object:
            found = house.audit("calls ended with the session")[before:]
            words = f"source={place.address} calls ended with the session: 1 mac={place.mac} identity='red'"
            return any(words in line for line in found) or house.audit()[-5:]

        await by_radius(house, RED, supplicant)
        await until("its call is cut", is_cut, DROP_AFTER_S + 5)
        assert "ended with its session" in house.hall.server.log()
        return
    assert "Disconnect-ACK" in await house.disconnect(RED)
    await until("red is let in again", lambda: has_another_session(house, session["opened_at"]))
    back = time.monotonic()
    await until("the grace time is over", lambda: has_passed(back + DROP_AFTER_S + 1))
    assert len(house.audit("calls ended with the session")) == before
    await phone.command("hangup")


async def has_another_session(house: Ward, opened_at: float) -> object:
    now = await house.session(RED)
    return (now is not None and now["opened_at"] != opened_at) or now


@pytest.mark.parametrize("protocol", ["sip", "h323"])
async def test_registrations_go_with_the_session(house: Ward, leaving: AsyncExitStack, tmp_path: Path, protocol: str):
    """At once: calls alone have a grace time. What is registered is one more name of blue's device."""
    supplicant = await leaving.enter_async_context(house.authenticated(BLUE))
    place = house.places["blue"]
    if protocol == "sip":
        await leaving.enter_async_context(house.telephone(BLUE, account=account()))
    else:
        waiting = asyncio.create_task(
            own_caller.call(
                BLUE, tmp_path, "--wait", room=CART, seconds=2, scheme="h323", before=place.prefix, account=CART
            )
        )
        leaving.callback(waiting.cancel)
    await until("the cart is registered", lambda: has_contacts(house, 1), STARTS_S)
    await house.audited(f"source={place.address} protocol={protocol} operation=register", CART, "allowed: session")
    await by_radius(house, BLUE, supplicant)
    await until("its registration is gone", lambda: has_contacts(house, 0), 1.5)


async def has_contacts(house: Ward, count: int) -> object:
    found = await house.contacts()
    return len(found) == count or found
