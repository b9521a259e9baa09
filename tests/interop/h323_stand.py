"""The least that can talk H.323: our call signalling and logical channels in the test's own process, without rooms."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from config.h323 import H323Settings
from config.media import LocalAddress
from mcu.media import Codec, Kind
from signaling.h323.call import events
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.setup import SetupRequest
from signaling.h323.call_handle import CallHandle
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.h245 import events as h245
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.transport.call_signalling import CallSignalling

_FIRST_RTP_PORT = 31_000
_CONFERENCE = bytes(range(16))
_SOUND = OwnMedia(audio=(Codec.PCMU,), video=(), content=None, has_camera=False)
T = TypeVar("T")


class Ear:
    """Where RTP comes; counts it, and can send it back."""

    def __init__(self, host: str, port: int) -> None:
        self.packets = 0
        self.ports = Ports((host, port), (host, port + 1))
        self._sockets = [_bound(host, port + offset) for offset in (0, 1)]
        asyncio.get_running_loop().add_reader(self._sockets[0], self._drain)

    def close(self) -> None:
        """Hear no more."""
        asyncio.get_running_loop().remove_reader(self._sockets[0])
        for each in self._sockets:
            each.close()

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._sockets[0].recv(2048):
                self.packets += 1


class StandCall:
    """One call with sound."""

    def __init__(self, call: CallHandle, ear: Ear) -> None:
        self.call = call
        self.ear = ear
        self.media = CallMedia(call.control, Wishes(_SOUND), {Kind.AUDIO: ear.ports})
        self.told: list[Any] = []
        call.control.prepare(self.media.capability_set())

    def answer(self) -> None:
        """Take it, by fast start where that is offered."""
        assert self.call.setup is not None
        channels = self.media.answer_fast_start(self.call.setup.fast_start)
        self.call.accept(conference_id=_CONFERENCE, fast_start=channels)

    async def run(self) -> None:
        """Until it is over."""
        try:
            while True:
                event = await self.call.next_event()
                self.told.append(event)
                if isinstance(event, events.Released):
                    return
                self.call.carry(self.media.handle(event, self.call.now()))
        finally:
            self.ear.close()

    def find(self, kind: type[T]) -> T | None:
        """The first event of this kind."""
        return next((event for event in self.told if isinstance(event, kind)), None)

    async def until(self, what: str, claim: Callable[[], object], timeout_s: float = 10.0) -> None:
        """Wait until it holds."""
        try:
            async with asyncio.timeout(timeout_s):
                while not claim():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"not {what}: {self.told}") from None

    async def is_up(self) -> None:
        """H.245 is ready, and the sound of both directions stands."""
        await self.until("ready", lambda: self.find(h245.Ready))
        await self.until("settled", lambda: self.media.is_settled)
        (stream,) = self.media.media.streams
        assert stream.send is not None, stream
        assert stream.receive, stream

    async def hears(self, packets: int = 25) -> None:
        """RTP comes."""
        heard = self.ear.packets
        await self.until("heard", lambda: self.ear.packets >= heard + packets)

    async def is_over(self) -> events.Released:
        """Its end."""
        await self.until("over", lambda: self.find(events.Released))
        found = self.find(events.Released)
        assert found is not None
        return found


class Stand:
    """Takes calls, and makes them."""

    def __init__(self, host: str, tunnels: bool) -> None:
        self.calls: list[StandCall] = []
        self._host = host
        self._tasks: set[asyncio.Task[None]] = set()
        self._ports = itertools.count(_FIRST_RTP_PORT, 2)
        own = LocalEndpoint((Alias(AliasKind.H323_ID, "drumtower"),), offers_tunnelling=tunnels)
        self.signalling = CallSignalling(H323Settings(listen=(LocalAddress(host),)), self._take, own)

    async def dial(self, address: Address, number: str, *, is_fast: bool) -> StandCall:
        """A call of ours."""
        found = self._follow(await self.signalling.connect(address))
        channels = tuple(found.media.propose_fast_start()) if is_fast else ()
        request = SetupRequest((Alias(AliasKind.DIALLED_DIGITS, number),), address, fast_start=channels)
        found.call.place(request, self.signalling.new_identity())
        return found

    def _take(self, call: CallHandle) -> None:
        self._follow(call).answer()

    def _follow(self, call: CallHandle) -> StandCall:
        found = StandCall(call, Ear(self._host, next(self._ports)))
        self.calls.append(found)
        task = asyncio.get_running_loop().create_task(found.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return found


@contextlib.asynccontextmanager
async def running(host: str, *, tunnels: bool = True) -> AsyncIterator[Stand]:
    """One that listens; afterwards no task, socket or timer of it is left."""
    tasks, sockets = asyncio.all_tasks(), _sockets()
    stand = Stand(host, tunnels)
    await stand.signalling.start()
    try:
        yield stand
    finally:
        await stand.signalling.stop()
    for _ in range(5):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    assert _sockets() == sockets
    assert set(stand.signalling.gauges.values()) == {0}


def _bound(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind((host, port))
    return made


def _sockets() -> set[str]:
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{number}"))
    return {name for name in found if name.startswith("socket:")}
