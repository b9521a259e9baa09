"""Ends of H.323 calls on loopback: ours, and one whose octets are made by hand."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, ClassVar

import msgspec

from config.h323 import H323Settings
from config.media import LocalAddress
from signaling.h323 import tpkt
from signaling.h323.call import events, message
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.message import Signal
from signaling.h323.call.setup import SetupRequest
from signaling.h323.call_handle import CallHandle
from signaling.h323.q931 import MessageType
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.transport.call_signalling import CallSignalling
from tests.signaling.h323.call.peer import IDENTITY, ROOM, SETUP, octets
from tests.signaling.h323.call.wire import CAPABILITIES

LOOPBACK = H323Settings(listen=(LocalAddress("127.0.0.1"),), signalling_port=0)
PATIENCE_S = 5.0


class End:
    """Takes every call, and answers it where `answers` says so."""

    def __init__(self, name: str = "end", *, tunnels: bool = True, answers: bool = True, **others: Any) -> None:
        kept = {key: others.pop(key) for key in ("signatures", "is_registered") if key in others}
        traversal = others.pop("traversal", None)
        own = LocalEndpoint(
            (Alias(AliasKind.H323_ID, name),), name, offers_tunnelling=tunnels, traversal=traversal
        )  # fmt: skip
        self.answers = answers
        self.calls: list[CallHandle] = []
        self.signalling = CallSignalling(msgspec.structs.replace(LOOPBACK, **others), self.take, own, **kept)

    def take(self, call: CallHandle) -> None:
        self.calls.append(call)
        if self.answers:
            call.control.prepare(CAPABILITIES)
            call.accept(conference_id=ROOM, tokens=call.setup.tokens)

    async def dial(self, address: Address, **request: Any) -> CallHandle:
        call = await self.signalling.connect(address)
        call.control.prepare(CAPABILITIES)
        request = {"called": (Alias(AliasKind.DIALLED_DIGITS, "777"),)} | request
        call.place(SetupRequest(**request), self.signalling.new_identity())
        return call


@contextlib.asynccontextmanager
async def running(*ends: End) -> AsyncIterator[None]:
    """With these ends; afterwards no task and no socket is left."""
    tasks, files = asyncio.all_tasks(), _files()
    for end in ends:
        await end.signalling.start()
    try:
        yield
    finally:
        for peer in Peer.open:
            peer.close()
        Peer.open.clear()
        for end in ends:
            await end.signalling.stop()
    for _ in range(3):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    assert _files() == files
    for end in ends:
        assert set(end.signalling.gauges.values()) == {0}


async def until(call: CallHandle, kind: type) -> Any:
    """The next event of this kind; what comes before it is passed over."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            event = await call.next_event()
            if isinstance(event, kind):
                return event
            assert not isinstance(event, events.Released), event


@contextlib.contextmanager
def silent_port() -> Iterator[Address]:
    """Where a connection is neither made nor refused: nobody takes those that wait, and there is room for no more."""
    with contextlib.ExitStack() as open_ones:
        silent = open_ones.enter_context(socket.socket())
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        for _ in range(4):
            waiting = open_ones.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())
        yield silent.getsockname()


async def eventually(claim: Any) -> None:
    """Until it holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not claim():
            await asyncio.sleep(0.005)


class Peer:
    """A terminal whose messages are those of call.peer.octets()."""

    open: ClassVar[list[Peer]] = []
    """Those that running() closes in the end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._deframer = tpkt.Deframer()
        self._units: list[bytes] = []
        Peer.open.append(self)

    @classmethod
    async def connect(cls, address: Address, host: str = "127.0.0.1") -> Peer:
        return cls(*await asyncio.open_connection(*address, local_addr=(host, 0)))

    def say(self, kind: MessageType, body: dict[str, Any] | None = None, reference: int = 1, **others: Any) -> None:
        identity = replace(IDENTITY, reference=reference)
        self.send(octets(kind, body, is_caller=True, identity=identity, **others))

    def setup(self, reference: int = 1, **others: Any) -> None:
        self.say(MessageType.SETUP, SETUP | others.pop("body", {}), reference, **others)

    def send(self, unit: bytes) -> None:
        self.writer.write(tpkt.frame(unit))

    async def unit(self) -> bytes:
        """The next unit; b"" at the end."""
        async with asyncio.timeout(PATIENCE_S):
            while not self._units:
                data = await self.reader.read(65_536)
                if not data:
                    return b""
                self._units = self._deframer.receive(data)
        return self._units.pop(0)

    async def hear(self, kind: MessageType | None = None) -> Signal:
        """The next message, of this kind where one is named; others are passed over."""
        while True:
            unit = await self.unit()
            assert unit, "the connection has ended"
            signal = message.parse(unit)
            if kind is None or signal.type == kind:
                return signal

    async def is_cut(self) -> bool:
        """Whether the connection ends without another message."""
        try:
            return not await self.unit()
        except ConnectionError:
            return True

    def close(self) -> None:
        self.writer.close()


def _files() -> set[str]:
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{number}"))
    return {name for name in found if name.startswith("socket:")}
