"""H.323: what a call costs its called end, and what H.235.6 costs a packet beside the bare cipher."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bench import cpu
from bench.h323_ends import LINES
from bench.report import Pair, Result
from mcu.media import H235Keys
from mcu.rtp import packet as rtp
from mcu.rtp.h235_pair import H235Pair

_GATE = 1.5
_SIZES = (160, 1200)
_PACKETS = 500
_BLOCK = 16
_LEAST_SHARE_S = 0.25
_WARM_UP_S = 1.0
_HEADER_BYTES = 12
_CALLS = {"1024": "DH 1024, AES-128: what terminals speak", "4096": "DH 4096, AES-256"}
_CALL_NOTES = (
    f"CPU of the called end for one call over TCP on loopback, {LINES} calls at a time: Setup to ReleaseComplete with "
    "H.245 in the tunnel, Setup and Connect signed by H.235.1, half keys, capabilities, master and slave, sound and "
    "picture opened in both directions with session keys of H.235.6, and closed; no media, no rooms. The caller is "
    "another process, which runs the same code; there is no other H.323 server to compare with"
)
_PACKET_NOTES = (
    "CPU of one RTP packet through H235Pair (payload type looked up, header read, initial vector made, payload "
    "en- or decrypted, packet put together); baseline: one AES-128-CBC context of `cryptography` with the vector of "
    "the packet, and its update, alone. running_context: update alone of a context that is made once"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """Packets of sound and of pictures, both ways; then calls."""
    for size in _SIZES:
        for way in ("out", "in"):
            pairs = [_packet_pair(size, way, max(seconds / 40, _LEAST_SHARE_S)) for _ in range(runs)]
            yield Result("h323", f"H.235.6, {size} bytes {way}", "us/packet", pairs, _GATE, _PACKET_NOTES)
    for group, title in _CALLS.items():
        yield _calls(group, title, seconds, runs)


# ---- packets


def _packet_pair(size: int, way: str, seconds: float) -> Pair:
    """Ours, a context a packet and a running one in turns, a few hundred packets each time."""
    key = secrets.token_bytes(_BLOCK)
    pair = H235Pair(H235Keys(key, ((98, key),)))
    packets = [rtp.header(98, False, number, 160 * number, 7) + secrets.token_bytes(size) for number in range(_PACKETS)]
    ours = pair.protect
    if way == "in":
        packets = [protected for packet in packets if (protected := pair.protect(packet)) is not None]
        ours = pair.unprotect
    works = {
        "ours": lambda: [ours(packet) for packet in packets],
        "baseline": _fresh(key, packets, way),
        "running": _running(key, packets, way),
    }
    spent = dict.fromkeys(works, 0.0)
    rounds, began = 0, time.process_time()
    while rounds < 2 or time.process_time() - began < seconds:
        for name, work in works.items():
            before = time.process_time()
            work()
            spent[name] += time.process_time() - before
        rounds += 1
    cost_us = {name: used * 1e6 / (rounds * len(packets)) for name, used in spent.items()}
    return Pair(cost_us["ours"], cost_us["baseline"], {"running_context": cost_us["running"]})


def _fresh(key: bytes, packets: list[bytes], way: str) -> Callable[[], object]:
    """The plain way: a context for every packet. Payloads and vectors are at hand."""
    algorithm = algorithms.AES(key)
    prepared = [((packet[2:8] * 3)[:_BLOCK], packet[_HEADER_BYTES:]) for packet in packets]
    if way == "in":
        return lambda: [
            Cipher(algorithm, modes.CBC(vector)).decryptor().update(payload) for vector, payload in prepared
        ]
    return lambda: [Cipher(algorithm, modes.CBC(vector)).encryptor().update(payload) for vector, payload in prepared]


def _running(key: bytes, packets: list[bytes], way: str) -> Callable[[], object]:
    """Less than can be had: every packet has a vector of its own."""
    cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(_BLOCK)))
    update = (cipher.decryptor() if way == "in" else cipher.encryptor()).update
    payloads = [packet[_HEADER_BYTES:] for packet in packets]
    return lambda: [update(payload) for payload in payloads]


# ---- calls


def _calls(group: str, title: str, seconds: float, runs: int) -> Result:
    pairs: list[Pair] = []
    void = ""
    with _called_end(group) as (pid, port):
        _call(group, port, _WARM_UP_S)
        for _ in range(runs):
            before = cpu.of([pid])
            report = _call(group, port, seconds)
            cost_s = cpu.of([pid]) - before
            count = max(1.0, report["stood"])
            figures = {
                "calls_per_cpu_s": count / max(cost_s, 1e-9), "calls_per_s": count / report["elapsed_s"],
                "caller_cpu_ms": report["cpu_s"] * 1000 / count,
            }  # fmt: skip
            pairs.append(Pair(cost_s * 1000 / count, figures=figures))
            if report["failed"] or not report["stood"]:
                void = void or f"{report['failed']:.0f} calls failed, {report['stood']:.0f} stood"
    return Result("h323", f"calls, {title}", "CPU-ms", pairs, None, _CALL_NOTES, void)


def _call(group: str, port: int, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.h323_ends", "call", group, str(port), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    report: dict[str, float] = json.loads(done.stdout)
    return report


@contextlib.contextmanager
def _called_end(group: str) -> Iterator[tuple[int, int]]:
    command = [sys.executable, "-m", "bench.h323_ends", "answer", group]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.pid, int(process.stdout.readline())
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
