"""REGISTER with digest, and calls with SDP, a CPU-second of our SIP process beside Kamailio's stateful core (tm)."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.kamailio import STOCK_WORKERS, configuration
from bench.report import Pair, Result
from bench.sip_load import CALL, REGISTER, users
from bench.sip_server import READY

_GATE = 3.0
_OURS, _THEIRS = 15_360, 15_370
_PER_S = {"call": 400, "register": 600}
_MOST = 4000
_LEAST_SERVED = 0.95
_NOTES = (
    "cost of one call (INVITE, 200 with SDP, ACK, BYE, 200) or one registration (REGISTER, 401, REGISTER with MD5 "
    "digest, 200: both requests as one); load by sipp over loopback UDP. Both check qop=auth with nonce counts "
    "of one source and hand the binding to a database within 2 s (ours SQLite on disk, Kamailio db_text in memory). "
    f"Ours keeps dialogs and session timers and negotiates SDP; Kamailio (tm, {STOCK_WORKERS} workers as Debian ships "
    "it) only looks for PCMA in the offer and answers with a fixed text. Ours is user agent and registrar without "
    "rooms and media; terminals that refresh their contact leave no line of audit. ratio is also theirs over ours, in "
    "calls a CPU-second"
)


@dataclass(frozen=True)
class _Measured:
    cpu_s: float
    served: int
    wanted: int

    @property
    def cost_ms(self) -> float:
        return self.cpu_s * 1000 / max(1, self.served)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """Registrations, then calls; ours and Kamailio one after the other, `runs` times."""
    missing = [program for program in ("kamailio", "sipp") if shutil.which(program) is None]
    for case, scenario in (("register", REGISTER), ("call", CALL)):
        if missing:
            yield Result("sip", case, "CPU-ms", [], _GATE, _NOTES, f"missing: {', '.join(missing)}")
            continue
        count = min(_MOST, int(_PER_S[case] * seconds))
        with tempfile.TemporaryDirectory() as name:
            yield _case(Path(name), case, scenario, count, runs)


def _case(folder: Path, case: str, scenario: str, count: int, runs: int) -> Result:
    pairs, void = [], ""
    for number in range(runs):
        ours = _measured(folder / f"ours-{number}", _our_server, _OURS, case, scenario, count)
        theirs = _measured(folder / f"theirs-{number}", _kamailio, _THEIRS, case, scenario, count)
        alone = _measured(folder / f"alone-{number}", partial(_kamailio, workers=1), _THEIRS, case, scenario, count)
        figures = {
            "ours_per_cpu_s": 1000 / ours.cost_ms, "kamailio_per_cpu_s": 1000 / theirs.cost_ms,
            "kamailio_with_one_worker_per_cpu_s": 1000 / alone.cost_ms,
        }  # fmt: skip
        pairs.append(Pair(ours.cost_ms, theirs.cost_ms, figures))
        for name, one in (("ours", ours), ("kamailio", theirs), ("kamailio with one worker", alone)):
            if one.served < _LEAST_SERVED * one.wanted:
                void = void or f"{name} served {one.served} of {one.wanted}"
    return Result("sip", case, "CPU-ms", pairs, _GATE, _NOTES, void)


def _measured(
    folder: Path, server: Callable[[Path, int], contextlib.AbstractContextManager[int]], port: int, case: str,
    scenario: str, count: int,
) -> _Measured:  # fmt: skip
    folder.mkdir()
    with server(folder, port) as pid:
        _load(folder, port, case, scenario, count // 10)  # whatever is made at first use is made now
        before = _cpu_s(pid)
        served = _load(folder, port, case, scenario, count)
        return _Measured(_cpu_s(pid) - before, served, count)


def _load(folder: Path, port: int, case: str, scenario: str, count: int) -> int:
    """How many came to their end."""
    file, inject, statistics = folder / "scenario.xml", folder / "users.csv", folder / "statistics.csv"
    file.write_text(scenario)
    inject.write_text(users())
    statistics.unlink(missing_ok=True)
    subprocess.run(
        ["sipp", f"127.0.0.1:{port}", "-sf", str(file), "-inf", str(inject), "-i", "127.0.0.1", "-r",
         str(_PER_S[case]), "-m", str(count), "-nostdin", "-trace_stat", "-stf", str(statistics), "-fd", "3600",
         "-timeout", str(int(count / _PER_S[case]) + 20), "-recv_timeout", "8000"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, cwd=folder,
    )  # fmt: skip
    rows = [line.split(";") for line in statistics.read_text().splitlines()]
    return int(rows[-1][rows[0].index("SuccessfulCall(C)")])


@contextlib.contextmanager
def _our_server(folder: Path, port: int) -> Iterator[int]:
    command = [sys.executable, "-m", "bench.sip_server", str(folder / "data"), str(port)]
    (folder / "data").mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    with _ending(process):
        if process.stdout.readline().strip() != READY.encode():
            raise RuntimeError((folder / "log").read_text()[-2000:])
        yield process.pid


@contextlib.contextmanager
def _kamailio(folder: Path, port: int, workers: int = STOCK_WORKERS) -> Iterator[int]:
    file = folder / "kamailio.cfg"
    file.write_text(configuration(port, folder, workers))
    command = ["kamailio", "-f", str(file), "-DD", "-E", "-m", "64", "-M", "8", "-Y", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    with _ending(process):
        for _ in range(100):
            if process.poll() is not None:
                raise RuntimeError((folder / "log").read_text()[-2000:])
            if _answers(port):
                break
            time.sleep(0.1)
        yield process.pid


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    request = (
        f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport\r\n"
        "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.3)
        probe.sendto(request.encode(), ("127.0.0.1", port))
        with contextlib.suppress(OSError):
            return probe.recv(4096).startswith(b"SIP/2.0")
    return False


def _cpu_s(pid: int) -> float:
    """Of a process and its children, which live on."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(_cpu_s(int(child)) for child in children)
