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
_TICK_S = 0.1
_STATS_INTERVAL_S = 1.0
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

    def run(self) -> None:
        """Work until Stop or until control is gone; either way the files are finished first."""
        try:
            while not self._is_stopped:
                for key, events in self._selector.select(_TICK_S):
                    self._serve(key.fileobj, events)
                self._report()
        finally:
            self._deck.stop_all(_FINISH_S)
        self._report()

    def _serve(self, ready: object, events: int) -> None:
        if ready is self._net and self._net is not None:
            self._serve_net(self._net)
        elif ready is self._control:
            if events & selectors.EVENT_WRITE:
                self._control.flush()
            for message, descriptors in self._control.receive_with_descriptors():
                self._handle(message, descriptors)

    def _serve_net(self, net: Channel) -> None:
        try:
            for arrived in net.receive():
                if isinstance(arrived, Frame):
                    self._deck.feed(arrived)
        except ChannelClosed:
            self._drop_net()

    def _handle(self, message: Frame | Message, descriptors: list[int]) -> None:
        match message:
            case Start():
                self._deck = Deck(msgspec.convert(message.settings, RecordingSettings))
            case NewChannel():
                self._connect(descriptors)
            case StartRecording():
                self._deck.start(message)
            case StopRecording():
                self._deck.stop(message.leg)
            case Stop():
                self._is_stopped = True
            case _:
                self._deck.counters["unexpected_message"] += 1

    def _connect(self, descriptors: list[int]) -> None:
        if descriptors:
            self._drop_net()
            self._net = Channel(socket.socket(fileno=descriptors[0]))
            self._selector.register(self._net, selectors.EVENT_READ)

    def _drop_net(self) -> None:
        if self._net is not None:
            self._selector.unregister(self._net)
            self._net.close()
            self._net = None

    def _report(self) -> None:
        now_s = time.monotonic()
        for message in self._deck.messages(round(now_s * 1_000_000)):
            self._control.send(message)
        if now_s >= self._next_stats_s:
            self._next_stats_s = now_s + _STATS_INTERVAL_S
            counters = dict(self._deck.counters)
            self._control.send(ProcessStats("recorder", counters, {"recordings": float(len(self._deck))}))
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._control.wants_write else 0)
        if self._selector.get_key(self._control).events != events:
            self._selector.modify(self._control, events)


def main(control: Channel) -> None:
    """Serve the control channel until Stop; raises ChannelClosed when control is gone."""
    missing = harden_keys_process()
    if missing:
        logger.warning("process=recorder is not fully hardened: %s", " ".join(missing))
    RecorderProcess(control).run()


if __name__ == "__main__":
    run_process("recorder", main)
