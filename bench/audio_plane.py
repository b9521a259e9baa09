"""The net and audio processes of a worker, started as the fleet does, with a room of sound-only legs on UDP ports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench import cpu
from mcu.fleet.local_worker import LocalWorker
from mcu.media import Extensions, Format, Kind, StreamSpec
from mcu.worker.messages import AddAudioLeg, AttachLeg, ConfigureLeg, OpenLeg, ProcessStats, Transport

ROOM = "9000"
LEVEL_ID = 1
_FIRST_PORT, _LAST_PORT = 44_000, 45_999
_SILENT_S = 3600.0


@dataclass
class AudioPlane:
    """A worker, and where its legs listen, in the order of their numbers."""

    worker: LocalWorker
    ports: list[int] = field(default_factory=list)

    @property
    def processes(self) -> dict[str, list[int]]:
        """Process ids by name."""
        return {name: [pid] for name, pid in self.worker.pids().items()}

    def statistics(self, process: str) -> ProcessStats | None:
        """What the process said last."""
        return self.worker.stats.get(process)


@asynccontextmanager
async def running(audio: dict[str, object]) -> AsyncIterator[AudioPlane]:
    """A worker with these settings of its audio process."""
    net: dict[str, object] = {
        "webrtc_port": 0, "has_webrtc_tcp": False, "first_rtp_port": _FIRST_PORT, "last_rtp_port": _LAST_PORT,
        "silent_s": _SILENT_S,
    }  # fmt: skip
    worker = LocalWorker(1, {"net": net, "audio": audio, "video": {}})
    worker.start()
    try:
        await worker.ready()
        yield AudioPlane(worker)
    finally:
        await worker.stop()


async def open_legs(plane: AudioPlane, forms: Sequence[Format], local_port: int, *, has_levels: bool) -> None:
    """One leg for each format, without encryption; their peers all are at the one UDP port given."""
    for leg, form in enumerate(forms, 1):
        opened = await plane.worker.open_leg(OpenLeg(leg, ROOM, Transport.PORTS, (Kind.AUDIO,)))
        plane.ports.append(opened.ports["audio"][0])
        spec = StreamSpec(
            mid="0",
            kind=Kind.AUDIO,
            receive=(form,),
            send=form,
            remote=("127.0.0.1", local_port),
            extensions=Extensions(audio_level=LEVEL_ID) if has_levels else Extensions(),
        )
        await plane.worker.configure_leg(ConfigureLeg(leg, (spec,)))
        plane.worker.send("audio", AddAudioLeg(ROOM, leg, form.codec))
        plane.worker.send("net", AttachLeg(leg))


async def cost(plane: AudioPlane, warm_up_s: float, seconds: float) -> dict[str, float]:
    """CPU seconds a second of each process, after so long."""
    await asyncio.sleep(warm_up_s)
    watch = cpu.Watch(plane.processes)
    await asyncio.sleep(seconds)
    return watch.used()
