"""What processes hold on to (memory, descriptors, sockets, threads, tasks), and whether that grew."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_GROWTH = 1.05
"""Resident memory at the end, over that after the warm-up."""
_GRACE_KIB = 1024
"""A process of few MiB has allocators whose steps are larger than 5 %."""
_COUNTED = ("descriptors", "sockets", "threads", "tasks")


@dataclass(frozen=True, slots=True)
class Held:
    """What one process holds at one moment."""

    rss_kib: int
    descriptors: int
    sockets: int
    threads: int
    tasks: int = 0
    """Of asyncio; only known of the process that asks."""


def held_by(pid: int, tasks: int = 0) -> Held:
    """Read from /proc. Raises OSError for a process that is gone."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    links = []
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{entry}"))
        except FileNotFoundError:  # the one that listed the folder
            continue
    sockets = sum(link.startswith("socket:") for link in links)
    return Held(int(status["VmRSS"].split()[0]), len(links), sockets, int(status["Threads"]), tasks)


def grown(name: str, before: Held, after: Held) -> list[str]:
    """What of a process grew between two moments at which the same calls stood; empty where nothing did."""
    found = [
        f"{name}: {counted} {getattr(before, counted)} -> {getattr(after, counted)}"
        for counted in _COUNTED
        if getattr(after, counted) > getattr(before, counted)
    ]
    if after.rss_kib > max(before.rss_kib * MAX_GROWTH, before.rss_kib + _GRACE_KIB):
        found.append(f"{name}: memory {before.rss_kib} -> {after.rss_kib} KiB")
    return found


def slope_kib(samples: Sequence[tuple[float, int]]) -> float:
    """KiB a unit of x: the straight line through (x, KiB) with the least squares; 0 for fewer than three."""
    if len(samples) < 3:
        return 0.0
    return statistics.linear_regression([x for x, _ in samples], [kib for _, kib in samples]).slope


def table(rows: Mapping[str, Mapping[str, Held]]) -> str:
    """Markdown: one row a moment, one group of figures a process."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    head = "| at | " + " | ".join(f"{name}: MiB / fds / threads" for name in names) + " |"
    lines = [head, "|---" * (len(names) + 1) + "|"]
    for moment, row in rows.items():
        cells = [
            f"{held.rss_kib / 1024:.1f} / {held.descriptors} / {held.threads}" if (held := row.get(name)) else "-"
            for name in names
        ]
        lines.append(f"| {moment} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
