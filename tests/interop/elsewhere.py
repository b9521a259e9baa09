"""A place in another network: a namespace of its own behind a veth pair, whose address can change."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from tests.interop.browser import CHROMIUM

ROUTER = "10.78.0.1"


class Elsewhere:
    """Programs started by `wrapped()` live there; their address is what `move()` made it."""

    def __init__(self, address: str) -> None:
        """Make the place in the namespace of this process; `address` is one of 10.78.0.0/24."""
        # It ends with its input, and so with us.
        self._holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.address = ""
        self._wait_until_apart()
        for command in (
            f"link add far0 type veth peer name far1 netns {self._holder.pid}",
            f"addr add {ROUTER}/24 dev far0",
            "link set far0 addrgenmode none",
            "link set far0 up",
        ):
            _ip(command)
        self._there("link set lo up")
        # A link-local address that comes up seconds later is a change of network to Chromium: it gives up loading.
        self._there("link set far1 addrgenmode none")
        self._there("link set far1 up")
        self.move(address)

    def move(self, address: str) -> None:
        """Take the address away and give another one, as a laptop that changes its network."""
        if self.address:
            self._there(f"addr del {self.address}/24 dev far1")
        self.address = address
        self._there(f"addr add {address}/24 dev far1")
        self._there(f"route add default via {ROUTER}")

    def wrapped(self, folder: Path) -> str:
        """A program that starts Chromium there."""
        script = folder / "chromium-elsewhere"
        script.write_text(f'#!/bin/sh\nexec nsenter --target {self._holder.pid} --net {CHROMIUM} "$@"\n')
        script.chmod(0o755)
        return str(script)

    def close(self) -> None:
        """Take the place down, and the pair, which would otherwise go some time after it."""
        _ip("link del far0")
        self._holder.communicate()

    def _wait_until_apart(self) -> None:
        ours = os.readlink("/proc/self/ns/net")
        for _ in range(500):
            if os.readlink(f"/proc/{self._holder.pid}/ns/net") != ours:
                return
            time.sleep(0.01)
        raise AssertionError("no second namespace")

    def _there(self, command: str) -> None:
        _ip(command, "nsenter", "--target", str(self._holder.pid), "--net")


def _ip(command: str, *before: str) -> None:
    done = subprocess.run([*before, "ip", *command.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {command}: {done.stderr}"
