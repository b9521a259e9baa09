"""A sender whose pictures crash the decoder, over real sockets and with the real processes of a worker."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import av
import pytest

from mcu.fleet.local_worker import LocalWorker, WorkerModules
from mcu.media import Codec, Format, Kind, StreamSpec, stream_id
from mcu.rtp import packet as rtp_packet
from mcu.rtp.cutting import cut
from mcu.rtp.frames import FrameAssembler
from mcu.rtp.packet import header
from mcu.rtp.sequence import SequenceTracker
from mcu.worker.channel import Frame
from mcu.worker.messages import (
    AddAudioLeg,
    AnyMessage,
    AttachLeg,
    BanSource,
    ConfigureLeg,
    LegOpened,
    OpenLeg,
    OpenRendition,
    RouteVideo,
    SetScene,
    Tile,
    Transport,
)
from tests.interop.crashing_video import FATAL
from tests.mcu.video.media import GREEN, RED, Rgb, Sender, Viewer, is_near

ROOM, RENDITION = "1001", 1
PCMU, H264 = Format(Codec.PCMU, 0, 8000), Format(Codec.H264, 97, 90_000, packetization_mode=1)
MOST_BACK_S = 8.0
"""On a busy machine; test_resilience measures the 3 s, of pictures as a browser shows them."""
SEI = b"\0\0\0\1\x06\x05" + bytes((len(FATAL),)) + FATAL + b"\x80"
LEFT, RIGHT = (0.25, 0.5), (0.75, 0.5)


class Terminal:
    """One SIP terminal in the clear: sends a colour and noise, notes when sound and pictures come."""

    def __init__(self, leg: int, colour: Rgb) -> None:
        self.leg = leg
        self.is_fatal = False
        self.sent_fatal = 0
        self.sound_s: list[float] = []
        self.moves_s: list[float] = []
        """When the picture showed the colour that it ought to show in its left half."""
        self.viewer = Viewer()
        self._camera, self._colour = Sender(leg, colour), colour
        self._sockets = {kind: _udp() for kind in (Kind.AUDIO, Kind.VIDEO)}
        self._ports: dict[Kind, int] = {}
        self._tracker, self._assembler = SequenceTracker(), FrameAssembler(Codec.H264, has_nack=False)
        self._video_numbers = itertools.count(100)

    async def join(self, worker: LocalWorker) -> None:
        """Open, configure, attach, be mixed and be shown."""
        opened = await worker.open_leg(OpenLeg(self.leg, ROOM, Transport.PORTS, tuple(self._sockets)))
        assert isinstance(opened, LegOpened)
        self._ports = {kind: opened.ports[str(kind)][0] for kind in self._sockets}
        here = {kind: each.getsockname() for kind, each in self._sockets.items()}
        audio = StreamSpec("0", Kind.AUDIO, (PCMU,), PCMU, remote=here[Kind.AUDIO])
        video = StreamSpec("1", Kind.VIDEO, (H264,), H264, remote=here[Kind.VIDEO], has_pli=True)
        await worker.configure_leg(ConfigureLeg(self.leg, (audio, video)))
        worker.send("net", AttachLeg(self.leg))
        worker.send("audio", AddAudioLeg(ROOM, self.leg, Codec.PCMU))
        worker.send("net", RouteVideo(self.leg, RENDITION))

    async def send(self) -> None:
        """Sound every 20 ms, a picture every 40 ms, all of them keyframes."""
        began = time.monotonic()
        for tick in itertools.count():
            await asyncio.sleep(max(0.0, began + tick * 0.02 - time.monotonic()))
            sound = bytes((0x20 + tick % 8, 0xA0 + tick % 8)) * 80
            self._put(Kind.AUDIO, header(0, False, tick & 0xFFFF, tick * 160, self.leg) + sound)
            if tick % 2 == 0:
                self._send_picture(tick * 1800)

    def _send_picture(self, timestamp: int) -> None:
        payload = self._camera.frame(is_key=True, colour=self._colour).payload
        if self.is_fatal:
            payload, self.is_fatal = SEI + payload, False
            self.sent_fatal += 1
        for piece in cut(Codec.H264, payload):
            number = next(self._video_numbers) & 0xFFFF
            self._put(Kind.VIDEO, header(97, piece.marker, number, timestamp, self.leg) + piece.payload)

    def _put(self, kind: Kind, packet: bytes) -> None:
        self._sockets[kind].sendto(packet, ("127.0.0.1", self._ports[kind]))

    def look(self) -> None:
        """Take what has come."""
        now = time.monotonic()
        self.sound_s += [now for data in _read(self._sockets[Kind.AUDIO]) if not 192 <= data[1] <= 223]
        for data in _read(self._sockets[Kind.VIDEO]):
            packet = None if 192 <= data[1] <= 223 else rtp_packet.parse(data)
            number = None if packet is None else self._tracker.receive(packet.sequence)
            if packet is None or number is None:
                continue
            self._assembler.receive(number, packet.timestamp, packet.marker, packet.payload, int(now * 1e6))
            while (frame := self._assembler.next_frame()) is not None:
                self._show(frame.payload, now)

    def _show(self, payload: bytes, now: float) -> None:
        try:
            self.viewer.take(Frame(RENDITION, Codec.H264, payload))
        except av.FFmpegError:
            return
        if is_near(self.viewer.at(*LEFT), GREEN):
            self.moves_s.append(now)

    def close(self) -> None:
        """Free the ports."""
        for each in self._sockets.values():
            each.close()


@asynccontextmanager
async def meeting() -> AsyncIterator[tuple[LocalWorker, Terminal, Terminal, list[AnyMessage]]]:
    """A good terminal on the left, a hostile one on the right of a picture that both see."""
    net = {"webrtc_port": 0, "has_webrtc_tcp": False, "first_rtp_port": 28_000, "last_rtp_port": 28_099}
    worker = LocalWorker(1, {"net": net}, WorkerModules(video="tests.interop.crashing_video"))
    heard: list[AnyMessage] = []
    worker.observe(heard.append)
    worker.start()
    good, bad = Terminal(1, GREEN), Terminal(2, RED)
    tasks: list[asyncio.Task[None]] = []
    try:
        await worker.ready()
        await good.join(worker)
        await bad.join(worker)
        tiles = tuple(
            Tile(at, 0, 0.5, 1, stream_id(leg, Kind.VIDEO)) for at, leg in ((0, good.leg), (0.5, bad.leg))
        )  # fmt: skip
        worker.send("video", SetScene(ROOM, "all", tiles))
        worker.send("video", OpenRendition(RENDITION, ROOM, "all", Codec.H264, 640, 360, 25, 800_000))
        tasks += [asyncio.create_task(terminal.send()) for terminal in (good, bad)]
        yield worker, good, bad, heard
    finally:
        for task in tasks:
            task.cancel()
        good.close()
        bad.close()
        await worker.stop()


@pytest.mark.timeout(60)
async def test_a_source_that_crashes_the_decoder_twice_is_left_out_and_costs_pictures_only_for_moments() -> None:
    async with meeting() as (worker, good, bad, heard):
        await _until(good, lambda: len(good.moves_s) > 10 and is_near(good.viewer.at(*RIGHT), RED))
        before, began_s = worker.pids(), time.monotonic()
        for crash in (1, 2):
            bad.is_fatal = True
            await _until(good, lambda crash=crash: worker.restarts["video"] == crash)  # type: ignore[misc]
            died_s = time.monotonic()
            await _until(good, lambda died_s=died_s: good.moves_s[-1] > died_s + 0.1)  # type: ignore[misc]
            back_s = next(at for at in good.moves_s if at > died_s + 0.1) - died_s
            print(f"crash {crash}: green is back after {back_s:.2f} s")
            assert back_s < MOST_BACK_S
            if crash == 1:
                assert not heard_bans(heard)
                await _until(good, lambda: is_near(good.viewer.at(*RIGHT), RED))  # the first time may be chance
        assert heard_bans(heard) == [BanSource(stream_id(bad.leg, Kind.VIDEO), is_banned=True)]
        for _ in range(3):
            bad.is_fatal = True
            await _until(good, lambda: not bad.is_fatal)
        calm_s = time.monotonic()
        await _until(good, lambda: good.moves_s[-1] > calm_s + 1.0)
        assert bad.sent_fatal == 5
        assert worker.restarts == {"video": 2}, "what it sent after the second crash was not decoded"
        assert not is_near(good.viewer.at(*RIGHT), RED)
        after = worker.pids()
        assert (after["net"], after["audio"]) == (before["net"], before["audio"])
        heard_s = [at for at in good.sound_s if at > began_s]
        gap_s = max(later - earlier for earlier, later in itertools.pairwise(heard_s))
        print(f"longest gap of sound {gap_s * 1000:.0f} ms in {heard_s[-1] - heard_s[0]:.1f} s")
        assert gap_s < 0.2
        assert len(heard_s) > 49 * (heard_s[-1] - heard_s[0])


def heard_bans(heard: list[AnyMessage]) -> list[AnyMessage]:
    return [message for message in heard if isinstance(message, BanSource)]


async def _until(terminal: Terminal, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while True:
            terminal.look()
            if holds():
                return
            await asyncio.sleep(0.005)


def _udp() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    return made


def _read(sock: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(sock.recv(4096))
        except BlockingIOError:
            return found
