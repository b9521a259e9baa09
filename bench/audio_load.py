"""Load generator for sound: N terminals on one UDP socket send pre-encoded RTP and count what they get.

`python -m bench.audio_load SPEC`; prints one Report as JSON. Terminals are spread over the 20 ms of a packet.
"""

from __future__ import annotations

import resource
import socket
import struct
import sys
import time
from pathlib import Path

import msgspec

_PTIME_S = 0.020
_SLICES = 8
"""Moments in 20 ms at which packets leave."""
_HEADER = struct.Struct("!BBHII")
_LEVEL = struct.Struct("!HHBBxx")
_ONE_BYTE_PROFILE = 0xBEDE
_LEVEL_ID = 1
_BUFFER_BYTES = 8 << 20


class Terminal(msgspec.Struct):
    """Where a leg of the server listens, and what it is sent."""

    host: str
    port: int
    clip: int
    keeps: bool = False
    """Whether what it hears is kept, so that it can be looked at."""


class Clip(msgspec.Struct):
    """Packets of 20 ms that are sent again and again, and their levels (RFC 6464)."""

    packets: list[bytes]
    levels: list[int]


class Spec(msgspec.Struct):
    """A run."""

    local_port: int
    payload_type: int
    clock_rate_hz: int
    clips: list[Clip]
    terminals: list[Terminal]
    warm_up_s: float
    seconds: float
    has_levels: bool = True


class Heard(msgspec.Struct):
    """What one terminal received in the measured time."""

    packets: int
    lost: int
    payloads: list[bytes]


class Report(msgspec.Struct):
    """All terminals in order, and what the load cost in CPU seconds a second."""

    heard: list[Heard]
    cpu: float
    sent_late_ms: float


class _Count:
    __slots__ = ("first", "highest", "packets", "payloads")

    def __init__(self) -> None:
        self.packets = 0
        self.first = self.highest = -1
        self.payloads: list[bytes] = []


def main(path: Path) -> None:
    """Run one specification."""
    spec = msgspec.msgpack.decode(path.read_bytes(), type=Spec)
    load = _Load(spec)
    load.run(spec.warm_up_s)
    load.forget()
    before = _cpu_s()
    load.run(spec.seconds)
    cpu = (_cpu_s() - before) / spec.seconds
    sys.stdout.write(msgspec.json.encode(load.report(cpu)).decode() + "\n")


class _Load:
    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        self._socket.bind(("127.0.0.1", spec.local_port))
        self._socket.setblocking(False)
        self._slices = [list(range(first, len(spec.terminals), _SLICES)) for first in range(_SLICES)]
        self._number = 0
        self._started = time.monotonic()
        self._late_s = 0.0
        self._counts: dict[int, _Count] = {}
        self.forget()

    def forget(self) -> None:
        """Count from now on."""
        self._counts = {terminal.port: _Count() for terminal in self._spec.terminals}
        self._keeps = {terminal.port for terminal in self._spec.terminals if terminal.keeps}
        self._late_s = 0.0

    def run(self, seconds: float) -> None:
        """Send and receive for so long."""
        for _ in range(round(seconds / _PTIME_S)):
            for index, terminals in enumerate(self._slices):
                self._receive()
                due = self._started + (self._number + index / _SLICES) * _PTIME_S
                wait_s = due - time.monotonic()
                if wait_s > 0:
                    time.sleep(wait_s)
                self._late_s = max(self._late_s, -wait_s)
                self._send(terminals)
            self._number += 1

    def _send(self, terminals: list[int]) -> None:
        spec, number = self._spec, self._number
        timestamp = number * spec.clock_rate_hz // 50 & 0xFFFFFFFF
        first = 0x90 if spec.has_levels else 0x80
        for index in terminals:
            terminal = spec.terminals[index]
            clip = spec.clips[terminal.clip]
            at = (number + 7 * index) % len(clip.packets)
            data = _HEADER.pack(first, spec.payload_type, number & 0xFFFF, timestamp, index + 1)
            if spec.has_levels:
                data += _LEVEL.pack(_ONE_BYTE_PROFILE, 1, _LEVEL_ID << 4, clip.levels[at])
            self._socket.sendto(data + clip.packets[at], (terminal.host, terminal.port))

    def _receive(self) -> None:
        counts, keeps, receive = self._counts, self._keeps, self._socket.recvfrom
        while True:
            try:
                data, (_, port) = receive(2048)
            except BlockingIOError:
                return
            count = counts.get(port)
            if count is None or len(data) < 12 or data[1] & 0x7F != self._spec.payload_type:
                continue
            sequence = data[2] << 8 | data[3]
            count.packets += 1
            if count.first < 0:
                count.first = count.highest = sequence
            elif (step := (sequence - count.highest) & 0xFFFF) < 0x8000:
                count.highest += step
            if port in keeps:
                count.payloads.append(data[12:])

    def report(self, cpu: float) -> Report:
        """What was counted."""
        heard = []
        for terminal in self._spec.terminals:
            count = self._counts[terminal.port]
            expected = count.highest - count.first + 1 if count.packets else 0
            heard.append(Heard(count.packets, max(0, expected - count.packets), count.payloads))
        return Report(heard, cpu, self._late_s * 1000)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(Path(sys.argv[1]))
