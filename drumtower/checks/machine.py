"""The machine: disk, clock, fonts, and whether decoders can be locked in."""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from config.settings import Settings
from drumtower.checks.finding import Finding, fail, ok, warn

_GIB = 1 << 30
# One hour of a 1280x720 recording at about 2 Mbit/s.
_BYTES_PER_HOUR = 900_000_000
_FEW_HOURS = 10
# sys/timex.h; struct timex is smaller than this on every Linux.
_TIMEX_BYTES = 512
_TIME_ERROR = 5
_RESOLUTION_S = 1e-4


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Data and recordings have a directory that can be written, and room."""
    for what, path in (("data", settings.data), ("recordings", settings.recordings)):
        directory = _nearest(path)
        if not _can_write(directory):
            yield fail("disk", f"{what}: {directory} cannot be written", f"chown it to the server's user: {path}")
            continue
        free = shutil.disk_usage(directory).free
        hours = max(0, free - settings.recording.min_free_bytes) / _BYTES_PER_HOUR
        text = f"{what}: {free / _GIB:.1f} GiB free in {path}, about {hours:.0f} hours of recording"
        if free < settings.recording.min_free_bytes:
            yield fail("disk", text, "free some space or set [recording] directory to another disk")
        elif hours < _FEW_HOURS:
            yield warn("disk", text, "free some space or set [recording] directory to another disk")
        else:
            yield ok("disk", text)


def check_clock(_settings: Settings) -> Iterator[Finding]:
    """A fine monotonic clock, and a wall clock that somebody keeps right."""
    clock = time.get_clock_info("monotonic")
    if clock.monotonic and clock.resolution <= _RESOLUTION_S:
        yield ok("clock", f"monotonic, resolution {clock.resolution * 1e9:.0f} ns")
    else:
        yield fail("clock", f"monotonic clock too coarse: {clock.resolution} s", "run on a Linux with high-res timers")
    state = _clock_state()
    if state is None:
        yield warn("clock", "cannot tell whether the wall clock is kept right", "make sure that NTP runs on the host")
    elif state == _TIME_ERROR:
        yield warn(
            "clock", "the wall clock is not synchronised: times of recordings may be wrong",
            "apt install chrony (in a container: on the host)",
        )  # fmt: skip
    else:
        yield ok("clock", "the wall clock is synchronised")


def check_fonts(_settings: Settings) -> Iterator[Finding]:
    """Name labels can show Chinese."""
    from mcu.video.fonts import Fonts

    fonts = Fonts()
    if fonts.has_chinese:
        yield ok("fonts", f"labels use {fonts.path}")
    else:
        yield warn("fonts", "no Chinese font: names in Chinese show as boxes", "apt install fonts-noto-cjk")


def check_confinement(_settings: Settings) -> Iterator[Finding]:
    """Decoders lose files and network, tried in a process of its own."""
    program = "import json; from mcu.worker.sandbox import confine; print(json.dumps(confine()), flush=True)"
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=20, check=False)
        missing = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        missing = ["everything"]
    if missing:
        yield warn(
            "confinement", f"decoders run with less protection, missing: {', '.join(missing)}",
            "use a kernel with seccomp; in a container allow seccomp and no-new-privileges",
        )  # fmt: skip
    else:
        yield ok("confinement", "decoders run without files, network and new privileges")


def _nearest(path: Path) -> Path:
    """The directory itself, or the one in which it will be made."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _can_write(directory: Path) -> bool:
    probe = directory / f".drumtower-doctor-{time.monotonic_ns()}"
    try:
        probe.touch(mode=0o600, exist_ok=False)
        probe.unlink()
    except OSError:
        return False
    return True


def _clock_state() -> int | None:
    """What the kernel says of its clock (adjtimex(2)); None where it says nothing."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    # modes = 0: only look.
    state = int(adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return state if state >= 0 else None
