"""Encoders of a room with 50 listeners beside those with one, as the video and audio processes count them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

import av
import numpy as np

from bench import net_media
from bench.report import Pair, Result
from mcu.camera import Camera
from mcu.conference import Conference, ConferenceEvent, Role
from mcu.fleet.local_worker import LocalWorker
from mcu.leg import HangUp
from mcu.media import Codec, Format, Grade, Kind, LegMedia, StreamSpec
from mcu.policy import RoomPolicy
from mcu.rtp.demux import Protocol, classify
from mcu.taping import RegisterError
from mcu.worker.messages import (
    ConfigureLeg,
    OpenLeg,
    RecordingEnded,
    RecordingProgress,
    StartRecording,
    Transport,
)

_TALKERS = 2
_MANY, _FEW = 50, 1
_LEAST_S = 4.0
_OPUS = Format(Codec.OPUS, net_media.AUDIO_TYPE, 48000)
_H264 = Format(Codec.H264, net_media.VIDEO_TYPE, 90000, profile_level_id="42e01f", packetization_mode=1)
_SETTINGS: dict[str, dict[str, object]] = {
    "net": {"webrtc_port": 0, "has_webrtc_tcp": False, "first_rtp_port": 43000, "last_rtp_port": 43999}
}
_NOTES = (
    f"{_TALKERS} talkers with H.264 and Opus, each listener with H.264 and Opus; ours: encoders that the video and "
    f"audio processes say they run with {_MANY} listeners, baseline: with {_FEW}"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """Both rooms, one after the other."""
    pairs: list[Pair] = []
    void = ""
    for _ in range(runs):
        many, trouble = asyncio.run(_room(_MANY, max(seconds, _LEAST_S)))
        few, other_trouble = asyncio.run(_room(_FEW, max(seconds, _LEAST_S)))
        figures = {
            f"{name}_{count}": value for count, room in ((_MANY, many), (_FEW, few)) for name, value in room.items()
        }
        pairs.append(Pair(sum(many.values()), sum(few.values()), figures))
        void = void or trouble or other_trouble
    yield Result("share", f"{_MANY} listeners", "encoders", pairs, 1.0, _NOTES, void)


@dataclass
class _Leg:
    """A terminal with one port; what it sends and gets is in the clear, since only encoders are counted here."""

    id: int
    media: LegMedia
    sock: socket.socket
    targets: tuple[tuple[str, int], tuple[str, int]]
    """Where its sound and its pictures go."""
    protocol: str = "sip"
    remote_address: str = "127.0.0.1:5060"
    camera: Camera | None = None
    seen: set[Kind] = field(default_factory=set)

    def request_keyframe(self, kind: Kind) -> None:
        """It sends one every two seconds."""

    def roster_changed(self) -> None:
        """It shows no roster."""

    def pictures_allowed(self) -> None:
        """It has them."""

    def floor_changed(self, holder: int, name: str) -> None:
        """It presents nothing."""

    async def hang_up(self, reason: HangUp) -> None:
        """It is closed with the room."""

    def drain(self) -> None:
        """Note what came."""
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self.sock.recv(2048)
                if classify(data) is Protocol.RTP:
                    self.seen.add(Kind.VIDEO if data[1] & 0x7F == net_media.VIDEO_TYPE else Kind.AUDIO)


class _NoRegister:
    """Nothing is recorded."""

    async def begin(self, policy: RoomPolicy, leg: int, by: str, picture: tuple[int, int, int]) -> StartRecording:
        del policy, leg, by, picture
        raise RegisterError("disk-full")

    async def took_part(self, recording_id: str, participants: Sequence[str]) -> None:
        """Nobody asks."""

    async def progress(self, message: RecordingProgress) -> None:
        """Never."""

    async def finish(self, message: RecordingEnded, participants: Sequence[str]) -> None:
        """Never."""


async def _room(listeners: int, seconds: float) -> tuple[dict[str, float], str]:
    """Encoders by process while the talkers talk, and what was wrong."""
    async with _worker() as worker:
        conference = Conference(RoomPolicy("9000", "share"), worker, _NoRegister(), lambda: 10_000, _ignore)
        legs = [await _leg(worker, number) for number in range(1, _TALKERS + listeners + 1)]
        for leg in legs:
            await conference.join(leg, f"Room {leg.id}", Role.GUEST)
        await _talk(legs[:_TALKERS], seconds)
        for leg in legs:
            leg.drain()
        found = {
            "video_encoders": worker.stats["video"].gauges["encoders"],
            "audio_encoders": worker.stats["audio"].gauges["audio_encoders"],
        }
        await conference.close()
    for leg in legs:
        leg.sock.close()
    unserved = [leg.id for leg in legs if leg.seen != {Kind.AUDIO, Kind.VIDEO}]
    return found, f"legs {unserved} did not get sound and pictures" if unserved else ""


def _ignore(event: ConferenceEvent) -> None:
    del event


@contextlib.asynccontextmanager
async def _worker() -> AsyncIterator[LocalWorker]:
    worker = LocalWorker(1, _SETTINGS)
    worker.start()
    try:
        await worker.ready()
        yield worker
    finally:
        await worker.stop()


async def _leg(worker: LocalWorker, number: int) -> _Leg:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    remote: tuple[str, int] = sock.getsockname()
    opened = await worker.open_leg(OpenLeg(number, "9000", Transport.PORTS, (Kind.AUDIO, Kind.VIDEO)))
    sound = StreamSpec("0", Kind.AUDIO, (_OPUS,), _OPUS, remote=remote)
    picture = StreamSpec("1", Kind.VIDEO, (_H264,), _H264, remote=remote, has_pli=True)
    await worker.configure_leg(ConfigureLeg(number, (sound, picture)))
    media = LegMedia((sound, picture), is_encrypted=False, grade=Grade.CLEAR)
    targets = tuple(("127.0.0.1", opened.ports[str(kind)][0]) for kind in (Kind.AUDIO, Kind.VIDEO))
    return _Leg(number, media, sock, (targets[0], targets[1]))


async def _talk(talkers: Sequence[_Leg], seconds: float) -> None:
    pictures, sounds = net_media.pictures(), _sounds()
    loop = asyncio.get_running_loop()
    began = loop.time()
    plan = [
        (at_us, leg, packet)
        for leg in talkers
        for at_us, packet in net_media.uplink(pictures, (2 * leg.id, 2 * leg.id + 1), seconds, sounds)
    ]
    for at_us, leg, packet in sorted(plan, key=lambda each: each[0]):
        await asyncio.sleep(max(0.0, began + at_us / 1e6 - loop.time()))
        is_picture = packet[1] & 0x7F == net_media.VIDEO_TYPE
        leg.sock.sendto(packet, leg.targets[is_picture])


def _sounds() -> list[bytes]:
    """A second of Opus that is loud enough to be mixed."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    time = np.arange(48_000) / 48_000
    tone = (8000 * np.sin(2 * np.pi * 220 * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))).astype(np.int16)
    found: list[bytes] = []
    for start in range(0, len(tone), 960):
        block = av.AudioFrame.from_ndarray(tone[start : start + 960].reshape(1, -1), "s16", "mono")
        block.sample_rate, block.pts = 48_000, start
        found += [bytes(packet) for packet in encoder.encode(block)]
    return found
