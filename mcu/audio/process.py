"""The audio process (`python -m mcu.audio.process --fd N`): moves messages and frames, and ticks every 20 ms."""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections import deque

import msgspec

from config.media import AudioSettings
from mcu.audio import opus
from mcu.audio.pcm import TICK_US
from mcu.audio.plane import AudioPlane, Produced
from mcu.audio.prompts.library import PromptLibrary
from mcu.audio.rehearsal import rehearse
from mcu.worker.channel import Channel, ChannelClosed, Frame
from mcu.worker.cpu_meter import CpuMeter
from mcu.worker.messages import Channel as NewChannel
from mcu.worker.messages import ListenerLoss, Message, ProcessStats, Start, Stop
from mcu.worker.sandbox import confine
from mcu.worker.shell import run_process

logger = logging.getLogger(__name__)
_LATENESS_SAMPLES = 500
_DATAGRAMS_A_TICK = 4096
"""Far more than come from a full worker; the rest waits for the next tick."""


def now_us() -> int:
    """CLOCK_MONOTONIC in microseconds."""
    return time.monotonic_ns() // 1000


class AudioProcess:
    """Owns the channels and the clock of one AudioPlane."""

    def __init__(self, control: Channel) -> None:
        self._control = control
        self._net: Channel | None = None
        # A handful of descriptors; epoll and poll count in milliseconds and wake 1 to 2 ms after a tick.
        self._selector = selectors.SelectSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._plane: AudioPlane | None = None
        self._settings = AudioSettings()
        self._is_stopped = False
        self._next_tick_us = 0
        self._next_stats_us = 0
        self._lateness_us: deque[int] = deque(maxlen=_LATENESS_SAMPLES)
        self._skipped = 0
        self._cpu = CpuMeter()

    def run(self) -> None:
        """Work until Stop. Raises ChannelClosed when control is gone."""
        self._next_tick_us = (now_us() // TICK_US + 1) * TICK_US
        try:
            while not self._is_stopped:
                wait_us = self._next_tick_us - now_us()
                for key, events in self._selector.select(max(0, wait_us) / 1_000_000):
                    self._serve(key.fileobj, events)
                self._tick_if_due()
        finally:
            if self._plane is not None:
                self._plane.close()

    # ---- channels -----------------------------------------------------------------------------------------------

    def _serve(self, ready: object, events: int) -> None:
        if ready is self._control:
            if events & selectors.EVENT_WRITE:
                self._control.flush()
            for message, descriptors in self._control.receive_with_descriptors():
                self._handle(message, descriptors)
        elif ready is self._net and self._net is not None:
            try:
                self._net.flush()
            except ChannelClosed:
                self._drop_net()
        self._watch()

    def _read_net(self) -> None:
        """Packets matter at ticks, so they wait for the next one: being woken by each costs more than the mixing."""
        net, plane = self._net, self._plane
        if net is None or plane is None:
            return
        frames: list[Frame] = []
        try:
            for arrived in net.receive(_DATAGRAMS_A_TICK):
                if isinstance(arrived, Frame):
                    frames.append(arrived)
                elif isinstance(arrived, ListenerLoss):
                    plane.handle(arrived)
        except ChannelClosed:
            self._drop_net()
        plane.feed(frames, now_us())

    def _handle(self, message: Frame | Message, descriptors: list[int]) -> None:
        if isinstance(message, Start):
            self._start(message)
        elif isinstance(message, NewChannel):
            self._connect(descriptors)
        elif isinstance(message, Stop):
            self._is_stopped = True
        elif isinstance(message, Message) and self._plane is not None:
            self._plane.handle(message)  # type: ignore[arg-type]  # receive() yields members of the union alone

    def _start(self, message: Start) -> None:
        self._settings = msgspec.convert(message.settings, AudioSettings)
        self._plane = AudioPlane(self._settings, self._prompts(self._settings))
        rehearse(self._settings)
        missing = confine(self._settings.memory_limit_bytes)
        logger.info("process=audio started with %s", opus.version())
        if missing:
            logger.warning("process=audio is not fully confined: %s", " ".join(missing))

    def _prompts(self, settings: AudioSettings) -> PromptLibrary:
        return PromptLibrary(settings.prompt_languages, replacements=settings.prompt_directory)

    def _connect(self, descriptors: list[int]) -> None:
        if not descriptors:
            return
        self._drop_net()
        self._net = Channel(socket.socket(fileno=descriptors[0]))
        if self._plane is not None:
            self._plane.neighbour_restarted()

    def _drop_net(self) -> None:
        if self._net is not None:
            if self._net in self._selector.get_map():
                self._selector.unregister(self._net)
            self._net.close()
            self._net = None

    def _watch(self) -> None:
        """Ask for writability where something waits."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._control.wants_write else 0)
        if self._selector.get_key(self._control).events != events:
            self._selector.modify(self._control, events)
        net = self._net
        if net is None or net.wants_write == (net in self._selector.get_map()):
            return
        if net.wants_write:
            self._selector.register(net, selectors.EVENT_WRITE)
        else:
            self._selector.unregister(net)

    # ---- clock --------------------------------------------------------------------------------------------------

    def _tick_if_due(self) -> None:
        late_us = now_us() - self._next_tick_us
        if late_us < 0:
            return
        behind = late_us // TICK_US
        if behind >= self._settings.max_late_ticks:
            # A burst would only fill the jitter buffers of the listeners: time that is lost stays lost.
            skipped = behind - self._settings.max_late_ticks + 1
            self._skipped += skipped
            self._next_tick_us += skipped * TICK_US
        self._lateness_us.append(late_us)
        self._read_net()
        for _ in range(self._settings.max_late_ticks):
            if self._next_tick_us > now_us():
                break
            if self._plane is not None:
                self._deliver(self._plane.tick(self._next_tick_us))
            self._next_tick_us += TICK_US
        if self._next_tick_us >= self._next_stats_us:
            self._next_stats_us = self._next_tick_us + 1_000_000
            self._report()
        self._watch()

    def _deliver(self, produced: Produced) -> None:
        for told in (*produced.digits, *produced.levels):
            self._control.send(told)
        if self._net is None:
            return
        try:
            for message in produced.messages:
                self._net.send(message)
            for frame in produced.frames:
                self._net.queue_frame(frame)
            self._net.flush()
        except ChannelClosed:
            self._drop_net()

    def _report(self) -> None:
        if self._plane is None:
            return
        counters = dict(self._plane.totals())
        counters["ticks_skipped"] = self._skipped
        if self._net is not None:
            counters.update({f"channel_{reason}": number for reason, number in self._net.drops.items()})
        lateness = sorted(self._lateness_us)
        gauges = self._plane.gauges
        gauges["tick_lateness_p99_ms"] = lateness[len(lateness) * 99 // 100] / 1000 if lateness else 0.0
        gauges["cpu_cores"] = self._cpu.cores()
        self._control.send(ProcessStats("audio", counters, gauges))


def main(control: Channel) -> None:
    """Serve the control channel until Stop; raises ChannelClosed when control is gone."""
    AudioProcess(control).run()


if __name__ == "__main__":
    run_process("audio", main)
