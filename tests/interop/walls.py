"""Places behind walls: a network whose firewall lets little through, and one behind a NAT that lets less through."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.interop.browser import CHROMIUM

OUTSIDE = "10.79.0.2"
"""The address that a place behind the NAT has for the rest of the world."""
_INSIDE = "192.168.77"


_Made = TypeVar("_Made")


class Apart:
    """A network namespace that lasts as long as its holder."""

    def __init__(self) -> None:
        # It ends with its input, and so with us.
        self._holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        ours = os.readlink("/proc/self/ns/net")
        for _ in range(500):
            if os.readlink(f"/proc/{self.pid}/ns/net") != ours:
                break
            time.sleep(0.01)
        else:
            raise AssertionError("no namespace")
        self.run("ip", "link", "set", "lo", "up")

    @property
    def pid(self) -> int:
        """Of the holder, by which others find it."""
        return self._holder.pid

    def run(self, *command: str, text: str | None = None) -> None:
        """A command in there."""
        _run("nsenter", "--target", str(self.pid), "--net", *command, text=text)

    @property
    def prefix(self) -> tuple[str, ...]:
        """What goes before a command that is to run in there."""
        return ("nsenter", "--target", str(self.pid), "--net")

    def connect(self, address: str, port: int) -> socket.socket:
        """A TCP connection to something there, from there: what a wall forbids does not matter. Raises OSError."""
        return self.made(lambda: socket.create_connection((address, port), 2))

    def made(self, make: Callable[[], _Made]) -> _Made:
        """What `make` makes in there: namespaces belong to threads, sockets and devices to where they were made."""
        found: list[_Made | Exception] = []

        def work() -> None:
            try:
                with Path(f"/proc/{self.pid}/ns/net").open() as there:
                    assert ctypes.CDLL(None, use_errno=True).setns(there.fileno(), 0) == 0
                found.append(make())
            except Exception as error:
                found.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def wrapped(self, folder: Path) -> str:
        """A program that starts Chromium in there."""
        script = folder / f"chromium-in-{self.pid}"
        script.write_text(f'#!/bin/sh\nexec nsenter --target {self.pid} --net {CHROMIUM} "$@"\n')
        script.chmod(0o755)
        return str(script)

    def close(self) -> None:
        """Take it down, and all that is in it."""
        self._holder.communicate()


class NatPlace:
    """A place at 192.168.77.2 whose router gives it one address outside and forwards what `lets` says."""

    def __init__(self, lets: str, *, is_symmetric: bool = False, udp_timeout_s: int = 30) -> None:
        """`lets` are nftables matches, one a line, of the traffic that may leave; its answers may come back.

        A symmetric NAT gives every conversation a random port; all forget UDP after `udp_timeout_s` of silence.
        """
        self._router, self._place = Apart(), Apart()
        router, place = str(self._router.pid), str(self._place.pid)
        _run("ip", "link", "add", "nat0", "type", "veth", "peer", "name", "nat1", "netns", router)
        _run("ip", "addr", "add", "10.79.0.1/24", "dev", "nat0")
        _run("ip", "link", "set", "nat0", "up")
        self._router.run("ip", "link", "add", "in0", "type", "veth", "peer", "name", "in1", "netns", place)
        for device, address in (("nat1", f"{OUTSIDE}/24"), ("in0", f"{_INSIDE}.1/24")):
            self._router.run("ip", "addr", "add", address, "dev", device)
            self._router.run("ip", "link", "set", device, "up")
        self._router.run("ip", "route", "add", "default", "via", "10.79.0.1")
        self._router.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        for name in ("udp_timeout", "udp_timeout_stream"):
            self._router.run("sh", "-c", f"echo {udp_timeout_s} >/proc/sys/net/netfilter/nf_conntrack_{name}")
        self._router.run("nft", "-f", "-", text=_nat(lets, "masquerade fully-random" if is_symmetric else "masquerade"))
        self._place.run("ip", "addr", "add", f"{_INSIDE}.2/24", "dev", "in1")
        self._place.run("ip", "link", "set", "in1", "up")
        self._place.run("ip", "route", "add", "default", "via", f"{_INSIDE}.1")

    @property
    def inside(self) -> Apart:
        """Where programs behind the NAT run."""
        return self._place

    def wrapped(self, folder: Path) -> str:
        """A program that starts Chromium there."""
        return self._place.wrapped(folder)

    def close(self) -> None:
        """Take both down."""
        _run("ip", "link", "del", "nat0")
        self._place.close()
        self._router.close()


@contextmanager
def wall(device: str, *forbidden: str) -> Iterator[None]:
    """What comes in by `device` and matches one of these is dropped without a word."""
    rules = "\n".join(f"iifname {device} {match} drop" for match in forbidden)
    text = f"table inet wall {{\n chain input {{\n type filter hook input priority 0;\n{rules}\n }}\n}}\n"
    _run("nft", "-f", "-", text=text)
    try:
        yield
    finally:
        _run("nft", "delete", "table", "inet", "wall")


def _nat(lets: str, masquerade: str) -> str:
    accepted = "\n".join(f"{match} accept" for match in lets.splitlines())
    return f"""table ip nat {{
    chain forward {{
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        {accepted}
    }}
    chain out {{
        type nat hook postrouting priority 100;
        oifname nat1 {masquerade}
    }}
    }}
    """


def _run(*command: str, text: str | None = None) -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
