"""The recorder process (`python -m recorder.process --fd N`): moves messages and frames between channels and deck."""

from __future__ import annotations

import logging
import selectors
import socket
import time

import msgspec

from config.recording import RecordingSettings
from mcu.worker.channel import Channel, ChannelClosed, Frame
from mcu.worker.messages import Channel as NewChannel
from mcu.worker.messages import Message, ProcessStats, Start, StartRecording, Stop, StopRecording
from mcu.worker.sandbox import harden_keys_process
from mcu.worker.shell import run_process
from recorder.deck import Deck

logger = logging.getLogger(__name__)
_TICK_S = 0.5
"""Nobody waits for the recorder: what net sends is fetched so often, and wakes nobody in between."""
_FULL_TICK_S = 0.02
_MUCH_BYTES = 192 << 10
"""After so much at once the next is fetched soon, before the socket is full (where nothing is set: 400 kB)."""
_MOST_AT_ONCE = 1000
_STATS_INTERVAL_S = 0.95
"""Every second fetch."""
_ENDING_TICK_S = 0.02
"""How often a file that is being finished is looked at."""
_LAST_FRAMES_US = 1_000_000
"""Control and net speak of the end of a recording at once: so long net's word is waited for."""
_FINISH_S = 2.0


class RecorderProcess:
    """Owns the channels of one Deck."""

    def __init__(self, control: Channel) -> None:
        self._control = control
        self._net: Channel | None = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._deck = Deck(RecordingSettings())
        self._is_stopped = False
        self._next_stats_s = 0.0
        self._next_fetch_s = 0.0

    def run(self) -> None:
        """Work until Stop or until control is gone; either way the files are finished first."""
        try:
            while not self._is_stopped:
                for _, events in self._selector.select(self._patience_s()):
                    self._serve_control(events)
                if time.monotonic() >= self._next_fetch_s or self._deck.is_ending:
                    tick_s = _FULL_TICK_S if self._fetch() > _MUCH_BYTES else _TICK_S
                    self._next_fetch_s = time.monotonic() + tick_s
                    self._report()
        finally:
            self._fetch()
            self._deck.stop_all(_FINISH_S)
        self._report()

    def _patience_s(self) -> float:
        if self._deck.is_ending:
            return _ENDING_TICK_S
        return max(0.0, self._next_fetch_s - time.monotonic())

    def _serve_control(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._control.flush()
        for message, descriptors in self._control.receive_with_descriptors():
            self._handle(message, descriptors)

    def _fetch(self) -> int:
        """Take what net has sent; how many bytes of sound and pictures that were."""
        taken = 0
        if self._net is None:
            return taken
        try:
            for arrived in self._net.receive(limit=_MOST_AT_ONCE):
                if isinstance(arrived, Frame):
                    self._deck.feed(arrived)
                    taken += len(arrived.payload)
                elif isinstance(arrived, StopRecording):
                    self._deck.stop(arrived.leg)
        except ChannelClosed:
            self._drop_net()
        return taken

    def _handle(self, message: Frame | Message, descriptors: list[int]) -> None:
        match message:
            case Start():
                self._deck = Deck(msgspec.convert(message.settings, RecordingSettings))
            case NewChannel():
                self._connect(descriptors)
            case StartRecording():
                self._deck.start(message)
            case StopRecording():
                self._deck.stop_by(message.leg, 0 if self._net is None else _now_us() + _LAST_FRAMES_US)
            case Stop():
                self._is_stopped = True
            case _:
                self._deck.counters["unexpected_message"] += 1

    def _connect(self, descriptors: list[int]) -> None:
        if descriptors:
            self._fetch()
            self._drop_net()
            self._net = Channel(socket.socket(fileno=descriptors[0]))

    def _drop_net(self) -> None:
        if self._net is not None:
            self._net.close()
            self._net = None

    def _report(self) -> None:
        for message in self._deck.messages(_now_us()):
            self._control.send(message)
        now_s = time.monotonic()
        if now_s >= self._next_stats_s:
            self._next_stats_s = now_s + _STATS_INTERVAL_S
            counters = dict(self._deck.counters)
            self._control.send(ProcessStats("recorder", counters, {"recordings": float(len(self._deck))}))
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._control.wants_write else 0)
        if self._selector.get_key(self._control).events != events:
            self._selector.modify(self._control, events)


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def main(control: Channel) -> None:
    """Serve the control channel until Stop; raises ChannelClosed when control is gone."""
    missing = harden_keys_process()
    if missing:
        logger.warning("process=recorder is not fully hardened: %s", " ".join(missing))
    RecorderProcess(control).run()


if __name__ == "__main__":
    run_process("recorder", main)
