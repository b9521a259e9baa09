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
