"""The net process of a worker: `python -m mcu.net.process --fd N`."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from config.media import NetSettings
from mcu.media import Kind, kind_of, leg_of
from mcu.net.fanout import Fanout
from mcu.net.gathering import GatheringSelector
from mcu.net.leg import Leg
from mcu.net.legs import Legs
from mcu.net.links import Link, PatientLink
from mcu.net.pump import Pump
from mcu.net.resources import Resources
from mcu.net.statistics import LagMeter, LegMeters
from mcu.worker.channel import Channel as Wire
from mcu.worker.channel import ChannelClosed, Frame
from mcu.worker.cpu_meter import CpuMeter
from mcu.worker.messages import (
    AnyMessage,
    AssignAudio,
    CannotStart,
    Channel,
    LegFailed,
    ListenerLoss,
    Message,
    PeerWantsKeyframe,
    Playout,
    ProcessStats,
    RequestKeyframe,
    Start,
    Stop,
)
from mcu.worker.sandbox import harden_keys_process
from mcu.worker.shell import run_process

logger = logging.getLogger(__name__)

_TICK_S = 0.010
_IDLE_TICK_S = 0.100
"""While no leg is open."""
_STATS_S = 1.0


class NetProcess:
    """Control channel, neighbours, timers; the work is done by Legs and Fanout."""

    def __init__(self, control: Wire) -> None:
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._is_writing = False
        self.has_failed = False
        """Whether the settings could not be used."""
        self._pump = Pump(self._send)
        self._lag = LagMeter()
        self._meters = LegMeters()
        self._cpu = CpuMeter()
        self.counters: Counter[str] = Counter()
        self._recorder = PatientLink("recorder", self._receiver("recorder"), self.counters)
        self._links: dict[str, Link] = {
            name: Link(name, self._receiver(name), self.counters) for name in ("video", "audio")
        }
        self._links["recorder"] = self._recorder
        self.fanout = Fanout(self._ask_encoder, self.counters)
        self.resources: Resources | None = None
        self.legs: Legs | None = None
        self._commands: dict[type, Callable[[Any, int], None]] = {Stop: self._stop}

    async def run(self) -> None:
        """Serve until Stop, or until control is gone (ChannelClosed)."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._loop.add_reader(self._control.fileno(), self._read_control)
            ticking = [tasks.create_task(self._tick()), tasks.create_task(self._count())]
            await self._ended.wait()
            for task in ticking:
                task.cancel()
            self._close()

    # ---- control

    def _read_control(self) -> None:
        try:
            for message, descriptors in self._control.receive_with_descriptors():
                self._obey(message, descriptors)
        except ChannelClosed:
            self._ended.set()

    def _obey(self, message: Frame | AnyMessage, descriptors: list[int]) -> None:
        if isinstance(message, Channel) and len(descriptors) == 1 and message.name in self._links:
            self._meet(message.name, descriptors.pop())
        elif isinstance(message, Start):
            self._start(message)
        else:
            handler = self._commands.get(type(message))
            if handler is not None:
                handler(message, _now_us())
        for descriptor in descriptors:
            os.close(descriptor)

    def _start(self, message: Start) -> None:
        if self.resources is not None:
            return
        try:
            settings = msgspec.convert(message.settings, NetSettings)
            self.resources = Resources(settings, self._tasks, self.counters, self._heard, self._consent)
        except (OSError, msgspec.ValidationError) as error:
            logger.error("cannot start: %s", error)
            self.tell(CannotStart(str(error)))
            self.has_failed = True
            self._ended.set()
            return
        self.legs = Legs(self.resources, self.fanout, self, self._recorder, self.counters)
        self._commands |= self.legs.commands | {
            PeerWantsKeyframe: self._peer_wants_keyframe,
            RequestKeyframe: self._request_keyframe,
            AssignAudio: self._assign_audio,
            Playout: self._playout,
        }
        self.tell(self._statistics())  # control waits for this sign of life

    def _stop(self, message: Stop, now_us: int) -> None:
        del message, now_us
        self._ended.set()

    def _meet(self, name: str, descriptor: int) -> None:
        self._links[name].connect(descriptor)
        now_us = _now_us()
        if name == "audio":
            self.fanout.forget_outputs()
            for leg in self.legs or ():
                leg.outbound.loss.forget()
        elif name == "video":
            self.fanout.restart_pictures(now_us)
            for leg in self.legs or ():
                for receiver in leg.receivers.values():
                    receiver.restart_decoder(now_us)

    def tell(self, message: Message) -> None:
        """Send an event to control."""
        try:
            self._control.send(message)
        except ChannelClosed:
            self._ended.set()
            return
        if self._control.wants_write and not self._is_writing:
            self._is_writing = True
            self._loop.add_writer(self._control.fileno(), self._write_control)

    def _write_control(self) -> None:
        try:
            self._control.flush()
        except ChannelClosed:
            self._ended.set()
        if not self._control.wants_write or self._ended.is_set():
            self._is_writing = False
            self._loop.remove_writer(self._control.fileno())

    # ---- neighbours

    def _receiver(self, name: str) -> Callable[[Frame | AnyMessage], None]:
        def receive(item: Frame | AnyMessage) -> None:
            if not isinstance(item, Frame):
                handler = self._commands.get(type(item)) if isinstance(item, _FROM_NEIGHBOURS) else None
                if handler is not None:
                    handler(item, _now_us())
            elif name == "video":
                self.fanout.receive_picture(item, _now_us())
            elif name == "audio":
                self.fanout.receive_sound(item)

        return receive

    def _assign_audio(self, message: AssignAudio, now_us: int) -> None:
        del now_us
        self.fanout.assign(message.leg, self._table.receiver(message.leg), message.output)

    def _playout(self, message: Playout, now_us: int) -> None:
        del now_us
        leg = self._table.get(leg_of(message.stream))
        if leg is not None:
            leg.lip_sync.playout(message.delay_us)

    def _peer_wants_keyframe(self, message: PeerWantsKeyframe, now_us: int) -> None:
        self.fanout.want_keyframe(message.leg, now_us, message.kind)

    def _request_keyframe(self, message: RequestKeyframe, now_us: int) -> None:
        leg = self._table.get(leg_of(message.stream))
        receiver = None if leg is None else leg.receivers.get(kind_of(message.stream))
        if receiver is not None:
            receiver.want_keyframe(now_us)

    def _ask_encoder(self, rendition: int) -> None:
        self._links["video"].send(RequestKeyframe(rendition))

    # ---- what legs say (Outlet)

    def source_frame(self, frame: Frame) -> None:
        """Hand a frame to its decoder."""
        if not frame.codec.is_video:
            self._links["audio"].send_frame(frame)
        elif not self._links["video"].send_frame(frame) and self.legs is not None:
            self._request_keyframe(RequestKeyframe(frame.stream), _now_us())

    def peer_wants_keyframe(self, leg: int, kind: Kind) -> None:
        """By RTCP."""
        self.fanout.want_keyframe(leg, _now_us(), kind)

    def queue_filled(self, leg: int) -> None:
        """Let this leg send when it is its turn."""
        self._pump.fill(leg)

    def _send(self, leg: int, now_us: int) -> None:
        found = self._table.get(leg)
        if found is not None:
            found.outbound.pump(now_us)

    def _heard(self, leg: int, now_us: int) -> None:
        found = self._table.get(leg)
        if found is not None:
            found.heard_us = now_us

    def _consent(self, leg: int, is_given: bool) -> None:
        found = self._table.get(leg)
        if found is not None:
            found.outbound.has_consent = is_given

    # ---- time

    async def _tick(self) -> None:
        while True:
            started, interval_s = self._loop.time(), _TICK_S if self.legs else _IDLE_TICK_S
            await asyncio.sleep(interval_s)
            self._lag.add(self._loop.time() - started - interval_s)
            now_us = _now_us()
            self.fanout.handle_timeout(now_us)
            self._recorder.handle_timeout(now_us)
            for leg in self.legs or ():
                if now_us >= leg.due_us:
                    self._guarded(leg, leg.handle_timeout, now_us)

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(_STATS_S)
            now_us = _now_us()
            if self.resources is not None:
                self.resources.shared.handle_timeout(now_us)
            for leg in self.legs or ():
                self._guarded(leg, partial(self._count_leg, leg), now_us)
            self.tell(self._statistics())

    def _count_leg(self, leg: Leg, now_us: int) -> None:
        leg.collect_drops()
        leg.look_for_silence(now_us)
        if leg.is_attached:
            self.tell(self._meters.measure(leg, now_us))
            lost = leg.outbound.listener_loss()
            if lost is not None:
                self._links["audio"].send(ListenerLoss(leg.number, lost))

    def _guarded(self, leg: Leg, work: Callable[[int], None], now_us: int) -> None:
        """The edge of a leg: what breaks one must not end the process, with all the others in it."""
        if leg.is_broken:
            return
        try:
            work(now_us)
        except Exception:
            logger.exception("leg=%d broke", leg.number)
            leg.is_broken = True
            self.counters["legs-broken"] += 1
            self.tell(LegFailed(leg.number, "broken"))

    def _statistics(self) -> ProcessStats:
        counters = dict(self.counters)
        for link in self._links.values():
            for reason, count in link.drops.items():
                counters[reason] = counters.get(reason, 0) + count
        gauges = {
            "legs": float(len(self.legs or ())),
            "loop_lag_p99_ms": self._lag.p99_ms(),
            "cpu_cores": self._cpu.cores(),
        }
        return ProcessStats("net", counters, gauges)

    # ---- the end

    @property
    def _table(self) -> Legs:
        if self.legs is None:
            raise RuntimeError("Start comes first")
        return self.legs

    def _close(self) -> None:
        self._pump.close()
        if self.legs is not None:
            self.legs.close_all(_now_us())
        for link in self._links.values():
            link.close()
        if self.resources is not None:
            self.resources.close()
        if self._is_writing:
            self._loop.remove_writer(self._control.fileno())
        self._loop.remove_reader(self._control.fileno())


_FROM_NEIGHBOURS = (AssignAudio, Playout, RequestKeyframe)


def _now_us() -> int:
    return time.monotonic_ns() // 1000


async def _serve(control: Wire) -> None:
    process = NetProcess(control)
    await process.run()
    if process.has_failed:
        raise SystemExit(1)


def main(control: Wire) -> None:
    """Run until control says Stop or is gone."""
    harden_keys_process()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(GatheringSelector())) as runner:
        runner.run(_serve(control))


if __name__ == "__main__":
    run_process("net", main)
