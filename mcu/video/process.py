"""The video process of a worker: one thread reads channels, one ticks, some decode; no network and no files.

Run as `python -m mcu.video.process --fd N --inflight M`: N is the control channel, M the memory that names the source
each thread works on.
"""

from __future__ import annotations

import argparse
import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable

import av
import msgspec

from config.media import VideoSettings
from mcu.video.encoder import load_codecs
from mcu.video.fonts import Fonts
from mcu.video.intake import Intake
from mcu.video.labels import Labels
from mcu.video.outlet import Outlet
from mcu.video.pace import Pace
from mcu.video.panel import Panels
from mcu.video.plane import VideoPlane, monotonic_us
from mcu.video.ticker import Ticker
from mcu.worker.channel import Channel, ChannelClosed, Frame
from mcu.worker.cpu_meter import CpuMeter
from mcu.worker.inflight import InFlight
from mcu.worker.memory import Returner
from mcu.worker.messages import AnyMessage, ProcessStats, RequestKeyframe, Start, Stop
from mcu.worker.messages import Channel as NewChannel
from mcu.worker.sandbox import confine
from mcu.worker.shell import run_process

logger = logging.getLogger(__name__)
_STATS_INTERVAL_S = 1.0
_NICENESS = 3
"""Sound and packets, in other processes, come first where processors are short."""


class VideoProcess:
    """Moves messages and frames between the channels and the plane."""

    def __init__(self, control: Channel, plane: VideoPlane, settings: VideoSettings, memory: Returner) -> None:
        self._control = control
        self._plane = plane
        self._outlet = Outlet()
        self._ticker = Ticker(settings.tick_rate, monotonic_us())
        self._pace = Pace(self._ticker.interval_us)
        self._intake = Intake()
        self._intake_us = 0
        self._selector = selectors.DefaultSelector()
        self._is_running = True
        self._failure: BaseException | None = None
        self._stats_at = time.monotonic() + _STATS_INTERVAL_S
        self._cpu = CpuMeter()
        self._memory = memory

    def run(self) -> None:
        """Serve until Stop or until control is gone (ChannelClosed)."""
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._outlet, selectors.EVENT_READ)
        ticking = threading.Thread(target=self._tick_until_stopped, name="tick", daemon=True)
        ticking.start()
        try:
            while self._is_running:
                self._wait_and_read()
                self._report()
        finally:
            self._is_running = False
            ticking.join()
            self._plane.close()
        if self._failure is not None:
            raise self._failure

    def _wait_and_read(self) -> None:
        self._watch_for_room()
        wait_us = self._intake_us - monotonic_us()
        for key, _ in self._selector.select(max(0.0, wait_us / 1_000_000)):
            if key.fileobj is self._control:
                self._control.flush()
                self._read_control()
            elif key.fileobj is self._outlet:
                self._outlet.acknowledge()
            else:
                self._talk_to_net(self._outlet.flush)
        if monotonic_us() >= self._intake_us:
            self._take_in()

    def _watch_for_room(self) -> None:
        """Wake when a channel takes what waits for it. What net sends is not watched for: _take_in() fetches it."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._control.wants_write else 0)
        if self._selector.get_key(self._control).events != events:
            self._selector.modify(self._control, events)
        channel, watched = self._outlet.channel, self._selector.get_map()
        if channel is not None and self._outlet.wants_write != (channel in watched):
            if channel in watched:
                self._selector.unregister(channel)
            else:
                self._selector.register(channel, selectors.EVENT_WRITE)

    def _take_in(self) -> None:
        """Read what net has sent, and let it be decoded."""
        if self._outlet.channel is not None:
            self._talk_to_net(self._read_net)
        now_us = monotonic_us()
        self._plane.decode(now_us)
        self._intake.decoding_us = self._plane.decoding_us
        self._intake_us = self._intake.next_us(now_us, self._ticker.next_us, self._ticker.interval_us)

    def _talk_to_net(self, say: Callable[[], None]) -> None:
        try:
            say()
        except ChannelClosed:
            logger.warning("net is gone")
            self._disconnect()

    def _read_control(self) -> None:
        for message, descriptors in self._control.receive_with_descriptors():
            if descriptors:
                self._connect(message, descriptors)
            elif isinstance(message, Stop):
                self._is_running = False
            elif not isinstance(message, Frame):
                self._plane.apply(message)

    def _connect(self, message: Frame | AnyMessage, descriptors: list[int]) -> None:
        is_net = isinstance(message, NewChannel) and message.name == "net"
        for unexpected in descriptors[is_net:]:
            os.close(unexpected)
        if not is_net:
            return
        self._disconnect()
        self._outlet.replace(Channel(socket.socket(fileno=descriptors[0])))
        self._plane.ask_all()

    def _disconnect(self) -> None:
        if self._outlet.channel is not None:
            if self._outlet.channel in self._selector.get_map():
                self._selector.unregister(self._outlet.channel)
            self._outlet.replace(None)

    def _read_net(self) -> None:
        self._outlet.flush()
        channel, now_us = self._outlet.channel, monotonic_us()
        for arrived in channel.receive() if channel is not None else ():
            if isinstance(arrived, Frame):
                self._plane.feed(arrived, now_us)
            elif isinstance(arrived, RequestKeyframe):
                self._plane.request_keyframe(arrived.stream)

    def _tick_until_stopped(self) -> None:
        try:
            while self._is_running:
                now_us = monotonic_us()
                if (tick_us := self._ticker.start(now_us)) is None:
                    time.sleep((self._ticker.next_us - now_us) / 1_000_000)
                    continue
                frames = self._plane.tick(tick_us)
                for rendition in self._outlet.send(frames, self._plane.keyframe_requests(tick_us)):
                    self._plane.request_keyframe(rendition)
                self._keep_pace(monotonic_us(), monotonic_us() - now_us)
        except BaseException as error:  # noqa: BLE001  # the process ends with it, and is started again
            self._failure = error
            self._is_running = False

    def _keep_pace(self, now_us: int, busy_us: int) -> None:
        """Where the processors are short, pictures slow down before sound, which shares them, suffers."""
        self._pace.note(now_us, self._ticker.lateness_us, busy_us)
        if self._pace.step != self._ticker.step:
            self._ticker.take_every(self._pace.step)
            logger.warning("pictures a second: %g", self._ticker.rate)

    def _report(self) -> None:
        now = time.monotonic()
        if now < self._stats_at:
            return
        self._stats_at = now + _STATS_INTERVAL_S
        counters, gauges = self._plane.statistics()
        counters |= {"ticks_skipped": self._ticker.skipped} | self._outlet.counters()
        gauges["tick_lateness_p99_ms"] = self._ticker.lateness_p99_ms()
        gauges["frame_rate"] = self._ticker.rate
        gauges["cpu_cores"] = self._cpu.cores()
        self._memory.take(gauges["encoders"] + gauges["sources"], counters.get("frames_encoded", 0), now)
        self._control.send(ProcessStats("video", counters, gauges))


def main(control: Channel) -> None:
    """Load everything that lies in files, give up the right to open any, then serve."""
    settings = msgspec.convert(_receive_start(control).settings, VideoSettings)
    av.logging.set_level(None)
    os.nice(_NICENESS)
    in_flight = _in_flight()
    fonts = Fonts()
    load_codecs(settings)
    Labels(fonts).warm_up()
    Panels(fonts).warm_up()
    plane, memory = VideoPlane(settings, fonts, in_flight), Returner()
    if missing := confine(settings.memory_limit_bytes):
        logger.warning("not confined: %s", ", ".join(missing))
    logger.info("ready font=%s", fonts.path or "built-in")
    VideoProcess(control, plane, settings, memory).run()


def _receive_start(control: Channel) -> Start:
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            selector.select()
            for message in control.receive(limit=1):
                if isinstance(message, Start):
                    return message


def _in_flight() -> InFlight | None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--inflight", type=int)
    descriptor = parser.parse_known_args()[0].inflight
    return None if descriptor is None else InFlight.attach(descriptor)


if __name__ == "__main__":
    run_process("video", main)
