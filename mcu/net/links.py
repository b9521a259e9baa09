"""Channels to the neighbours on an event loop: readers, writers, and what happens when the other end goes away."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable

from mcu.worker.channel import Channel, ChannelClosed, Frame
from mcu.worker.messages import AnyMessage, Message

logger = logging.getLogger(__name__)
_HOLD_US = 200_000
MAX_HELD_BYTES = 192 << 10
"""What waits for its time alone: three datagrams, well below what a socket takes."""


class Link:
    """One channel; what is sent while nobody is at the other end is dropped and counted."""

    def __init__(self, name: str, receive: Callable[[Frame | AnyMessage], None], counters: Counter[str]) -> None:
        self._name = name
        self._receive = receive
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._channel: Channel | None = None
        self._is_writing = False
        self._flushes = False

    def connect(self, descriptor: int) -> None:
        """Speak to the process behind `descriptor` from now on; the former one is gone."""
        self.close()
        self._channel = Channel(socket.socket(fileno=descriptor))
        self._loop.add_reader(descriptor, self._read)

    def close(self) -> None:
        """Hang up."""
        channel, self._channel = self._channel, None
        if channel is None:
            return
        self._loop.remove_reader(channel.fileno())
        if self._is_writing:
            self._loop.remove_writer(channel.fileno())
            self._is_writing = False
        for reason, count in channel.drops.items():
            self._counters[f"{self._name}-{reason}"] += count
        channel.close()

    @property
    def drops(self) -> dict[str, int]:
        """What the present channel has dropped, by reason."""
        if self._channel is None:
            return {}
        return {f"{self._name}-{reason}": count for reason, count in self._channel.drops.items()}

    def send(self, message: Message) -> None:
        """Tell the neighbour something."""
        channel = self._channel
        if channel is None:
            return
        try:
            channel.send(message)
        except ChannelClosed:
            self._lose()
        else:
            self._arm_writer(channel)

    def send_frame(self, frame: Frame) -> bool:
        """Hand a frame over; False when it was dropped, and for video everything up to the next keyframe will be."""
        channel = self._channel
        if channel is None:
            self._counters[f"{self._name}-absent"] += 1
            return False
        is_taken = channel.queue_frame(frame)
        if not self._flushes:
            self._flushes = True
            self._loop.call_soon(self._flush)
        return is_taken

    def _flush(self) -> None:
        """What this round of the loop has brought goes out together; a full socket says when it has room again."""
        self._flushes = False
        channel = self._channel
        if channel is None or self._is_writing:
            return
        try:
            channel.flush()
        except ChannelClosed:
            self._lose()
        else:
            self._arm_writer(channel)

    def _arm_writer(self, channel: Channel) -> None:
        if channel.wants_write and not self._is_writing:
            self._is_writing = True
            self._loop.add_writer(channel.fileno(), self._write)

    def _read(self) -> None:
        channel = self._channel
        if channel is None:
            return
        try:
            for item in channel.receive():
                self._receive(item)
        except ChannelClosed:
            self._lose()

    def _write(self) -> None:
        channel = self._channel
        if channel is None:
            return
        try:
            channel.flush()
        except ChannelClosed:
            self._lose()
            return
        if not channel.wants_write:
            self._is_writing = False
            self._loop.remove_writer(channel.fileno())

    def _lose(self) -> None:
        logger.warning("neighbour=%s is gone", self._name)
        self._counters[f"{self._name}-lost"] += 1
        self.close()


class PatientLink(Link):
    """To a neighbour in no hurry: frames go out five times a second, together."""

    def __init__(self, name: str, receive: Callable[[Frame | AnyMessage], None], counters: Counter[str]) -> None:
        super().__init__(name, receive, counters)
        self._held: list[Frame] = []
        self._held_bytes = 0
        self._next_us = 0

    def send_frame(self, frame: Frame) -> bool:
        """Keep a frame for the next time; False when it was dropped, like those before it up to a keyframe."""
        channel = self._channel
        if channel is None or channel.refuses(frame):
            return super().send_frame(frame)
        self._held.append(frame)
        self._held_bytes += len(frame.payload)
        if self._held_bytes > MAX_HELD_BYTES:
            self._hand_over()
        return True

    def send(self, message: Message) -> None:
        """Tell the neighbour something, behind the frames that came before."""
        self._hand_over()
        super().send(message)

    def close(self) -> None:
        """Hang up; what is held goes out before."""
        self._hand_over()
        super().close()

    def handle_timeout(self, now_us: int) -> None:
        """Hand over what is held when it is time."""
        if now_us >= self._next_us:
            self._next_us = now_us + _HOLD_US
            self._hand_over()

    def _hand_over(self) -> None:
        channel, held = self._channel, self._held
        if not held:
            return
        self._held, self._held_bytes = [], 0
        if channel is not None:
            for frame in held:
                channel.queue_frame(frame)
            self._flush()
