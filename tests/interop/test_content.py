"""Shared screens between room systems and browsers: BFCP over UDP and TCP, bit rates, keyframes, far cameras.

The terminal is our own, but written from the RFCs with sockets alone; Chromium and tshark judge both ends.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from tests.interop import bfcp_terminal as bfcp
from tests.interop import oracles
from tests.interop.bfcp_terminal import RoomTerminal, attribute
from tests.interop.browser import Visitor
from tests.interop.hall import Hall, hall
from tests.interop.media import BLUE, GREEN, RED, YELLOW, Person
from tests.interop.namespace import OTHER_TERMINAL, TERMINAL
from tests.interop.process import said_by
from tests.interop.server import GUEST_PASSCODE
from tests.interop.shared_screen import SHARED_SCREEN
from tests.interop.sniffer import Sniffer
from tests.interop.waiting import until
from tests.peers import needs_programs

pytestmark = pytest.mark.asyncio(loop_scope="module")
FLOOR = attribute(2, b"\0\1")
START, CONTINUE, STOP = 1, 2, 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hall]:
    needs_programs("chromium", "tshark")
    folder = tmp_path_factory.mktemp("content")
    async with hall(folder, {"1001": {}, "1002": {}, "1003": {}, "1004": {}}) as made:
        yield made


@asynccontextmanager
async def in_room(house: Hall, room: str, **how: bool) -> AsyncIterator[tuple[RoomTerminal, Visitor]]:
    """A room system and a browser in a room."""
    terminal = RoomTerminal(BLUE, GREEN, TERMINAL, **how)
    visitor = await house.visitor(RED, f"/join/{room}", script=SHARED_SCREEN)
    try:
        await visitor.join(RED.name, GUEST_PASSCODE)
        await terminal.call(f"{room}**{GUEST_PASSCODE}")
        yield terminal, visitor
    finally:
        terminal.close()
        await visitor.close()
    assert "Traceback" not in house.server.log(), house.server.log()[-4000:]


async def share(visitor: Visitor) -> None:
    await visitor.page.mouse.move(300, 300)
    await visitor.page.click('[aria-label="Share screen"]')


def shows(person: Person, picture: NDArray[np.uint8] | None, least: float) -> bool:
    """Whether so much of the picture has the person's colour."""
    if picture is None:
        return False
    distance = np.linalg.norm(picture.astype(np.float32) - np.array(person.colour, np.float32), axis=2)
    return bool((distance < 60).mean() >= least)


def sees(
    terminal: RoomTerminal, stream: str, *there: Person, without: tuple[Person, ...] = ()
) -> Callable[[], Awaitable[object]]:
    """Whether a stream that the terminal gets shows these people and not others."""

    async def look() -> object:
        picture = await asyncio.to_thread(terminal.picture, stream)
        found = set() if picture is None else set(oracles.seen(picture))
        wanted, forbidden = {person.name for person in there}, {person.name for person in without}
        return (wanted <= found and not forbidden & found) or found

    return look


def browser_sees(visitor: Visitor, person: Person, least: float) -> Callable[[], Awaitable[object]]:
    async def look() -> object:
        picture = await visitor.picture()
        return shows(person, picture, least) or oracles.seen(picture)

    return look


async def present(terminal: RoomTerminal) -> int:
    """Ask for the floor and show slides; the number of the request."""
    told = await terminal.ask(bfcp.FLOOR_REQUEST, FLOOR)
    assert (told.primitive, told.status) == (bfcp.FLOOR_REQUEST_STATUS, bfcp.GRANTED), told
    terminal.is_presenting = True
    number = told.value(15)
    assert number is not None
    return int.from_bytes(number, "big")


async def test_slides_and_screens_pass_both_ways_over_udp(house: Hall, artifacts: Path):
    with Sniffer() as wire:
        async with in_room(house, "1001") as (terminal, visitor):
            told = await terminal.ask(bfcp.HELLO)
            assert told.primitive == bfcp.HELLO_ACK
            told = await terminal.ask(bfcp.FLOOR_QUERY, FLOOR)
            assert (told.primitive, told.value(15)) == (bfcp.FLOOR_STATUS, None)
            await until("the terminal sees both", sees(terminal, "main", RED, BLUE))

            await share(visitor)
            told = await terminal.heard(lambda each: each.status == bfcp.GRANTED, "who presents")
            assert told.value(15, 14, 12) == RED.name.encode()
            await until("the screen is the second picture", sees(terminal, "slides", YELLOW))
            assert shows(YELLOW, terminal.picture("slides"), 0.8)
            await until("the people are the first", sees(terminal, "main", RED, BLUE, without=(YELLOW,)))

            terminal.forget("slides")
            request = await present(terminal)
            await until("the browser shows slides", browser_sees(visitor, GREEN, 0.3))
            await visitor.page.screenshot(path=str(artifacts / "content-slides.png"))
            await visitor.page.mouse.move(310, 310)
            assert await visitor.page.locator('[aria-label="Share screen"]').count() == 1, "the page has stopped"
            await until("the terminal sees the people", sees(terminal, "main", RED, BLUE, without=(GREEN, YELLOW)))

            told = await terminal.ask(bfcp.FLOOR_RELEASE, attribute(3, request.to_bytes(2, "big")))
            assert told.status == bfcp.RELEASED
            terminal.is_presenting = False
            await until("only people are left", browser_sees(visitor, BLUE, 0.2))
    await no_bfcp_is_malformed(wire, house.folder, terminal, 6)


async def test_a_new_presenter_takes_over_and_a_host_takes_the_floor_over_tcp(house: Hall):
    with Sniffer() as wire:
        async with in_room(house, "1002", is_tcp=True) as (terminal, visitor):
            await terminal.ask(bfcp.FLOOR_QUERY, FLOOR)
            await present(terminal)
            await until("the browser shows slides", browser_sees(visitor, GREEN, 0.3))
            await share(visitor)
            told = await terminal.heard(lambda each: each.status == bfcp.REVOKED, "revoked")
            assert (told.primitive, told.transaction) == (bfcp.FLOOR_REQUEST_STATUS, 0)
            await until("the screen is the second picture", sees(terminal, "slides", YELLOW))
            request = await present(terminal)
            assert request > 0
            await house.administrator.call("DELETE", "/conferences/1002/floor")
            await terminal.heard(
                lambda each: each.status == bfcp.REVOKED and each.value(15) == request.to_bytes(2, "big"), "taken away"
            )
            await until("nobody presents", lambda: presenter(house, "1002", 0))
    await no_bfcp_is_malformed(wire, house.folder, terminal, 4)


async def test_a_terminal_that_is_the_floor_server_is_asked(house: Hall):
    async with in_room(house, "1003", is_floor_server=True) as (terminal, visitor):
        await terminal.heard(lambda each: each.primitive == bfcp.FLOOR_QUERY, "a query")
        await share(visitor)
        await terminal.heard(lambda each: each.primitive == bfcp.FLOOR_REQUEST, "a request")
        await until("the screen is the second picture", sees(terminal, "slides", YELLOW))
        overall = attribute(18, b"\0\7" + attribute(5, bytes((bfcp.GRANTED, 0))))
        own = attribute(14, b"\0\x63")
        terminal.tell(bfcp.FLOOR_STATUS, attribute(2, b"\0\3"), attribute(15, b"\0\7" + overall + own))
        terminal.is_presenting = True
        await terminal.heard(lambda each: each.primitive == bfcp.FLOOR_STATUS_ACK, "an acknowledgement")
        await until("the browser shows slides", browser_sees(visitor, GREEN, 0.3))
        await until("the terminal sees the people", sees(terminal, "main", RED, BLUE, without=(GREEN, YELLOW)))


async def test_bit_rates_keyframes_and_the_far_camera(house: Hall):
    async with in_room(house, "1001") as (terminal, visitor):
        await until("the terminal sees both", sees(terminal, "main", RED, BLUE))
        await the_tile_has_a_rate(terminal)
        await a_lower_rate_is_kept(terminal)
        await share(visitor)
        await until("the screen is the second picture", sees(terminal, "slides", YELLOW))
        await keyframes_come_when_asked(terminal)
        await the_camera_moves(house, terminal)


async def test_a_terminal_turns_the_camera_of_the_other_by_its_remote_control(house: Hall):
    one, two = RoomTerminal(BLUE, GREEN, TERMINAL), RoomTerminal(RED, YELLOW, OTHER_TERMINAL)
    try:
        for terminal in (one, two):
            await terminal.call(f"1004**{GUEST_PASSCODE}")
        await until("each sees both", sees(one, "main", RED, BLUE))
        one.camera(bytes.fromhex("006103 00000000 01c0 018000"))
        await until("the camera turns left and stops when nobody asks any more",
                    lambda: moved(two, [(START, 0x80), (STOP, 0x80)]))  # fmt: skip
        two.camera(bytes.fromhex("006103 00000000 01c0 010c00"))
        await asyncio.sleep(0.3)
        two.camera(bytes.fromhex("006103 00000000 01c0 030c"))
        await until("the other one zooms until it is told to stop", lambda: moved(one, [(START, 0x0C), (STOP, 0x0C)]))
        assert await moved(two, [(START, 0x80), (STOP, 0x80)]) is True, "nobody turns the own camera"
        assert house.server.log().count("turns the camera of leg=") == 2
    finally:
        one.close()
        two.close()


async def the_tile_has_a_rate(terminal: RoomTerminal) -> None:
    """TMMBR to the terminal (RFC 5104 4.2.1), repeated until it is confirmed."""

    async def is_asked() -> object:
        return bool(terminal.rtcp_of("main", 205, 3)) or len(terminal.datagrams("main"))

    await until("the terminal is asked for the rate of its tile", is_asked)
    request = terminal.rtcp_of("main", 205, 3)[0]
    ssrc, word = struct.unpack_from("!II", request, 12)
    assert ssrc == terminal.ssrcs["main"]
    assert 550_000 < (word >> 9 & 0x1FFFF) << (word >> 26) <= 600_000
    terminal.rtcp(
        "main", struct.pack("!BBHII", 0x84, 205, 4, ssrc, 0) + struct.pack("!II", request_owner(request), word)
    )


def request_owner(request: bytes) -> int:
    return int.from_bytes(request[4:8], "big")


async def a_lower_rate_is_kept(terminal: RoomTerminal) -> None:
    """TMMBR of the terminal: TMMBN, and a smaller picture."""
    ssrc = terminal.rtp("main")[-1].ssrc
    before = terminal.picture("main")
    assert before is not None
    assert before.shape[1] >= 640
    word = 1 << 26 | 120_000 << 9 | 40  # 240 kbit/s
    terminal.forget("main")
    own = terminal.ssrcs["main"]
    terminal.rtcp("main", struct.pack("!BBHII", 0x83, 205, 4, own, 0) + struct.pack("!II", ssrc, word))

    async def is_smaller() -> object:
        picture = await asyncio.to_thread(terminal.picture, "main")
        return (picture is not None and picture.shape[1] == 320) or (None if picture is None else picture.shape)

    await until("the picture is smaller", is_smaller)
    notice = terminal.rtcp_of("main", 205, 4)[-1]
    assert struct.unpack_from("!III", notice, 4)[0::2] == (ssrc, own)


async def keyframes_come_when_asked(terminal: RoomTerminal) -> None:
    """FIR and PLI of the terminal for its second picture, each answered by an SPS and an IDR."""
    ssrc, own = terminal.rtp("slides")[-1].ssrc, terminal.ssrcs["slides"]
    fir = struct.pack("!BBHII", 0x84, 206, 4, own, 0) + struct.pack("!II", ssrc, 1 << 24)
    pli = struct.pack("!BBHII", 0x81, 206, 2, own, ssrc)
    for name, asked in (("FIR", fir), ("PLI", pli)):
        await asyncio.sleep(0.5)  # a keyframe that is under way would answer as well
        terminal.forget("slides")
        terminal.rtcp("slides", asked)

        async def has_come() -> object:
            return any(packet.payload[0] & 0x1F == 5 for packet in terminal.rtp("slides"))

        await until(f"a keyframe after {name}", has_come, timeout_s=5)


async def the_camera_moves(house: Hall, terminal: RoomTerminal) -> None:
    """H.281 to the terminal by the API; what it sends itself moves nothing: the other one here is a browser."""
    person = (await house.people("1001"))[terminal_name(terminal)]
    assert person["has_camera_control"]
    path = f"/conferences/1001/participants/{person['id']}/camera"
    terminal.camera(bytes.fromhex("006103 00000000 01c0 01c000"))
    await house.administrator.call("POST", path, {"pan": -1})
    await until("the camera turns left and stops", lambda: moved(terminal, [(START, 0x80), (STOP, 0x80)]))
    for _ in range(4):
        await house.administrator.call("POST", path, {"zoom": 1})
        await asyncio.sleep(0.2)
    await house.administrator.call("POST", path, {})
    await until("it zooms until it is told to stop",
                lambda: moved(terminal, [(START, 0x80), (STOP, 0x80), (START, 0x0C), (STOP, 0x0C)]))  # fmt: skip
    await house.administrator.call("POST", path, {"pan": 7}, expect=409)


def terminal_name(terminal: RoomTerminal) -> str:
    return "caller"


async def moved(terminal: RoomTerminal, expected: list[tuple[int, int]]) -> object:
    """Commands that have come, CONTINUE left out."""
    frames = [packet.payload for packet in terminal.rtp("camera")]
    assert all(frame[:3] in (b"\x00\x61\x03", b"\x00\x71\x03") for frame in frames)
    commands = [(frame[9], frame[10]) for frame in frames if frame[7] == 1 and frame[9] != CONTINUE]
    return commands == expected or commands


async def presenter(house: Hall, room: str, wanted: int) -> object:
    found = (await house.administrator.conference(room))["presenter"]
    return found == wanted or found


async def no_bfcp_is_malformed(wire: Sniffer, folder: Path, terminal: RoomTerminal, least: int) -> None:
    """tshark reads every message of ours; 4.0 knows version 1 alone, so that of UDP is shown to it as such."""
    port, kind = terminal.floor_port, "tcp" if terminal.is_tcp else "udp"
    own = port.to_bytes(2, "big")

    def as_version_1(packet: bytes) -> bytes:
        if kind == "tcp" or packet[23] != 17 or packet[34:36] != own or packet[42] >> 5 != 2:
            return packet
        return packet[:42] + bytes((packet[42] & 0x1F | 0x20,)) + packet[43:]

    process = await asyncio.create_subprocess_exec(
        "tshark", "-r", str(wire.write(folder / "bfcp.pcap", as_version_1)), "-d", f"{kind}.port=={port},bfcp",
        "-Y", f"bfcp && {kind}.srcport == {port}", "-T", "fields",
        "-e", "bfcp.primitive", "-e", "_ws.malformed", "-e", "_ws.expert.message",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    output, _ = await said_by(process)
    rows = [line.split("\t") for line in output.decode().splitlines()]
    assert len(rows) >= least, rows
    assert not [row for row in rows if row[1] or "alformed" in row[2]], rows
