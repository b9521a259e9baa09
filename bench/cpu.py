"""CPU time, user and system: of process trees while they run (/proc), of a command that ends (wait4)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def of(pids: Iterable[int]) -> float:
    """CPU seconds that these processes and their children that ended have used; processes that are gone count 0."""
    return sum(map(_cpu_s, pids))


def tree(pid: int) -> list[int]:
    """A process and all its descendants that live."""
    children: list[str] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children += file.read_text().split()
    return [pid, *(descendant for child in children for descendant in tree(int(child)))]


def role(pid: int) -> str:
    """What a process of our server does: net, video, audio, recorder, or control for the one that started them."""
    command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    module = next((word for word in command if word.endswith(".process")), "control")
    return module.removesuffix(".process").removeprefix("mcu.")


class Watch:
    """What groups of processes use from now on."""

    def __init__(self, groups: Mapping[str, Iterable[int]]) -> None:
        self._pids = {name: list(pids) for name, pids in groups.items()}
        self._before = {name: of(pids) for name, pids in self._pids.items()}
        self._began = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._began

    def used(self) -> dict[str, float]:
        """CPU seconds per second of each group."""
        elapsed_s = self.elapsed_s
        return {name: (of(pids) - self._before[name]) / elapsed_s for name, pids in self._pids.items()}


def cost(command: Sequence[str], stdin: bytes = b"", stdout: int | None = None) -> float:
    """Run a command to its end; the CPU seconds of it and its children. Raises CalledProcessError."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, stdout=stdout)
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(stdin)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS_PER_S
