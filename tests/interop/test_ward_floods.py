"""Somebody on the terminal's own wire floods our port: who is in stays in, who logs in gets in, RADIUS sees little."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from itertools import repeat
from pathlib import Path

import pytest

from auth8021x.ports.eapol_socket import mac_of
from auth8021x.wire import eap, eapol, mac_address
from auth8021x.wire.eap import Eap, Method
from auth8021x.wire.eapol import ETHERTYPE, PAE_GROUP_ADDRESS, Eapol, Frame
from tests.fuzz.mutator import mutate
from tests.interop.enforcing import MAC, PORT
from tests.interop.freeradius import SERVER_NAME, FreeRadius
from tests.interop.supplicant import Trust, password_network
from tests.interop.waiting import until_holds
from tests.interop.ward_network import FAILURE, SUCCESS, logged_in, port_settings, served, terminal
from tests.interop.ward_ports import WardPorts

VICTIM = mac_address.parse(MAC)
PER_S, BURST_S = 1600, 0.01
FLOODED_FOR_S = 4.0
MOST_REQUESTS = 12
"""Of one authentication by PEAP; it takes nine."""
MUTATED = 20_000
STRANGERS = [bytes.fromhex(f"020000cc000{number}") for number in range(6)]


@pytest.fixture(autouse=True)
def _programs(needs) -> None:
    needs("freeradius", "wpa_supplicant", "ip", "bridge", "nft")


@pytest.fixture(scope="module")
def radius(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeRadius]:
    running = FreeRadius(tmp_path_factory.mktemp("radius") / "one").start()
    yield running
    running.stop()


@pytest.fixture
def port(radius: FreeRadius) -> Iterator[WardPorts]:
    with closing(WardPorts()) as made:
        yield made


def peap(radius: FreeRadius) -> str:
    """Its Accept has no VLAN."""
    return password_network("PEAP", "loadpass", Trust(radius.folder / "ca.pem", SERVER_NAME), "load")


def requests(radius: FreeRadius) -> int:
    return radius.log().count("Received Access-Request")


@asynccontextmanager
async def flooded(port: WardPorts, frames: Iterator[bytes], per_s: int = PER_S) -> AsyncIterator[list[bytes]]:
    """Sends them one after the other from the terminal's end of the wire, until they end; gives those that are sent."""
    sent: list[bytes] = []

    async def send() -> None:
        with port.voice() as voice:
            loop = asyncio.get_running_loop()
            began = loop.time()
            for frame in frames:
                voice.send(frame)
                sent.append(frame)
                if len(sent) % int(per_s * BURST_S) == 0:
                    await asyncio.sleep(max(0.0, began + len(sent) / per_s - loop.time()))

    flooding = asyncio.create_task(send())
    try:
        yield sent
    finally:
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)


async def keeps_passing(port: WardPorts, seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        assert await port.passes()
        await asyncio.sleep(0.01)


def bare(kind: eapol.Type, source: bytes = VICTIM) -> bytes:
    return Frame(PAE_GROUP_ADDRESS, source, Eapol(kind)).serialize()


async def test_start_in_the_victims_name_neither_keeps_it_out_nor_throws_it_out(
    port: WardPorts, radius: FreeRadius, tmp_path: Path
):
    before = requests(radius)
    async with (
        terminal(port, tmp_path / "terminal", peap(radius)) as made,
        flooded(port, repeat(bare(eapol.Type.START))) as sent,
        served(port_settings(tmp_path), tmp_path),
    ):
        await until_holds(lambda: SUCCESS in made.log())
        port.announce()
        await port.until_passes(True)
        await keeps_passing(port, FLOODED_FOR_S)
        assert len(sent) > FLOODED_FOR_S * PER_S / 2
        assert FAILURE not in made.log()
        assert requests(radius) - before <= 2 * MOST_REQUESTS, "the login, and one renewal in ten seconds"


@pytest.mark.parametrize(
    ("kind", "logoff"),
    [(eapol.Type.LOGOFF, "ignore"), (eapol.Type.LOGOFF, "confirm"), (eapol.Type.START, "honour")],
)
async def test_who_is_in_stays_in(port: WardPorts, radius: FreeRadius, tmp_path: Path, kind: eapol.Type, logoff: str):
    async with logged_in(port, tmp_path, peap(radius), port_settings(tmp_path, pae={"logoff": logoff})) as stay:
        before = requests(radius)
        async with flooded(port, repeat(bare(kind))) as sent:
            await keeps_passing(port, FLOODED_FOR_S / 2)
        assert len(sent) > FLOODED_FOR_S / 2 * PER_S / 2
        assert stay.count(eap.Code.FAILURE) == 0
        assert requests(radius) - before <= MOST_REQUESTS


async def test_invented_terminals_cost_the_victim_nothing(port: WardPorts, radius: FreeRadius, tmp_path: Path):
    chance = random.Random("invented")
    async with logged_in(port, tmp_path, peap(radius), port_settings(tmp_path)) as stay:
        before = requests(radius)
        invented = (bare(eapol.Type.START, b"\x02" + chance.randbytes(5)) for _ in iter(int, 1))
        async with flooded(port, invented) as sent:
            await keeps_passing(port, FLOODED_FOR_S / 2)
        assert len(sent) > FLOODED_FOR_S / 2 * PER_S / 2
        assert stay.count(eap.Code.FAILURE) == 0
        assert requests(radius) == before, "nobody of them has said a name"


def mutated(chance: random.Random) -> Iterator[bytes]:
    """Frames of strangers. In the victim's own name anybody can log off or answer wrong: that takes MACsec to end."""
    seeds = [
        Eapol(eapol.Type.START).serialize(), Eapol(eapol.Type.LOGOFF).serialize(),
        Eapol(eapol.Type.KEY, bytes(95)).serialize(), Eapol(eapol.Type.MKA, bytes(64)).serialize(),
        *(
            Eapol(eapol.Type.EAP, Eap(eap.Code.RESPONSE, identifier, kind, data).serialize()).serialize()
            for identifier in (0, 1, 128, 255)
            for kind, data in (
                (Method.IDENTITY, b"load"), (Method.MD5_CHALLENGE, bytes((16,)) + bytes(16)), (Method.NAK, b"\x19"),
                (Method.PEAP, bytes(600)), (Method.TLS, b"\x80" + bytes(4)),
            )
        ),
    ]  # fmt: skip
    ours = mac_of(PORT)
    for _ in range(MUTATED):
        to, source = chance.choice((PAE_GROUP_ADDRESS, ours)), chance.choice(STRANGERS)
        yield to + source + ETHERTYPE.to_bytes(2, "big") + mutate(chance, seeds, 1500)


async def test_20_000_mutated_frames_while_a_terminal_logs_in(port: WardPorts, radius: FreeRadius, tmp_path: Path):
    frames = mutated(random.Random("live port"))
    async with served(port_settings(tmp_path), tmp_path) as ports, flooded(port, frames, 4000) as sent:
        await until_holds(lambda: len(sent) > MUTATED / 10)
        async with terminal(port, tmp_path / "terminal", peap(radius)) as made:
            await until_holds(lambda: SUCCESS in made.log())
            port.announce()
            await port.until_passes(True)
            assert len(sent) < MUTATED, "it is still going on"
            while len(sent) < MUTATED:
                assert await port.passes()
                await asyncio.sleep(0.01)
            await until_holds(lambda: sum(ports.counters().values()) > MUTATED / 2)
            assert await port.passes()
            assert FAILURE not in made.log()
