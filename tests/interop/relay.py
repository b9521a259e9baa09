"""A place apart whose only way out is a bad path: a relay of our own, since this kernel has none (no netem).

Two TUN devices, one here and one there, and a thread between them that carries IP packets. UDP is lost, delayed and
queued as tests.link says, each direction with its own seed; all else (HTTPS, ICMP) passes untouched, and so does SIP.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import select
import struct
import subprocess
import threading
import time
from pathlib import Path

from tests.interop.browser import CHROMIUM
from tests.interop.walls import Apart
from tests.link import Link
from tests.link import Path as LinkPath

HERE, THERE = "10.80.0.1", "10.80.0.2"
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_UDP = 17
_SIP_PORT = 5060
_MAX_PACKET = 65_536
_RTX = (97, 99)
"""Payload types of repeats in our offers to browsers."""
_FEEDBACK = 205
"""RTCP that asks for repeats (RFC 4585 6.2), in packets of its own (RFC 5506)."""


class Relay:
    """Programs started by `prefix` or `wrapped()` are at THERE; what they send goes `up`, what they get `down`."""

    def __init__(self, down: LinkPath, up: LinkPath, seed: int = 1) -> None:
        self._apart = Apart()
        self._ours = _tun("lossy0")
        self._theirs = self._apart.made(lambda: _tun("lossy1"))
        # A link-local address that comes up seconds later is a change of network to Chromium: it gives up loading.
        _run("ip", "link", "set", "lossy0", "addrgenmode", "none")
        self._apart.run("ip", "link", "set", "lossy1", "addrgenmode", "none")
        _run("ip", "addr", "add", HERE, "peer", THERE, "dev", "lossy0")
        _run("ip", "link", "set", "lossy0", "up")
        self._apart.run("ip", "addr", "add", THERE, "peer", HERE, "dev", "lossy1")
        self._apart.run("ip", "link", "set", "lossy1", "up")
        self._apart.run("ip", "route", "add", "default", "via", HERE)
        self.down, self.up = Link(down, seed), Link(up, seed + 1)
        self._flying: list[tuple[int, int, int, bytes]] = []
        self._count = 0
        self.lost_repairs = 0
        """Repeats of pictures on their way down, and what asked for some: each costs another round trip."""
        self._stopping, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def change(self, down: LinkPath, up: LinkPath) -> None:
        """From now on the path is this one."""
        self.down.path, self.up.path = down, up

    @property
    def prefix(self) -> tuple[str, ...]:
        """What goes before a command that is to run there."""
        return self._apart.prefix

    def wrapped(self, folder: Path) -> str:
        """A program that starts Chromium there."""
        script = folder / "chromium-over-relay"
        script.write_text(f'#!/bin/sh\nexec {" ".join(self.prefix)} {CHROMIUM} "$@"\n')
        script.chmod(0o755)
        return str(script)

    def close(self) -> None:
        """Take the place down."""
        os.write(self._stop, b".")
        self._thread.join()
        for descriptor in (self._ours, self._theirs, self._stopping, self._stop):
            os.close(descriptor)
        self._apart.close()

    def _run(self) -> None:
        ways = {self._ours: (self._theirs, self.down), self._theirs: (self._ours, self.up)}
        while True:
            wait_s = max(0.0, self._flying[0][0] / 1e6 - time.monotonic()) if self._flying else None
            readable, _, _ = select.select([*ways, self._stopping], [], [], wait_s)
            if self._stopping in readable:
                return
            for descriptor in readable:
                self._take(os.read(descriptor, _MAX_PACKET), *ways[descriptor])
            now_us = time.monotonic_ns() // 1000
            while self._flying and self._flying[0][0] <= now_us:
                _, _, target, packet = heapq.heappop(self._flying)
                os.write(target, packet)

    def _take(self, packet: bytes, target: int, link: Link) -> None:
        now_us = time.monotonic_ns() // 1000
        due_us = link.offer(len(packet), now_us) if _is_media(packet) else now_us
        if due_us is None:
            self.lost_repairs += is_repair(packet, is_down=link is self.down)
        else:
            self._count += 1
            heapq.heappush(self._flying, (due_us, self._count, target, packet))


def is_repair(packet: bytes, *, is_down: bool) -> bool:
    """As far as headers in the clear tell (RFC 3711 3.1 and 3.4)."""
    datagram = packet[(packet[0] & 0xF) * 4 + 8 :]
    if len(datagram) < 2 or datagram[0] >> 6 != 2:
        return False
    return datagram[1] & 0x7F in _RTX if is_down else datagram[1] == _FEEDBACK


def _is_media(packet: bytes) -> bool:
    """UDP over IPv4, but SIP."""
    if packet[0] >> 4 != 4 or packet[9] != _UDP:
        return False
    return _SIP_PORT not in struct.unpack_from("!HH", packet, (packet[0] & 0xF) * 4)


def _tun(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH14x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return descriptor


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
