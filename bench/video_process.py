"""The video process of a worker, spawned as the fleet does and fed over its channel with pictures encoded before."""

from __future__ import annotations

import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import av

from mcu.media import Codec
from mcu.worker.channel import Channel, Frame, channel_pair
from mcu.worker.inflight import InFlight
from mcu.worker.messages import Channel as NewChannel
from mcu.worker.messages import Message, ProcessStats, Start, Stop

_FRAME_S = 0.04


def access_units(clip: Path) -> list[Frame]:
    """The pictures of a clip as net would hand them over (Annex B), without a stream number."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        units = [unit for packet in container.demux(stream) for unit in annex_b.filter(packet if packet.size else None)]
        return [Frame(0, Codec.H264, bytes(unit), is_keyframe=unit.is_keyframe) for unit in units]


class VideoProcess:
    """Both channels of one video process, and what came out of it."""

    def __init__(self, **settings: object) -> None:
        """`settings` as in config.media.VideoSettings."""
        self._in_flight = InFlight.create()
        ours, theirs = channel_pair()
        descriptors = [theirs.fileno(), self._in_flight.fileno()]
        command = [sys.executable, "-m", "mcu.video.process", f"--fd={descriptors[0]}", f"--inflight={descriptors[1]}"]
        self._child = subprocess.Popen(command, pass_fds=descriptors)
        theirs.close()
        self._control = Channel(ours)
        self._control.send(Start(settings))
        ours, theirs = channel_pair()
        self._control.send(NewChannel("net"), [theirs.fileno()])
        theirs.close()
        self._net = Channel(ours)
        self._selector = selectors.DefaultSelector()
        for channel in (self._control, self._net):
            self._selector.register(channel, selectors.EVENT_READ)
        self.pid = self._child.pid
        self.frames: list[Frame] = []
        self.stats: ProcessStats | None = None

    def tell(self, *messages: Message) -> None:
        """Commands as control would send them."""
        for message in messages:
            self._control.send(message)

    def feed(self, sources: Sequence[list[Frame]], seconds: float, first: int = 0) -> int:
        """Send every source's pictures at 25/s, one source after the other as terminals do; the number of rounds.

        Source n is stream number n + 1. `first` is the round to begin with; clips are repeated.
        """
        began, rounds, index = time.monotonic(), round(seconds / _FRAME_S), 0
        for index in range(first, first + rounds):
            for number, units in enumerate(sources):
                due = began + (index - first + number / len(sources)) * _FRAME_S
                self._read_until(due)
                unit = units[index % len(units)]
                self._net.send_frame(Frame(number + 1, unit.codec, unit.payload, is_keyframe=unit.is_keyframe))
        self._read_until(began + rounds * _FRAME_S)
        return index + 1

    def close(self) -> None:
        """Stop the process."""
        self._control.send(Stop())
        try:
            self._child.wait(10)
        finally:
            self._child.kill()
            self._child.wait()
            self._selector.close()
            self._control.close()
            self._net.close()
            self._in_flight.close()

    def _read_until(self, due: float) -> None:
        while (left := due - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                channel = key.fileobj
                assert isinstance(channel, Channel)
                for arrived in channel.receive():
                    if isinstance(arrived, Frame):
                        self.frames.append(arrived)
                    elif isinstance(arrived, ProcessStats):
                        self.stats = arrived
