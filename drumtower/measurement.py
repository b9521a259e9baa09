"""The self-test of this machine and its result, kept beside the data so that only the first start needs to measure."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.metadata
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from config.settings import Settings
from mcu.capacity import Capacity, Costs, Limits

logger = logging.getLogger(__name__)
FILE = "capacity.json"
_COMMAND = (sys.executable, "-m", "mcu.self_test")
_PATIENCE_S = 120.0
_MAX_BYTES = 1 << 16
_LIBRARIES = ("av", "numpy", "pylibsrtp")
_CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


class Machine(msgspec.Struct, frozen=True):
    """What the figures hold for; where any of it differs they are measured again."""

    processor: str
    cores: float
    version: str
    """Of our own code that is measured, and of the libraries."""
    settings: str
    """Of the codecs."""


class Measurement(msgspec.Struct, frozen=True):
    """What is kept."""

    machine: Machine
    costs: Costs


class NotMeasured(Exception):
    """The self-test did not work."""


def capacity_of(settings: Settings, costs: Costs) -> Capacity:
    """What the settings make of the figures."""
    own = settings.capacity
    capacity = Capacity(costs, cores(), Limits(own.full_load, own.small_load, own.sound_load))
    return capacity.with_participants(own.participants) if own.participants else capacity


def kept(settings: Settings) -> Costs | None:
    """What was measured before on this machine; None where there is nothing, or something else."""
    try:
        data = (settings.data / FILE).read_bytes()[:_MAX_BYTES]
        measurement = msgspec.json.decode(data, type=Measurement)
    except (OSError, msgspec.DecodeError):
        return None
    return measurement.costs if measurement.machine == machine(settings) else None


def keep(settings: Settings, costs: Costs) -> None:
    """For the next start; where that cannot be written it is measured again then."""
    data = msgspec.json.format(msgspec.json.encode(Measurement(machine(settings), costs)))
    try:
        with tempfile.NamedTemporaryFile(dir=settings.data, prefix=FILE, delete=False) as file:
            file.write(data)
        Path(file.name).replace(settings.data / FILE)
    except OSError as error:
        logger.warning("what was measured cannot be kept: %s", error)


def measure(settings: Settings) -> Costs:
    """Run the self-test in a process of its own and wait for it. Raises NotMeasured."""
    try:
        done = subprocess.run(_COMMAND, input=_tables(settings), capture_output=True, timeout=_PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotMeasured(str(error)) from error
    return _costs(done.stdout)


async def measure_beside(settings: Settings) -> Costs:
    """The same, while calls are served. Raises NotMeasured."""
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(*_COMMAND, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise NotMeasured(str(error)) from error
    try:
        async with asyncio.timeout(_PATIENCE_S):
            said, trouble = await process.communicate(_tables(settings))
    except TimeoutError:
        raise NotMeasured("the self-test does not end") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        raise NotMeasured(trouble.decode(errors="replace").strip().rpartition("\n")[2][:200])
    return _costs(said)


def cores() -> float:
    """Of this machine that we may use: by affinity, and by the limit of a container."""
    allowed = float(len(os.sched_getaffinity(0)))
    try:
        quota, period = _CGROUP_LIMIT.read_text().split()
        return min(allowed, int(quota) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return allowed


def machine(settings: Settings) -> Machine:
    """The one that we run on, as it is now."""
    libraries = (f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
    tables = hashlib.sha256(_tables(settings)).hexdigest()[:16]
    return Machine(_processor(), cores(), ", ".join((_own_version(), *libraries)), tables)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "?"
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(found, "?")


def _own_version() -> str:
    """Of the files that decide over the figures, so that a check-out needs no release to measure again."""
    folder = Path(__file__).parents[1] / "mcu"
    names = ("self_test.py", "video/encoder.py", "video/decoder.py", "video/compositor.py", "audio/opus.py")
    digest = hashlib.sha256()
    for name in names:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]


def _tables(settings: Settings) -> bytes:
    return msgspec.json.encode({"video": settings.video, "audio": settings.audio})


def _costs(said: bytes) -> Costs:
    try:
        return msgspec.json.decode(said, type=Costs)
    except msgspec.DecodeError as error:
        raise NotMeasured(str(error)) from error
