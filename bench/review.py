"""Watching a recording of two hours over HTTP: the first picture, seeks, and what decrypting ranges costs."""

from __future__ import annotations

import http.client
import json
import random
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av

from bench import cpu
from bench.long_recording import FRAME_RATE, LEG, SIZE, Packets
from bench.plain_chunks import plain_chunks
from bench.report import Pair, Result
from bench.review_server import ID, MASTER
from crypto.sealing import Head
from mcu.worker.messages import StartRecording
from recorder.disk_storage import DiskStorage
from recorder.indexing import write_index
from recorder.shelf import SealedFile, file_name
from recorder.tape import Tape

_MEDIA_S = 2 * 3600
_SEEKS = 20
_DIFFERS_WITHIN = 500 << 20
_RANGE_BYTES, _RANGES_PER_S = 1 << 20, 20
_FIRST_S, _SEEK_S, _CPU_RATIO = 1.0, 0.5, 2.0
_WHAT = (
    "recording of 2 h, 1280x720@25 1.5 Mbit/s with a keyframe every 4 s and Opus; the portal's own handler on loopback "
    "in a process of its own; ours: the library (sealed, with its index); baseline: the same handler on the same bytes "
    "in a plain file, read in the same pieces; of ranges: the same library and chunks, without cipher and tag. "
)
_PLAYED = "FFmpeg as the player: open, read head and index, decode the first picture"
_SOUGHT = "seek by the index and decode up to the picture that was asked for; median of 20 random places, and the worst"
_READ = (
    "user and system time of the server for each MiB, random ranges of 1 MiB; plain_file: the same of "
    "the plain file; memory: growth of its RSS meanwhile"
)


@dataclass(frozen=True)
class Watched:
    """One player."""

    first_s: float
    seeks_s: list[float]
    trouble: str = ""


def run(seconds: float, runs: int) -> Iterator[Result]:
    """First picture, seeks, ranges."""
    with tempfile.TemporaryDirectory(dir=_roomy()) as name:
        folder = Path(name)
        packets = Packets()
        _record(folder, packets)
        with plain_chunks():
            _record(folder / "chunks", packets)
        firsts, seeks, ranges, void = [], [], [], ""
        for number in range(runs):
            with (
                served(folder) as ours,
                served(folder, "--plain") as plain,
                served(folder / "chunks", "--chunks") as chunks,
            ):
                mine, theirs = _watch(ours.port, number), _watch(plain.port, number)
                void = void or mine.trouble or theirs.trouble
                void = void or _difference(ours.port, plain.port, number) or _difference(ours.port, chunks.port, number)
                firsts.append(Pair(mine.first_s, theirs.first_s))
                worst = {"worst": max(mine.seeks_s, default=0.0), "baseline_worst": max(theirs.seeks_s, default=0.0)}
                seeks.append(Pair(_median(mine.seeks_s), _median(theirs.seeks_s), worst))
                (cost, grown), (base, _), (file, _) = (_read(each, seconds, number) for each in (ours, chunks, plain))
                ranges.append(Pair(cost, base, {"plain_file": file, "memory_MiB": grown}))
        yield Result("review", "first picture", "s", firsts, _FIRST_S, _WHAT + _PLAYED, void, "ours")
        yield Result("review", "seek", "s", seeks, _SEEK_S, _WHAT + _SOUGHT, void, "worst")
        yield Result("review", "ranges", "CPU-ms/MiB", ranges, _CPU_RATIO, _WHAT + _READ, void)


def _roomy() -> str | None:
    """Where three gigabytes fit."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return None if free > 4 << 30 else str(Path.cwd())


def _record(folder: Path, packets: Packets) -> None:
    """The recording, its index, and the same as a plain file."""
    key = secrets.token_bytes(32)
    head = Head(ID, MASTER.wrap(key, f"recording/{ID}"))
    order = StartRecording(LEG, ID, "", key, head.serialize(), *SIZE, FRAME_RATE)
    storage = DiskStorage(folder)
    folder.mkdir(exist_ok=True)
    with (folder / file_name(ID)).open("wb") as out:
        tape = Tape(order, 1.0, lambda data, _mark: out.write(data))
        for frame in packets.frames(_MEDIA_S):
            tape.accept(frame)
        tape.finish()
    file = storage.open(file_name(ID))
    write_index(storage, SealedFile(file, head, key))
    file.close()


@dataclass(frozen=True)
class Server:
    """A process that serves the recording."""

    port: int
    pid: int
    size: int


@contextmanager
def served(folder: Path, *how: str) -> Iterator[Server]:
    """For as long as it is needed."""
    command = [sys.executable, "-m", "bench.review_server", str(folder), *how]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline())
        yield Server(said["port"], process.pid, said["size"])
    finally:
        process.stdin.close()
        process.wait(30)


def _watch(port: int, seed: int) -> Watched:
    """As a player does, over connections of its own."""
    chance, seeks = random.Random(seed), list[float]()
    before = time.monotonic()
    with av.open(f"http://127.0.0.1:{port}/media", options={"seekable": "1"}) as container:
        stream = container.streams.video[0]
        picture = next(container.decode(stream))
        first_s = time.monotonic() - before
        duration_s = (container.duration or 0) / 1e6
        if abs(duration_s - _MEDIA_S) > 1 or picture.time != 0.0:
            return Watched(first_s, seeks, f"it plays {duration_s:.0f} s")
        for _ in range(_SEEKS):
            wanted_s = chance.uniform(0, _MEDIA_S - 1)
            before = time.monotonic()
            container.seek(round(wanted_s * 1e6))
            seen_s = next(picture.time for picture in container.decode(stream) if picture.time >= wanted_s)
            seeks.append(time.monotonic() - before)
            if seen_s - wanted_s > 0.05:
                return Watched(first_s, seeks, f"at {wanted_s:.2f} s the picture of {seen_s:.2f} s was seen")
    return Watched(first_s, seeks)


def _read(server: Server, seconds: float, seed: int) -> tuple[float, float]:
    """CPU milliseconds for each MiB, and by how many MiB the server has grown."""
    chance, count = random.Random(seed), max(1, round(seconds * _RANGES_PER_S))
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    _range(connection, 0, _RANGE_BYTES)
    before, rss = cpu.of([server.pid]), _rss_mib(server.pid)
    for _ in range(count):
        _range(connection, chance.randrange(server.size - _RANGE_BYTES), _RANGE_BYTES)
    used = cpu.of([server.pid]) - before
    connection.close()
    return 1000 * used / (count * _RANGE_BYTES / (1 << 20)), _rss_mib(server.pid) - rss


def _difference(ours: int, plain: int, seed: int) -> str:
    """Whether both serve the same bytes."""
    chance = random.Random(seed)
    connections = [http.client.HTTPConnection("127.0.0.1", port) for port in (ours, plain)]
    try:
        for _ in range(5):
            start = chance.randrange(_DIFFERS_WITHIN)
            one, two = (_range(connection, start, 300_000) for connection in connections)
            if one != two:
                return f"both differ at byte {start}"
    finally:
        for connection in connections:
            connection.close()
    return ""


def _range(connection: http.client.HTTPConnection, start: int, length: int) -> bytes:
    connection.request("GET", "/media", headers={"Range": f"bytes={start}-{start + length - 1}"})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status != 206 or len(data) != length:
        raise RuntimeError(f"status {answer.status}, {len(data)} bytes")
    return data


def _rss_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else 0.0
