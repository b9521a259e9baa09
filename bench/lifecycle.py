"""Rooms that open and close by the thousand on a real worker, and browsers' legs by the hundred: nothing may grow.

`python -m bench.lifecycle --rooms 10000 --browsers 300`: exit status 1 and a reason where something did.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from bench.browser_peer import BrowserPeer
from bench.growth import Held, grown, held_by, slope_kib, table
from config.media import AudioSettings, NetSettings, VideoSettings
from mcu.conferences import Conferences
from mcu.fleet.local import LocalFleet
from mcu.fleet.local_worker import LocalWorker
from mcu.fleet.worker import Worker
from mcu.leg import HangUp
from mcu.media import Codec, Format, Grade, Kind, LegMedia, StreamSpec
from mcu.net.dtls import Certificate
from mcu.participant import Role
from mcu.policy import RecordPolicy, RoomPolicy
from mcu.rtp.packet import RtpPacket
from mcu.taping import RegisterError
from mcu.worker.messages import (
    AnyMessage,
    ConfigureLeg,
    LegConnected,
    OpenLeg,
    RecordingEnded,
    RecordingProgress,
    StartRecording,
    Transport,
)

ROOMS, BROWSERS = 10_000, 300
_KINDS = (Kind.AUDIO, Kind.VIDEO)
_PCMU = Format(Codec.PCMU, 0, 8000)
_H264 = Format(Codec.H264, 96, 90_000, profile_level_id="42e01f", packetization_mode=1)
_AT_ONCE = 8
_SPOKEN_PACKETS = 5
_STAY_S = 0.1
"""Some ticks, so that a picture is composed and encoded and sound is mixed."""
_PATIENCE_S = 10.0
_SETTLE_S = 3.5
"""Until the video process has given back what it freed."""
_MORE_LOOKS = 3
"""A spare process that was sent away takes its time to end, and holds descriptors until then."""
_LATER_THREADS = {"video": VideoSettings().encode_threads}
"""Those that encode start when several canvases are due at once for the first time."""
_WARM_UP_SHARE = 0.2
_SAMPLES, _BROWSER_SAMPLES = 8, 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What opens and closes."""

    rooms: int = ROOMS
    browsers: int = BROWSERS
    at_once: int = _AT_ONCE
    names: int = 2000
    """Different ones; drawn names are kept, up to a bound."""
    samples: int = _SAMPLES
    browser_samples: int = _BROWSER_SAMPLES
    settle_s: float = _SETTLE_S


@dataclass(slots=True)
class Outcome:
    """What the processes held over time, and what is wrong with it."""

    rows: dict[str, dict[str, Held]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    slopes_kib: dict[str, float] = field(default_factory=dict)
    """Growth of resident memory of each process, in KiB for each 1000 rooms after the warm-up."""
    seconds: float = 0.0


async def run(plan: Plan) -> Outcome:
    """Open and close everything on a worker of its own."""
    began = time.monotonic()
    fleet = LocalFleet([worker := LocalWorker(1, _settings())])
    fleet.start()
    try:
        await fleet.ready()
        outcome = await _Lifecycle(plan, fleet, worker).run()
    finally:
        await fleet.stop()
    outcome.seconds = time.monotonic() - began
    return outcome


class _Lifecycle:
    def __init__(self, plan: Plan, fleet: LocalFleet, worker: LocalWorker) -> None:
        self._plan = plan
        self._fleet = fleet
        self._worker = worker
        self._conferences = Conferences(fleet, _NoRegister())
        self._certificate = Certificate()
        self._outcome = Outcome()
        self._pids: dict[str, int] = {}

    async def run(self) -> Outcome:
        plan = self._plan
        self._pids = self._worker.pids()
        warm_up = int(plan.rooms * _WARM_UP_SHARE)
        await self._rooms(range(warm_up))
        await self._browsers(int(plan.browsers * _WARM_UP_SHARE))
        before = await self._sample("warm")
        memory: dict[str, list[tuple[float, int]]] = {name: [] for name in before}
        last = warm_up
        for count in _steps(plan.rooms - warm_up, plan.samples):
            first, last = last, last + count
            await self._rooms(range(first, last))
            for name, held in (await self._sample(f"{last} rooms")).items():
                memory[name].append((last / 1000, held.rss_kib))
        after = before
        done = 0
        for count in _steps(plan.browsers, plan.browser_samples):
            await self._browsers(count)
            done += count
            after = await self._sample(f"{done} browsers")
        for _ in range(_MORE_LOOKS):
            if not _all_grown(before, after):
                break
            after = await self._sample("at the end")
        self._judge(before, after)
        self._outcome.slopes_kib = {name: slope_kib(samples) for name, samples in memory.items()}
        return self._outcome

    def _judge(self, before: dict[str, Held], after: dict[str, Held]) -> None:
        problems = self._outcome.problems
        problems += _all_grown(before, after)
        if self._worker.pids() != self._pids or self._worker.restarts.total():
            problems.append(f"processes were started again: {dict(self._worker.restarts)}")
        if running := len(self._conferences.running()):
            problems.append(f"{running} conferences still run")
        for process in ("net", "video", "audio"):
            gauges = self._worker.stats[process].gauges
            open_still = {
                name: gauges[name] for name in ("legs", "sources", "encoders", "canvases") if gauges.get(name)
            }
            problems += [f"{process}: {count:g} {name} are still open" for name, count in open_still.items()]

    async def _sample(self, moment: str) -> dict[str, Held]:
        """What is held when everybody has gone and the processes have said so."""
        await asyncio.sleep(self._plan.settle_s)
        row = {"control": held_by(os.getpid(), len(asyncio.all_tasks()))}
        row |= {name: held_by(pid) for name, pid in self._worker.pids().items()}
        self._outcome.rows[moment] = row
        return row

    # ---- rooms of plain legs

    async def _rooms(self, numbers: Sequence[int]) -> None:
        await _each(numbers, self._plan.at_once, self._room)

    async def _room(self, number: int) -> None:
        policy = RoomPolicy(f"{100_000 + number}", f"Room {number}", record=RecordPolicy.OFF)
        worker = await self._fleet.worker_for(policy.number)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.bind(("127.0.0.1", 0))
            legs = [self._fleet.next_leg_id() for _ in range(2)]
            conference = await self._conferences.open(policy)
            for leg in legs:
                opened = await worker.open_leg(OpenLeg(leg, policy.number, Transport.PORTS, _KINDS))
                media = _plain_media(phone.getsockname())
                await worker.configure_leg(ConfigureLeg(leg, media.streams))
                await conference.join(_Leg(leg, "sip", media), f"Caller {leg % self._plan.names}", Role.GUEST)
                _speak(phone, opened.ports[Kind.AUDIO][0])
            await asyncio.sleep(_STAY_S)
            for leg in legs:
                await conference.leave(leg)

    # ---- browsers' legs

    async def _browsers(self, count: int) -> None:
        await _each(range(count), self._plan.at_once, self._browser)

    async def _browser(self, number: int) -> None:
        policy = RoomPolicy(f"{900_000 + number}", f"Room of browser {number}", record=RecordPolicy.OFF)
        worker = await self._fleet.worker_for(policy.number)
        leg, peer = self._fleet.next_leg_id(), BrowserPeer(self._certificate)
        try:
            opened = await worker.open_leg(OpenLeg(leg, policy.number, Transport.ICE, _KINDS))
            connected = _connected(worker, leg)
            await worker.configure_leg(ConfigureLeg(leg, peer.media.streams))
            await peer.connect(opened)
            await asyncio.wait_for(connected.wait(), _PATIENCE_S)
            conference = await self._conferences.open(policy)
            await conference.join(_Leg(leg, "webrtc", peer.media), f"Browser {leg % self._plan.names}", Role.GUEST)
            peer.speak(_SPOKEN_PACKETS)
            await asyncio.sleep(_STAY_S)
            if not await peer.has_received(_PATIENCE_S):
                self._outcome.problems.append(f"browser {number} was sent nothing")
            await conference.leave(leg)
        finally:
            worker.close_leg(leg)
            await peer.close()


@dataclass
class _Leg:
    """A leg without signalling (mcu.leg.Leg)."""

    id: int
    protocol: str
    media: LegMedia
    remote_address: str = "127.0.0.1"
    camera: None = None

    def request_keyframe(self, kind: Kind) -> None:
        """Nobody is there to be asked."""

    def roster_changed(self) -> None:
        """Nobody reads it."""

    def pictures_allowed(self) -> None:
        """It has them."""

    def floor_changed(self, holder: int, name: str) -> None:
        """Nobody shares."""

    async def hang_up(self, reason: HangUp) -> None:
        """There is no call to end."""


class _NoRegister:
    """Nothing is recorded here."""

    async def begin(self, policy: RoomPolicy, leg: int, by: str, picture: tuple[int, int, int]) -> StartRecording:
        raise RegisterError(f"not-here: {policy.number} {leg} {by} {picture}")

    async def took_part(self, recording_id: str, participants: Sequence[str]) -> None:
        """Nobody asks."""

    async def progress(self, message: RecordingProgress) -> None:
        """Never called."""

    async def finish(self, message: RecordingEnded, participants: Sequence[str]) -> None:
        """Never called."""


async def _each(numbers: Sequence[int], at_once: int, work: Callable[[int], Awaitable[None]]) -> None:
    """Do `work(number)` for all of them, some at a time."""
    left = iter(numbers)

    async def take_turns() -> None:
        for number in left:
            await work(number)

    async with asyncio.TaskGroup() as tasks:
        for _ in itertools.repeat(None, at_once):
            tasks.create_task(take_turns())


def _all_grown(before: dict[str, Held], after: dict[str, Held]) -> list[str]:
    """What grew in any process, or which is gone."""
    found = []
    for name, held in before.items():
        first = replace(held, threads=held.threads + _LATER_THREADS.get(name, 0))
        found += grown(name, first, after[name]) if name in after else [f"{name}: is gone"]
    return found


def _steps(total: int, most: int) -> list[int]:
    """`total` in at most so many nearly equal parts."""
    parts = min(total, most)
    return [total * (number + 1) // parts - total * number // parts for number in range(parts)]


def _connected(worker: Worker, leg: int) -> asyncio.Event:
    event = asyncio.Event()

    def heard(message: AnyMessage) -> None:
        if isinstance(message, LegConnected):
            event.set()

    worker.observe_leg(leg, heard)
    return event


def _plain_media(phone: tuple[str, int]) -> LegMedia:
    streams = (
        StreamSpec("0", Kind.AUDIO, (_PCMU,), _PCMU, remote=phone),
        StreamSpec("1", Kind.VIDEO, (_H264,), _H264, remote=phone),
    )
    return LegMedia(streams, is_encrypted=False, grade=Grade.CLEAR)


def _speak(phone: socket.socket, port: int) -> None:
    for number in range(_SPOKEN_PACKETS):
        packet = RtpPacket(_PCMU.payload_type, not number, number, 160 * number, 9, b"\x7f" * 160).serialize()
        phone.sendto(packet, ("127.0.0.1", port))


def _settings() -> dict[str, dict[str, object]]:
    net = NetSettings(webrtc_port=0, first_rtp_port=46_000, last_rtp_port=46_999)
    tables = {"net": net, "video": VideoSettings(), "audio": AudioSettings()}
    return {name: msgspec.to_builtins(table) for name, table in tables.items()}


def main() -> int:
    """Print what was held over time; 1 when something grew."""
    parser = argparse.ArgumentParser(prog="python -m bench.lifecycle", description=__doc__)
    parser.add_argument("--rooms", type=int, default=ROOMS)
    parser.add_argument("--browsers", type=int, default=BROWSERS)
    options = parser.parse_args()
    outcome = asyncio.run(run(Plan(options.rooms, options.browsers)))
    print(table(outcome.rows))
    slopes = ", ".join(f"{name} {slope:+.0f}" for name, slope in outcome.slopes_kib.items())
    print(f"\n{outcome.seconds:.0f} s; KiB more for each 1000 rooms: {slopes}")
    for problem in outcome.problems:
        print(f"GREW  {problem}")
    return int(bool(outcome.problems))


if __name__ == "__main__":
    sys.exit(main())
