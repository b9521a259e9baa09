"""What sealing adds to writing a recording: the recorder's own path, with the seal and with plain bytes instead."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.long_recording import FRAME_RATE, LEG, SIZE, Packets
from bench.report import Pair, Result
from crypto.sealing import Head, SealWriter, verify
from mcu.worker.channel import Frame
from mcu.worker.messages import StartRecording
from recorder.appender import Appender
from recorder.disk_storage import DiskStorage
from recorder.indexing import write_index
from recorder.shelf import SealedFile
from recorder.tape import NewSeal, Tape

_GATE = 1.3
_NAME = "bench.dtr"
_MEDIA_PER_S = 60
"""Seconds of media for each second that a measurement shall take."""
_NOTES = (
    "1280x720@25 1.5 Mbit/s with a keyframe every 4 s and Opus, muxed, written and synced every 0.9 s of media by the "
    "recorder's own classes; ours: sealed (AES-256-GCM, SHA-256 chain); baseline: the same packets and classes, the "
    "same writes and syncs, without the seal. index: CPU that making the index takes, once, for a second of media"
)


class PlainWriter:
    """The seal's place taken by nothing: bytes as they come."""

    def __init__(self, emit: Callable[[bytes], object], head: bytes, _key: bytes) -> None:
        self._emit = emit
        self.size = len(head)
        self.chain_head = ""
        emit(head)

    def write_through(self, plain: bytes) -> None:
        """As they are."""
        self.size += len(plain)
        self._emit(plain)

    def finish(self) -> None:
        """Nothing is marked."""


def run(seconds: float, runs: int) -> Iterator[Result]:
    """One recording, sealed and plain in turn."""
    media_s = seconds * _MEDIA_PER_S
    given = list(Packets().frames(media_s))
    pairs, void = [], ""
    for number in range(runs):
        # Whoever comes first meets cold caches: they take turns.
        if number % 2:
            plain, _, _ = _write(given, PlainWriter, media_s)
            sealed, index, trouble = _write(given, SealWriter, media_s)
        else:
            sealed, index, trouble = _write(given, SealWriter, media_s)
            plain, _, _ = _write(given, PlainWriter, media_s)
        pairs.append(Pair(sealed, plain, {"index": index}))
        void = void or trouble
    yield Result("sealing", "one recording", "CPU-s/s of media", pairs, _GATE, _NOTES, void)


def _write(given: Sequence[Frame], seal: NewSeal, media_s: float) -> tuple[float, float, str]:
    """CPU seconds per second of media of writing and of indexing, and why the run is void."""
    head, key = Head("bench", b""), secrets.token_bytes(32)
    order = StartRecording(LEG, "bench", "", key, head.serialize(), *SIZE, FRAME_RATE)
    with tempfile.TemporaryDirectory() as folder:
        storage, now_s = DiskStorage(Path(folder)), 0.0
        before = time.process_time()
        appender = Appender(storage, _NAME, 0)
        tape = Tape(order, 1.0, lambda data, mark: appender.append(data, mark, now_s), seal)
        for frame in given:
            now_s = frame.capture_us / 1e6
            tape.accept(frame)
        tape.finish()
        appender.finish()
        written = time.process_time() - before
        if appender.error or tape.duration_s < media_s - 0.1:
            return written / media_s, 0.0, f"{tape.duration_s:.0f} s were written {appender.error}"
        if seal is PlainWriter:
            return written / media_s, 0.0, ""
        index, trouble = _index(storage, head, key)
    return written / media_s, index / media_s, trouble


def _index(storage: DiskStorage, head: Head, key: bytes) -> tuple[float, str]:
    file = storage.open(_NAME)
    try:
        is_whole = verify(file.read_at, file.size, key).is_complete
        before = time.process_time()
        write_index(storage, SealedFile(file, head, key))
        return time.process_time() - before, "" if is_whole else "the file does not verify"
    finally:
        file.close()
