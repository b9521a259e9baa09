"""1000 REGISTER a second with digest, audit and database into the whole server: how late its event loop gets.

Ours is the 99th percentile of the lag under this load, the baseline the same of the same server doing nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench.report import Pair, Result

_HTTP_PORT, _SIP_PORT, _WEBRTC_PORT = 18_081, 15_160, 41_100
RATE = 1000
TERMINALS = 2000
SECRET = "bench-secret-of-all"
REALM = "drumtower"
_GATE_MS = 10.0
_LEAST_SHARE = 0.98
_LOAD_MARGIN_S = 4.0
WARM_UP_S = 8.0
"""In which every terminal registers once."""
_SETTINGS = f"""[server]
data = "{{folder}}/data"
http_port = {_HTTP_PORT}
[sip]
port = {_SIP_PORT}
realm = "{REALM}"
unlimited_networks = ["127.0.0.0/8"]
[h323]
enabled = false
[registrar]
max_contacts_per_source = 20000
[net]
webrtc_port = {_WEBRTC_PORT}
[secrets]
master_key_file = "{{folder}}/master.key"
"""
_CASES = {"kept": "nonces used again", "challenged": "each one challenged, 2 requests"}
_NOTES = (
    f"{RATE} REGISTER/s of {TERMINALS} terminals over UDP, SHA-256, each from another address than before, so that "
    "each is a line of audit and a row of SQLite; lag of the control process's loop in ms, sampled every 20 ms over "
    "10 s; gate on ours"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """With nonces that are used again, and with a challenge each time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = folder / "drumtower.toml"
        settings.write_text(_SETTINGS.format(folder=folder))
        environment = dict(os.environ, DRUMTOWER_CONFIG=str(settings))
        subprocess.run([sys.executable, "-m", "bench.register_load", "prepare"], env=environment, check=True)
        for case, title in _CASES.items():
            pairs: list[Pair] = []
            void = ""
            for _ in range(runs):
                pair, trouble = _measure(folder, environment, case, max(seconds, 12.0))
                pairs.append(pair)
                void = void or trouble
            yield Result("register", f"{RATE} REGISTER/s, {title}", "ms", pairs, _GATE_MS, _NOTES, void, "ours")


def _measure(folder: Path, environment: dict[str, str], case: str, seconds: float) -> tuple[Pair, str]:
    with _server(folder, environment) as server:
        time.sleep(12.0)
        idle_ms = _metric("loop_lag_p99_seconds") * 1000
        load = subprocess.Popen(
            [sys.executable, "-m", "bench.register_load", "run", str(seconds + _LOAD_MARGIN_S), case],
            env=environment, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            time.sleep(WARM_UP_S + _LOAD_MARGIN_S / 2)
            before, began, spent = _cpu(server.pid), time.monotonic(), _lines(folder)
            time.sleep(seconds)
            lag_ms = _metric("loop_lag_p99_seconds") * 1000
            elapsed = time.monotonic() - began
            cpu, audited = (_cpu(server.pid) - before) / elapsed, (_lines(folder) - spent) / elapsed
            not_written = _metric("registrar_total", '{event="not-written"}')
            report = json.loads(load.communicate(timeout=60)[0])
        finally:
            if load.poll() is None:
                load.kill()
                load.wait()
    rate = report["registered"] / report["seconds"]
    figures = {
        "registers_per_s": rate, "requests_per_s": report["requests"] / report["seconds"],
        "control_cpu": cpu, "audit_lines_per_s": audited,
        "answer_p99_ms": report["answer_p99_ms"], "repeated": report["repeated"], "unanswered": report["unanswered"],
        "not_written": not_written,
    }  # fmt: skip
    trouble = f"only {rate:.0f} REGISTER/s were answered with 200" if rate < _LEAST_SHARE * RATE else ""
    return Pair(lag_ms, max(idle_ms, 0.01), figures), trouble


@contextlib.contextmanager
def _server(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-m", "drumtower", "serve"], env=environment, stdout=log, stderr=log)
    try:
        for _ in range(150):
            if server.poll() is not None:
                raise RuntimeError(f"the server ended with status {server.returncode}")
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{_HTTP_PORT}/healthz", timeout=1).close()
                break
            time.sleep(0.2)
        yield server
    finally:
        server.terminate()
        server.wait(20)


def _metric(name: str, labels: str = "") -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{_HTTP_PORT}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = [line for line in lines if line.startswith(f"drumtower_{name}{labels} ")]
    return float(found[0].rsplit(" ", 1)[1])


def _lines(folder: Path) -> int:
    with (folder / "log").open("rb") as log:
        return sum(1 for line in log if b" audit.sip: " in line)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
