"""All recordings of a worker: which leg's frames go on which tape, and what control is told of them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from config.recording import RecordingSettings
from crypto.sealing import Head, SealError
from mcu.media import leg_of
from mcu.worker.channel import Frame
from mcu.worker.messages import Message, RecordingEnded, RecordingProgress, StartRecording
from recorder.disk import DiskWriter
from recorder.disk_storage import DiskStorage
from recorder.errors import RecordingError
from recorder.indexing import index_if_possible
from recorder.shelf import SealedFile
from recorder.storage import Storage
from recorder.tape import Mark, Tape

logger = logging.getLogger(__name__)
_PROGRESS_US = 1_000_000
_TAKEN_BACK = 1.5
"""A warning of a full disk holds until so many times the time is left."""


class Writer(Protocol):
    """What writes one file; recorder.disk.DiskWriter is one."""

    @property
    def synced(self) -> Mark:
        """What would be left after a power cut."""

    @property
    def error(self) -> str:
        """What went wrong, "" while nothing did."""

    @property
    def is_low(self) -> bool:
        """Whether less is free than wanted."""

    @property
    def is_gone(self) -> bool:
        """Whether what had to be done behind its end is done, too."""

    @property
    def left_s(self) -> float | None:
        """How long the disk lasts, as far as anybody can say."""

    @property
    def is_done(self) -> bool:
        """Whether the file is closed."""

    def put(self, data: bytes | bytearray, mark: Mark) -> None:
        """Write `data`, at whose end `mark` holds; never blocks."""

    def finish(self) -> None:
        """Nothing follows."""

    def join(self, timeout_s: float) -> None:
        """Wait until it is gone."""


NewWriter = Callable[[Storage, str, int, Callable[[], object]], Writer]
"""Takes a storage, the name of a new file, how much has to stay free, and what is to be done behind its end."""


@dataclass(slots=True)
class _Running:
    recording: str
    tape: Tape
    disk: Writer
    error: str = ""
    is_closing: bool = False
    is_short: bool = False
    """Whether the disk lasts for a short time only, and all are told."""
    ends_us: int | None = None
    """When it ends at the latest."""
    next_progress_us: int = 0
    last_reported: Mark | None = None


class Deck:
    """Owns the tapes. Errors of one recording end that one alone."""

    def __init__(self, settings: RecordingSettings, write: NewWriter = DiskWriter) -> None:
        self._settings = settings
        self._write = write
        self._running: dict[int, _Running] = {}
        self._leaving: list[Writer] = []
        """Of files that have ended, while something is left to do."""
        self._messages: list[Message] = []
        self.counters: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many recordings run or are being closed."""
        return len(self._running)

    def start(self, order: StartRecording) -> None:
        """Begin a file; where that fails RecordingEnded says so."""
        if order.leg in self._running:
            self.counters["started_twice"] += 1
            return
        try:
            path = Path(order.path)
            storage = DiskStorage(path.parent)
            afterwards = partial(_index, storage, path.name, order)
            disk = self._write(storage, path.name, self._settings.min_free_bytes, afterwards)
            tape = Tape(order, self._settings.fragment_s, disk.put)
        except (OSError, SealError, ValueError) as error:
            logger.error("recording=%s cannot begin: %s", order.recording, error)
            reason = "file-exists" if isinstance(error, FileExistsError) else "cannot-write"
            self._messages.append(RecordingEnded(order.recording, 0, 0.0, "", reason))
            return
        self._running[order.leg] = _Running(order.recording, tape, disk)
        self.counters["started"] += 1

    def feed(self, frame: Frame) -> None:
        """Take a frame of a recorder leg."""
        running = self._running.get(leg_of(frame.stream))
        if running is None or running.is_closing:
            self.counters["unknown_leg"] += 1
            return
        running.tape.accept(frame)
        if running.tape.duration_s > self._settings.max_duration_s:
            self._close(running, "longest-duration")

    @property
    def is_ending(self) -> bool:
        """Whether a file is being finished: then ask for messages() soon."""
        return any(running.is_closing or running.ends_us is not None for running in self._running.values())

    def stop(self, leg: int) -> None:
        """Finish a file: all that belongs to it has come."""
        running = self._running.get(leg)
        if running is not None:
            self._close(running, "")

    def stop_by(self, leg: int, at_us: int) -> None:
        """Finish a file then at the latest: its last frames are on their way."""
        running = self._running.get(leg)
        if running is not None:
            running.ends_us = at_us

    def stop_all(self, timeout_s: float) -> None:
        """Finish everything and wait for the disk."""
        for running in self._running.values():
            self._close(running, "")
        for writer in [*(running.disk for running in self._running.values()), *self._leaving]:
            writer.join(timeout_s)

    def messages(self, now_us: int) -> list[Message]:
        """What control is to be told now; call it a few times a second."""
        for leg, running in list(self._running.items()):
            reason = running.disk.error or ("disk-full" if running.disk.is_low else "")
            if reason or (running.ends_us is not None and now_us >= running.ends_us):
                self._close(running, reason)
            if running.disk.is_done:
                self._end(leg, running)
            elif now_us >= running.next_progress_us:
                running.next_progress_us = now_us + _PROGRESS_US
                self._progress(running)
        self._leaving = [writer for writer in self._leaving if not writer.is_gone]
        messages, self._messages = self._messages, []
        return messages

    def _progress(self, running: _Running) -> None:
        mark = running.disk.synced
        if mark != running.last_reported:
            running.last_reported = mark
            self._messages.append(
                RecordingProgress(
                    running.recording, mark.size_bytes, mark.duration_s, mark.chain_head, self._left_s(running)
                )
            )

    def _left_s(self, running: _Running) -> float | None:
        """What is told of the disk; a rate that wavers does not take the warning back."""
        left_s = running.disk.left_s
        if left_s is None:
            return None
        running.is_short = left_s < self._settings.warn_left_s * (_TAKEN_BACK if running.is_short else 1)
        return left_s if running.is_short else None

    def _end(self, leg: int, running: _Running) -> None:
        del self._running[leg]
        self._leaving.append(running.disk)
        mark, error = running.disk.synced, running.error or running.disk.error
        self.counters["failed" if error else "completed"] += 1
        self.counters.update(running.tape.counters)
        self._messages.append(
            RecordingEnded(running.recording, mark.size_bytes, mark.duration_s, mark.chain_head, error)
        )

    def _close(self, running: _Running, error: str) -> None:
        if running.is_closing:
            return
        running.is_closing = True
        running.error = error
        running.tape.finish()
        running.disk.finish()
        if running.error:
            logger.error("recording=%s ends: %s", running.recording, running.error)


def _index(storage: Storage, name: str, order: StartRecording) -> None:
    """Here, because nobody waits for this process; whoever finds no index makes one."""
    head, _ = Head.parse(order.header)
    try:
        file = storage.open(name)
    except (OSError, RecordingError) as error:
        logger.warning("recording=%s has no index: %s", order.recording, error)
        return
    try:
        index_if_possible(storage, SealedFile(file, head, order.key))
    finally:
        file.close()
