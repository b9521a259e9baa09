"""One process of a worker as the control process sees it: started, spoken to, watched, started again."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

from mcu.worker.channel import Channel, ChannelClosed, Frame, channel_pair
from mcu.worker.messages import AnyMessage, Message, Start, Stop

logger = logging.getLogger(__name__)
_STOP_PATIENCE_S = 3.0


class WorkerProcess:
    """A child process and its control channel. `on_exit` is called once, from the event loop, when it is gone."""

    def __init__(
        self,
        name: str,
        module: str,
        settings: dict[str, object],
        on_message: Callable[[AnyMessage], None],
        on_exit: Callable[[int], None],
        extra: Sequence[tuple[str, int]] = (),
    ) -> None:
        """Start `python -m module`; `extra` are further (option, descriptor) pairs that the child inherits."""
        self.name = name
        self._on_message = on_message
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        ours, theirs = channel_pair()
        self.channel = Channel(ours)
        arguments = [f"--{option}={descriptor}" for option, descriptor in extra]
        self._child = subprocess.Popen(
            [sys.executable, "-m", module, f"--fd={theirs.fileno()}", *arguments],
            pass_fds=[theirs.fileno(), *(descriptor for _, descriptor in extra)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self._pidfd = os.pidfd_open(self._child.pid)
        self._loop.add_reader(self._pidfd, self._reap)
        self._loop.add_reader(self.channel.fileno(), self._read)
        self._gone: asyncio.Future[int] = self._loop.create_future()
        self._is_writing = False
        self.send(Start(settings))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not been reaped yet."""
        return not self._gone.done()

    def adopt(self, on_message: Callable[[AnyMessage], None], on_exit: Callable[[int], None]) -> None:
        """Whom it speaks to from now on."""
        self._on_message, self._on_exit = on_message, on_exit

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Tell the process something; what a dead process misses is said again by its successor's owner."""
        if not self.is_running:
            return
        try:
            self.channel.send(message, descriptors)
        except ChannelClosed:
            self._end_if_stuck()
            return
        self._arm_writer()

    async def stop(self) -> None:
        """Ask the process to finish, then end it."""
        if not self.is_running:
            return
        self.send(Stop())
        try:
            await asyncio.wait_for(asyncio.shield(self._gone), _STOP_PATIENCE_S)
        except TimeoutError:
            logger.warning("process=%s pid=%d does not stop, killing it", self.name, self.pid)
            self._child.kill()
            await self._gone

    def _end_if_stuck(self) -> None:
        if self._child.poll() is None and self.channel.wants_write:
            logger.error("process=%s pid=%d does not read its channel, killing it", self.name, self.pid)
            self._child.kill()

    def _arm_writer(self) -> None:
        if self.channel.wants_write and not self._is_writing:
            self._is_writing = True
            self._loop.add_writer(self.channel.fileno(), self._write)

    def _write(self) -> None:
        try:
            self.channel.flush()
        except ChannelClosed:
            self._stop_writing()
            return
        if not self.channel.wants_write:
            self._stop_writing()

    def _stop_writing(self) -> None:
        if self._is_writing:
            self._is_writing = False
            self._loop.remove_writer(self.channel.fileno())

    def _read(self) -> None:
        try:
            for message in self.channel.receive():
                if not isinstance(message, Frame):
                    self._on_message(message)
        except ChannelClosed:
            self._loop.remove_reader(self.channel.fileno())

    def _reap(self) -> None:
        status = self._child.wait()
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._read_last_words()
        self._stop_writing()
        self._loop.remove_reader(self.channel.fileno())
        self.channel.close()
        self._gone.set_result(status)
        self._on_exit(status)

    def _read_last_words(self) -> None:
        said = 1
        while said:
            said = 0
            try:
                for message in self.channel.receive():
                    said += 1
                    if not isinstance(message, Frame):
                        self._on_message(message)
            except ChannelClosed:
                return
