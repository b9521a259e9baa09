"""How many cores a process keeps busy, as it tells with its statistics."""

from __future__ import annotations

import time


class CpuMeter:
    """CPU time, user and system, of all threads of this process since the last question."""

    def __init__(self) -> None:
        self._cpu_s = time.process_time()
        self._at_s = time.monotonic()

    def cores(self) -> float:
        """Mean over the time since the last question; 0 right after it."""
        cpu_s, at_s = time.process_time(), time.monotonic()
        elapsed_s = at_s - self._at_s
        used_s, self._cpu_s, self._at_s = cpu_s - self._cpu_s, cpu_s, at_s
        return round(used_s / elapsed_s, 4) if elapsed_s > 0 else 0.0
