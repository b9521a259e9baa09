"""600 conversations of the embedded server, all open at once, by UDP with our own RADIUS client and our own peers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from auth8021x.eapserver.udp import EapServerSockets, server
from auth8021x.pae.nas import NasPort
from auth8021x.radius import listening, setup
from auth8021x.radius.client import RadiusClient
from auth8021x.radius.request import Answered, Request
from auth8021x.supplicant.contexts import peer_context
from auth8021x.supplicant.methods import Credentials, PeerMethodName, make_method
from auth8021x.supplicant.peer import Peer
from auth8021x.supplicant.trial import Outcome, Trial
from config.dot1x import Dot1xSettings
from config.dot1x_server import EapServerSettings
from crypto.secret import Secret
from tests.auth8021x.certificates import PASSWORD, SERVER_NAME
from tests.auth8021x.eapserver.world import SECRET, PaperBook, user

COUNT = 600
PORTS = NasPort("ward", "", 1, "p1", bytes.fromhex("02000000ff01"))
FEW_BYTES = 32_768
"""Of a buffer that cannot hold 600 requests."""


class AllAtOnce:
    """Keeps each conversation waiting after its first answer, until all have had theirs (radius.accounting.Asker)."""

    def __init__(self, client: RadiusClient) -> None:
        self._client = client
        self._all_are_open = asyncio.Barrier(COUNT)

    async def ask(self, request: Request) -> Answered:
        found = await self._client.ask(request)
        if not request.server:
            await self._all_are_open.wait()
        return found


@asynccontextmanager
async def serving(folder: Path, certificates: Path, method: PeerMethodName) -> AsyncIterator[EapServerSockets]:
    file = folder / "secret"
    file.touch(0o600)
    file.write_bytes(SECRET)
    client = {"name": "loopback", "networks": ["127.0.0.0/8"], "secret_file": str(file)}
    settings = msgspec.convert({"port": 0, "methods": [method], "clients": [client]}, EapServerSettings)
    book = PaperBook(*(user(f"bed{number}", f"{number}-lanterns", "") for number in range(COUNT)))
    sockets = EapServerSockets(server(settings, book, certificates, PASSWORD), settings)
    try:
        yield sockets
    finally:
        sockets.close()


@asynccontextmanager
async def asking(folder: Path, port: int, retransmit_s: float) -> AsyncIterator[RadiusClient]:
    entry = {"name": "own", "address": "127.0.0.1", "authentication_port": port, "secret_file": str(folder / "secret")}
    timers = {"retransmit_s": retransmit_s, "max_retransmit_s": retransmit_s, "max_tries": 20}
    made = setup.client(msgspec.convert({"servers": [entry], "timers": timers}, Dot1xSettings), "authentication")
    try:
        yield made
    finally:
        made.close()


async def log_in(client: RadiusClient, method: PeerMethodName, certificates: Path) -> list[Outcome]:
    """What becomes of all of them."""
    asker, clock = AllAtOnce(client), asyncio.get_running_loop().time
    context = None if method == "md5" else peer_context(certificates / "ca.pem", SERVER_NAME, None, None)

    async def one(number: int) -> Outcome:
        who = Credentials(f"bed{number}", Secret(f"{number}-lanterns"), context, SERVER_NAME)
        terminal = bytes.fromhex("020000bb") + number.to_bytes(2, "big")
        trial = Trial(asker, PORTS, terminal, clock)
        return (await trial.by_eap(lambda: Peer(who.name, make_method(method, who, os.urandom))))[0]

    return await asyncio.gather(*(one(number) for number in range(COUNT)))


@pytest.mark.parametrize("method", ["md5", pytest.param("peap", marks=pytest.mark.exhaustive)])
async def test_all_succeed(certificates: Path, tmp_path: Path, method: PeerMethodName):
    async with serving(tmp_path, certificates, method) as sockets, asking(tmp_path, sockets.ports[0], 5) as client:
        most = 0
        answer = sockets.answer

        def counted(octets: bytes, source: tuple[str, int], now: float) -> bytes | None:
            nonlocal most
            found = answer(octets, source, now)
            most = max(most, len(sockets.core))
            return found

        sockets.answer = counted
        outcomes = await log_in(client, method, certificates)
        core = sockets.core
        assert [each.grant.identity if each.grant else each.reason for each in outcomes] == [
            f"bed{number}" for number in range(COUNT)
        ]
        assert most == COUNT
        assert (len(core), client.core.in_flight) == (0, 0)
        rounds = sum(each.rounds for each in outcomes)
        told, asked = core.counters, client.core.counters
        assert (told["accepted"], told["accepted"] + told["challenged"]) == (COUNT, rounds)
        assert asked["answered"] == rounds
        assert told.total() == asked["sent"] - asked["udp-send-error"]


async def test_what_the_kernel_has_no_room_for_is_counted_and_comes_again(
    certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(listening, "_BUFFER_BYTES", FEW_BYTES)
    async with serving(tmp_path, certificates, "md5") as sockets, asking(tmp_path, sockets.ports[0], 0.5) as client:
        outcomes = await log_in(client, "md5", certificates)
        assert all(each.grant is not None for each in outcomes)
        # With the next one that comes the kernel tells how many it has lost.
        told, asked = sockets.core.counters, client.core.counters
        assert told["udp-receive-lost"] > COUNT / 4
        assert asked["repeated"] >= told["udp-receive-lost"]
        assert told.total() == asked["sent"]
