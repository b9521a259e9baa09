"""The TLS side of RadSec: both ends prove who they are, and a key that others may read is not used."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auth8021x.radius.radsec import RadsecLanes, tls_context
from auth8021x.wire.dictionary import Code
from auth8021x.wire.packet import Packet


def paths(folder: Path, name: str = "vt1") -> tuple[str, str, str]:
    return str(folder / "ca.pem"), str(folder / f"{name}.pem"), str(folder / f"{name}.key")


def test_the_server_has_to_prove_its_name(certificates: Path):
    context = tls_context(*paths(certificates))
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_key_that_others_may_read_is_not_used(certificates: Path, tmp_path: Path):
    for file in paths(certificates):
        shutil.copy(file, tmp_path)
    (tmp_path / "vt1.key").chmod(0o640)
    with pytest.raises(OSError, match=r"mode 0640.*chmod 600"):
        tls_context(*paths(tmp_path))


def test_for_an_encrypted_key_nobody_is_asked(certificates: Path):
    with pytest.raises(ssl.SSLError):
        tls_context(*paths(certificates, "server"))


REQUEST = Packet(Code.STATUS_SERVER, 1).serialize()


class Lane:
    """One connection to a server on loopback that says a packet as soon as it stands, and then hangs up or not."""

    def __init__(self, folder: Path, receive: Callable[[int, bytes], None]) -> None:
        self.lost: list[int] = []
        self.ended = asyncio.Event()
        self._folder = folder
        self._receive = receive

    async def open(self) -> RadsecLanes:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._folder / "vt1.pem", self._folder / "vt1.key")
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        ours = tls_context(*paths(self._folder))
        ours.check_hostname, ours.verify_mode = False, ssl.CERT_NONE
        address = self.server.sockets[0].getsockname()
        lanes = RadsecLanes("r0", address, ours, "", self._receive, self._broke)
        lanes.send(0, REQUEST)
        return lanes

    def _broke(self, lane: int) -> None:
        self.lost.append(lane)
        self.ended.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(20))
        await reader.read()
        writer.close()


async def test_a_fault_of_ours_breaks_the_connection_and_no_more(certificates: Path, caplog: pytest.LogCaptureFixture):
    def broken(lane: int, octets: bytes) -> None:
        raise RuntimeError("a port")

    lane = Lane(certificates, broken)
    lanes = await lane.open()
    for times in (1, 2):
        async with asyncio.timeout(10):
            await lane.ended.wait()
        assert lane.lost == [0] * times, "the next request makes a new one"
        lane.ended.clear()
        lanes.send(0, REQUEST)
    assert "a port" in caplog.text
    lanes.close()
    lane.server.close()


async def test_a_connection_that_a_firewall_forgot_breaks_by_itself(
    certificates: Path, monkeypatch: pytest.MonkeyPatch
):
    came, made = asyncio.Event(), []
    connect = asyncio.open_connection

    async def remembered(*where: Any, **how: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        made.append(await connect(*where, **how))
        return made[-1]

    monkeypatch.setattr(asyncio, "open_connection", remembered)
    lane = Lane(certificates, lambda _lane, _octets: came.set())
    lanes = await lane.open()
    async with asyncio.timeout(10):
        await came.wait()
    ((_, writer),) = made
    used = writer.get_extra_info("socket")
    assert 0 < used.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 10_000
    lanes.close()
    lane.server.close()
