"""The net process inside the test's own event loop, with channels to it as its neighbours have them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from unittest.mock import patch

from mcu.media import Codec, Format, Kind, StreamSpec
from mcu.net import process
from mcu.rtp import packet as rtp_packet
from mcu.rtp.packet import RtpPacket
from mcu.worker.channel import Channel as Wire
from mcu.worker.channel import Frame, channel_pair
from mcu.worker.messages import Channel, LegOpened, Message, OpenLeg, Start, Stop, Transport

T = TypeVar("T")
PCMU = Format(Codec.PCMU, 0, 8000)
OPUS = Format(Codec.OPUS, 111, 48000)
DTMF = Format(Codec.TELEPHONE_EVENT, 101, 8000)
H264 = Format(Codec.H264, 97, 90000, profile_level_id="42e01f", packetization_mode=1)
VP8 = Format(Codec.VP8, 96, 90000)
RTX = Format(Codec.RTX, 98, 90000, apt=97)
SETTINGS: dict[str, object] = {"webrtc_port": 0, "first_rtp_port": 27000, "last_rtp_port": 27999}


class Harness:
    """One net process and the other ends of its channels."""

    def __init__(self) -> None:
        ours, theirs = channel_pair()
        self.control = Wire(ours)
        self.process = process.NetProcess(Wire(theirs))
        self.neighbours: dict[str, Wire] = {}
        self.heard: list[Message | Frame] = []

    def meet(self, name: str) -> Wire:
        """Give the process a (new) neighbour; our end of its channel."""
        ours, theirs = channel_pair()
        self.control.send(Channel(name), [theirs.fileno()])
        theirs.close()
        old = self.neighbours.get(name)
        if old is not None:
            old.close()
        self.neighbours[name] = Wire(ours)
        return self.neighbours[name]

    async def expect(self, kind: type[T], match: Callable[[T], bool] = lambda _: True, timeout: float = 3.0) -> T:
        """The next message of that kind from the process; others before it are kept in `heard`."""
        found = await self.wait(lambda: self._take(kind, match), timeout, f"no {kind.__name__}")
        assert isinstance(found, kind)
        return found

    def _take(self, kind: type[T], match: Callable[[T], bool]) -> T | None:
        self.heard += self.control.receive()
        for index, item in enumerate(self.heard):
            if isinstance(item, kind) and match(item):
                del self.heard[index]
                return item
        return None

    async def frame(self, name: str, timeout: float = 3.0) -> Frame:
        """The next frame that the process hands to a neighbour."""
        wire = self.neighbours[name]

        def take() -> Frame | None:
            return next((item for item in wire.receive(1) if isinstance(item, Frame)), None)

        found = await self.wait(take, timeout, f"no frame for {name}")
        assert isinstance(found, Frame)
        return found

    async def message(self, name: str, kind: type[T], timeout: float = 3.0) -> T:
        """The next message of that kind that the process sends to a neighbour; what comes before is thrown away."""
        wire = self.neighbours[name]
        found = await self.wait(
            lambda: next((item for item in wire.receive(1) if isinstance(item, kind)), None), timeout, f"no {kind}"
        )
        assert isinstance(found, kind)
        return found

    async def wait(self, condition: Callable[[], Any], timeout: float = 3.0, what: str = "condition") -> Any:
        """Poll until `condition` gives something true."""
        deadline = time.monotonic() + timeout
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}; heard {self.heard[-5:]}, counters {dict(self.process.counters)}")
            await asyncio.sleep(0.002)

    async def open(self, leg: int, transport: Transport, *kinds: Kind) -> LegOpened:
        """OpenLeg and its answer."""
        self.control.send(OpenLeg(leg, "1001", transport, kinds))
        return await self.expect(LegOpened, lambda opened: opened.leg == leg)


@asynccontextmanager
async def net_process(looks_every_s: float = 0.1, **settings: object) -> AsyncIterator[Harness]:
    """A running process with all neighbours; it tells statistics more often than in life."""
    with patch.object(process, "_STATS_S", looks_every_s):
        async with _running(settings) as harness:
            yield harness


@asynccontextmanager
async def _running(settings: dict[str, object]) -> AsyncIterator[Harness]:
    harness = Harness()
    running = asyncio.create_task(harness.process.run())
    harness.control.send(Start(SETTINGS | settings))
    for name in ("video", "audio", "recorder"):
        harness.meet(name)
    try:
        yield harness
    finally:
        harness.control.send(Stop())
        await asyncio.wait_for(running, 5)
        harness.control.close()
        for wire in harness.neighbours.values():
            wire.close()


class Peer:
    """A UDP socket of the far end."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.setblocking(False)
        self.address: tuple[str, int] = self.socket.getsockname()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes, port: int) -> None:
        self.socket.sendto(data, ("127.0.0.1", port))

    def receive(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096))
            except BlockingIOError:
                return found

    async def packets(self, count: int, timeout: float = 3.0) -> list[RtpPacket]:
        """RTP packets in the clear, RTCP left out."""
        found: list[RtpPacket] = []
        deadline = time.monotonic() + timeout
        while len(found) < count:
            for data in self.receive():
                packet = rtp_packet.parse(data)
                if packet is not None and not 192 <= data[1] <= 223:
                    found.append(packet)
            assert time.monotonic() < deadline, f"{len(found)} packets of {count}"
            await asyncio.sleep(0.002)
        return found


def audio_spec(peer: Peer, **changes: Any) -> StreamSpec:
    """PCMU both ways with `peer`."""
    fields: dict[str, Any] = {"mid": "0", "kind": Kind.AUDIO, "receive": (PCMU, DTMF), "send": PCMU}
    return StreamSpec(**(fields | {"remote": peer.address} | changes))


def video_spec(peer: Peer, **changes: Any) -> StreamSpec:
    """H.264 both ways with `peer`."""
    fields: dict[str, Any] = {"mid": "1", "kind": Kind.VIDEO, "receive": (H264,), "send": H264}
    return StreamSpec(**(fields | {"remote": peer.address} | changes))


def rtp(
    payload_type: int, sequence: int, payload: bytes, ssrc: int = 0x1234, timestamp: int = 0, marker: bool = False
) -> bytes:
    """One RTP packet."""
    return RtpPacket(payload_type, marker, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, payload).serialize()
