"""The same targets under atheris (libFuzzer), which looks for inputs that reach further into the code."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import atheris

from tests.fuzz.target import MAX_INPUT_BYTES, TARGETS, Target, keep


def search(name: str, seconds: float, seed: int) -> int:
    """Look for `seconds`; libFuzzer ends the process, with a status when an input failed."""
    with atheris.instrument_imports(include=["auth8021x", "mcu", "signaling"]):
        from tests.fuzz import targets  # noqa: F401 - registers them
    found = TARGETS[name]
    directory = Path(tempfile.mkdtemp(prefix="drumtower-fuzz-"))
    for title, data in found.corpus().items():
        (directory / title).write_bytes(data)
    options = [f"-max_total_time={int(seconds) or 1}", f"-seed={seed}", f"-max_len={MAX_INPUT_BYTES}", "-timeout=10"]
    options += ["-rss_limit_mb=1500", f"-artifact_prefix={directory}/failed-", "-verbosity=0", "-print_final_stats=0"]
    atheris.Setup([sys.argv[0], *options, str(directory)], _once(found))
    atheris.Fuzz()
    return 0


def _once(found: Target) -> Callable[[bytes], None]:
    worst = 0.0
    began = time.monotonic()

    def once(data: bytes) -> None:
        nonlocal worst
        try:
            spent = found.feed(data)
        except Exception:
            print(f"{found.name}: kept as {keep(found.name, 'raises-found', data)}", flush=True)
            raise
        if spent > worst and time.monotonic() - began > 1:
            worst = spent
            print(f"{found.name}: {spent * 1e6:.0f} us for {len(data)} bytes", flush=True)

    return once
