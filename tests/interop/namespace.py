"""A network of the tests' own: a fresh network namespace in which the addresses of a small hospital exist."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

SERVER = "10.77.0.1"
TERMINAL = "10.77.0.2"
OTHER_TERMINAL = "10.77.0.3"
THIRD_TERMINAL = "10.77.0.4"
_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_RESOLVER = Path("/etc/resolv.conf")


class NoNamespace(Exception):
    """This machine does not let us make one; the text says why."""


def enter() -> None:
    """Move this process, and all that it starts from now on, into a namespace with these addresses.

    baresip takes no part in calls over loopback, so the addresses are on a veth pair whose both ends are here.
    """
    if shutil.which("ip") is None:
        raise NoNamespace("the command ip is missing (apt-get install iproute2)")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET | _CLONE_NEWNS) != 0:
        raise NoNamespace(f"unshare: {os.strerror(ctypes.get_errno())} (run as root)")
    _forget_name_servers()
    for command in (
        "link set lo up",
        "link add veth0 type veth peer name veth1",
        f"addr add {SERVER}/24 dev veth0",
        f"addr add {TERMINAL}/24 dev veth0",
        f"addr add {OTHER_TERMINAL}/24 dev veth0",
        f"addr add {THIRD_TERMINAL}/24 dev veth0",
        "link set veth0 up",
        "link set veth1 up",
        "route add default dev veth0",
    ):
        done = subprocess.run(["ip", *command.split()], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoNamespace(f"ip {command}: {done.stderr.strip()}")


def _forget_name_servers() -> None:
    """Nobody here answers for names: who asks for one is told so at once, instead of waiting for seconds."""
    for command in (["mount", "--make-rprivate", "/"], ["mount", "--bind", "/dev/null", str(_RESOLVER)]):
        if _RESOLVER.exists():
            subprocess.run(command, capture_output=True, check=False)
