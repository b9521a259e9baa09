"""The real net process for benchmarks, with the benchmark in the place of control, video and audio."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from bench import net_media
from mcu.fleet.process import WorkerProcess
from mcu.media import Codec, DtlsPeer, Extensions, Format, Kind, StreamSpec
from mcu.worker.channel import Channel as Wire
from mcu.worker.channel import Frame, channel_pair
from mcu.worker.messages import (
    AnyMessage,
    AssignAudio,
    AttachLeg,
    Channel,
    ConfigureLeg,
    LegConfigured,
    LegConnected,
    LegOpened,
    OpenLeg,
    ProcessStats,
    RequestKeyframe,
    RouteVideo,
    Transport,
)

RENDITION = 11
_OPUS = Format(Codec.OPUS, net_media.AUDIO_TYPE, 48000)
_H264 = Format(Codec.H264, net_media.VIDEO_TYPE, 90000, profile_level_id="42e01f", packetization_mode=1)
_RTX = Format(Codec.RTX, net_media.VIDEO_TYPE + 1, 90000, apt=net_media.VIDEO_TYPE)
_EXTENSIONS = Extensions(
    mid=net_media.MID_ID, audio_level=net_media.LEVEL_ID, transport_cc=net_media.TRANSPORT_CC_ID
)  # fmt: skip
_SETTINGS: dict[str, object] = {"webrtc_port": 0, "has_webrtc_tcp": False, "max_legs": 400}


class NetPlane:
    """One net process; `sources` counts the frames that it hands on, by stream."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[AnyMessage] = asyncio.Queue()
        self.statistics = ProcessStats("net", {}, {})
        self.sources: Counter[int] = Counter()
        self.process = WorkerProcess("net", "mcu.net.process", _SETTINGS, self._take, self._end)
        self._pictures = net_media.pictures()
        self._index = 0
        self._wires = {name: self._meet(name) for name in ("video", "audio")}

    def _end(self, status: int) -> None:
        if status:
            raise RuntimeError(f"the net process ended with status {status}")

    def _meet(self, name: str) -> Wire:
        ours, theirs = channel_pair()
        self.process.send(Channel(name), [theirs.fileno()])
        theirs.close()
        wire = Wire(ours)
        asyncio.get_running_loop().add_reader(wire.fileno(), self._read, wire)
        return wire

    def _read(self, wire: Wire) -> None:
        for item in wire.receive():
            if isinstance(item, Frame):
                self.sources[item.stream] += 1
            elif isinstance(item, RequestKeyframe):
                self._index = 0

    def _take(self, message: AnyMessage) -> None:
        if isinstance(message, ProcessStats):
            self.statistics = message
        elif isinstance(message, LegOpened | LegConfigured | LegConnected):
            self._heard.put_nowait(message)

    async def _expect(self, kind: type) -> Any:
        while True:
            message = await asyncio.wait_for(self._heard.get(), 20)
            if isinstance(message, kind):
                return message

    async def open(self, leg: int, fingerprint: str) -> dict[str, object]:
        """A WebRTC leg that waits for its peer: what the peer has to know."""
        self.process.send(OpenLeg(leg, "1001", Transport.ICE, (Kind.AUDIO, Kind.VIDEO)))
        opened: LegOpened = await self._expect(LegOpened)
        dtls = DtlsPeer("sha-256", fingerprint, is_client=False)
        sound = StreamSpec("0", Kind.AUDIO, (_OPUS,), _OPUS, dtls=dtls, extensions=_EXTENSIONS)
        picture = StreamSpec(
            "1", Kind.VIDEO, (_H264, _RTX), _H264, _RTX, dtls=dtls, extensions=_EXTENSIONS, has_nack=True, has_pli=True,
            has_transport_cc=True,
        )  # fmt: skip
        self.process.send(ConfigureLeg(leg, (sound, picture)))
        await self._expect(LegConfigured)
        address, port = opened.candidates[0]
        return {
            "address": address, "port": port, "ufrag": opened.ice_ufrag, "pwd": opened.ice_pwd,
            "fingerprint": opened.fingerprint, "ssrcs": [opened.ssrcs["audio"], opened.ssrcs["video"]],
        }  # fmt: skip

    def admit(self, leg: int, output: int) -> None:
        """Let it see the rendition and hear mix `output` (0: none)."""
        self.process.send(AttachLeg(leg))
        self.process.send(RouteVideo(leg, RENDITION))
        if output:
            self._wires["audio"].send(AssignAudio(leg, output))

    async def play(self, until: float, outputs: range) -> None:
        """A picture every 40 ms and a packet of every mix every 20 ms until then."""
        began, tick = time.monotonic(), 0
        while (now := time.monotonic()) < until:
            self._play_tick(tick, outputs, int(now * 1e6))
            tick += 1
            await asyncio.sleep(max(0.0, began + tick * 0.02 - time.monotonic()))

    def _play_tick(self, tick: int, outputs: range, now_us: int) -> None:
        sound = bytes((tick & 0xFF,)) * net_media.SOUND_BYTES
        for output in outputs:
            self._wires["audio"].send_frame(Frame(output, Codec.OPUS, sound, 960 * tick, capture_us=now_us))
        if tick % 2 == 0:
            picture = self._pictures[self._index % len(self._pictures)]
            self._index += 1
            frame = Frame(RENDITION, Codec.H264, picture.payload, 1800 * tick, capture_us=now_us)
            frame.is_keyframe = picture.is_keyframe
            self._wires["video"].send_frame(frame)

    async def close(self) -> None:
        """End the process."""
        for wire in self._wires.values():
            asyncio.get_running_loop().remove_reader(wire.fileno())
        await self.process.stop()
        for wire in self._wires.values():
            wire.close()


@contextlib.asynccontextmanager
async def net_plane() -> AsyncIterator[NetPlane]:
    """A net process with its neighbours."""
    plane = NetPlane()
    try:
        yield plane
    finally:
        await plane.close()


class Helper:
    """A process of the benchmark that speaks in lines of JSON."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def say(self, value: object) -> None:
        """One line to it."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(value).encode() + b"\n")

    async def hear(self, timeout_s: float = 120) -> Any:
        """One line from it."""
        assert self._child.stdout is not None
        return json.loads(await asyncio.wait_for(self._child.stdout.readline(), timeout_s))

    async def close(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()
        await self._child.wait()


@contextlib.asynccontextmanager
async def helper(module: str, *arguments: str) -> AsyncIterator[Helper]:
    """`python -m module` for the length of a block."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=pipe, stdout=pipe, limit=1 << 24
    )
    running = Helper(child)
    try:
        yield running
    finally:
        await running.close()


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, to the nanosecond."""
    return time.clock_gettime(~pid << 3 | 2)  # CPUCLOCK_SCHED of another process, clock_getcpuclockid(3)
