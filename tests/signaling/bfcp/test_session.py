"""The shells of floor control on loopback sockets: our server, and our own participant as the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from signaling.bfcp.agreement import FloorAgreement
from signaling.bfcp.ports import FloorPort, FloorPorts
from signaling.bfcp.session import FloorSession, user_of

HOST = "127.0.0.1"
PORTS = FloorPorts(21_700, 21_799)


class Room:
    """A conference with one floor."""

    def __init__(self) -> None:
        self.presenter = 0
        self.changed: list[int] = []
        self.grants = True

    def request_floor(self, leg: int) -> bool:
        self.presenter = leg if self.grants else self.presenter
        return self.grants

    def release_floor(self, leg: int) -> None:
        if self.presenter == leg:
            self.presenter = 0

    def leg_changed(self, leg: int) -> None:
        self.changed.append(leg)


class Ends:
    """A terminal's floor session (`far`, the client) and ours (`near`, the server), each with its conference."""

    def __init__(self, *, is_tcp: bool, near_connects: bool = False) -> None:
        self.room, self.terminal = Room(), Room()
        ports = [PORTS.take(HOST), PORTS.take(HOST)]
        assert all(ports)
        near_port, far_port = (port for port in ports if port is not None)
        self.near = FloorSession(5, near_port, HOST, self.room)
        self.far = FloorSession(9, far_port, HOST, self.terminal)
        names = (self.near.local.conference_id, self.near.local.user_id, 1)
        self.agreed_near = FloorAgreement(True, *names, (HOST, far_port.number), is_tcp, is_tcp and near_connects)
        self.agreed_far = FloorAgreement(False, *names, (HOST, near_port.number), is_tcp, is_tcp and not near_connects)


@asynccontextmanager
async def ends(**how: bool) -> AsyncIterator[Ends]:
    made = Ends(**how)
    first, second = (made.far, made.near) if how.get("near_connects") else (made.near, made.far)
    for session in (first, second):
        session.apply(made.agreed_near if session is made.near else made.agreed_far)
        await asyncio.sleep(0.01)
    try:
        yield made
    finally:
        made.far.close()
        made.near.close()
        await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.cancelling()]


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(3):
        while not holds():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "how",
    [{"is_tcp": False}, {"is_tcp": True}, {"is_tcp": True, "near_connects": True}],
    ids=["udp", "tcp", "tcp that we open"],
)
async def test_a_floor_is_asked_for_granted_and_taken_away(how: dict[str, bool]):
    async with ends(**how) as both:
        assert not both.far.may_show
        both.far.show(77, "somebody in the terminal's own meeting")
        await until(lambda: both.far.may_show)
        assert both.room.presenter == 5
        assert both.terminal.changed == [9]
        both.near.show(5, "the terminal")
        both.near.show(6, "王医生")
        await until(lambda: not both.far.may_show)
        await until(lambda: both.terminal.presenter == 9)  # the floor is somebody else's, as FloorStatus says
        both.near.show(0, "")
        await until(lambda: both.terminal.presenter == 0)


async def test_a_refusal():
    async with ends(is_tcp=False) as both:
        both.room.grants = False
        both.far.show(77, "x")
        await until(lambda: both.terminal.changed)
        assert not both.far.may_show
        assert both.near.may_show, "a client is shown what there is"


async def test_a_call_that_ends_gives_the_floor_back():
    async with ends(is_tcp=False) as both:
        both.far.show(77, "x")
        await until(lambda: both.room.presenter == 5)
        both.far.close()
        await until(lambda: both.room.presenter == 0)


async def test_a_flood_is_cut_off():
    async with ends(is_tcp=False) as both:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as terminal:
            terminal.bind((HOST, 0))
            terminal.setblocking(False)
            hello = bytes((0x40, 11, 0, 0)) + both.near.local.conference_id.to_bytes(4, "big")
            for number in range(1, 200):
                names = number.to_bytes(2, "big") + both.near.local.user_id.to_bytes(2, "big")
                terminal.sendto(hello + names, (HOST, both.near.local.port))
            await asyncio.sleep(0.1)
            answers = 0
            with contextlib.suppress(BlockingIOError):
                while terminal.recv(100):
                    answers += 1
        assert 0 < answers <= 20


async def test_nobody_makes_us_connect_to_somebody_else():
    async with ends(is_tcp=True) as both:
        with socket.socket() as victim:
            victim.bind(("127.0.0.3", 0))
            victim.listen()
            victim.setblocking(False)
            both.near.apply(replace(both.agreed_near, remote=victim.getsockname(), connects=True))
            await asyncio.sleep(0.05)
            with pytest.raises(BlockingIOError):
                victim.accept()


async def test_strangers_are_not_listened_to():
    async with ends(is_tcp=False) as both:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            stranger.setblocking(False)
            hello = bytes((0x40, 11, 0, 0)) + both.near.local.conference_id.to_bytes(4, "big")
            hello += (1).to_bytes(2, "big") + both.near.local.user_id.to_bytes(2, "big")
            stranger.sendto(hello, (HOST, both.near.local.port))
            await asyncio.sleep(0.05)
            with pytest.raises(BlockingIOError):
                stranger.recv(100)


async def test_a_neighbour_who_does_not_know_the_conference_turns_no_messages_its_way():
    """Behind one NAT, or with an invented source, anybody has the terminal's host."""
    async with ends(is_tcp=False) as both:
        both.far.show(77, "x")
        await until(lambda: both.far.may_show)
        both.near.show(5, "the terminal")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour:
            neighbour.bind((HOST, 0))
            neighbour.setblocking(False)
            hello = bytes((0x40, 11, 0, 0)) + (both.near.local.conference_id ^ 1).to_bytes(4, "big")
            hello += (1).to_bytes(2, "big") + both.near.local.user_id.to_bytes(2, "big")
            for _ in range(30):
                neighbour.sendto(hello, (HOST, both.near.local.port))
            await asyncio.sleep(0.05)
            both.near.show(6, "somebody else")
            await until(lambda: not both.far.may_show)
            with pytest.raises(BlockingIOError):
                neighbour.recv(100)


async def test_a_renegotiation_that_changes_nothing_keeps_the_floor_and_one_that_ends_it_frees_the_names():
    async with ends(is_tcp=True) as both:
        both.far.show(77, "x")
        await until(lambda: both.far.may_show)
        both.near.apply(both.agreed_near)
        both.far.apply(both.agreed_far)
        await asyncio.sleep(0.02)
        assert both.far.may_show
        both.far.apply(None)
        assert both.far.may_show, "without floor control a terminal is shown what there is"


async def test_ports_are_given_back_and_run_out():
    few = FloorPorts(21_800, 21_801)  # below those that the kernel gives to others
    taken = [few.take(HOST) for _ in range(3)]
    assert taken[2] is None
    for port in taken[:2]:
        assert isinstance(port, FloorPort)
        port.close()
    again = few.take(HOST)
    assert again is not None
    again.close()


def test_users_are_never_nobody_and_fit():
    assert {user_of(leg) > 0 and user_of(leg) < 0x10000 for leg in (0, 1, 65_533, 65_534, 10**9)} == {True}


async def test_a_terminal_that_connects_again_is_heard_on_its_new_connection():
    async with ends(is_tcp=True) as both:
        both.far.show(77, "x")
        await until(lambda: both.far.may_show)
        both.far.apply(None)
        reader, writer = await asyncio.open_connection(HOST, both.near.local.port)
        _, silent = await asyncio.open_connection(HOST, both.near.local.port)
        silent.close()
        reader, writer = await asyncio.open_connection(HOST, both.near.local.port)
        hello = bytes((0x20, 11, 0, 0)) + both.near.local.conference_id.to_bytes(4, "big")
        writer.write(hello + (1).to_bytes(2, "big") + both.near.local.user_id.to_bytes(2, "big"))
        async with asyncio.timeout(3):
            assert (await reader.readexactly(12))[1] == 12, "HelloAck"
        writer.close()
