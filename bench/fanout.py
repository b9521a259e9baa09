"""CPU of one picture for 300 viewers in the net process, beside 300 times protect and one send."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from typing import Any

from bench.net_plane import cpu_s, helper, net_plane
from bench.report import Pair, Result
from mcu.rtp.srtp_session import PROFILES

_MANY, _FEW = 300, 30
_KEPT = 6
"""Viewers whose packets are unprotected and looked at; of the others the datagrams are counted."""
_WARM_UP_S = 2.5
_LEAST_PICTURES = 24.5
_NOTES = (
    "WebRTC viewers on one port, keys of DTLS handshakes, one H.264 rendition of 1.5 Mbit/s (about 6 packets a "
    "picture), no sound; ours: the net process with its checks and reports; baseline: for each picture and viewer "
    "protect and one sendmsg with UDP_SEGMENT, headers made once for all"
)
_GROWTH_NOTES = f"ours: {_MANY} viewers, baseline: {_FEW} viewers, both in the net process"


def run(seconds: float, runs: int) -> Iterator[Result]:
    """Both cases: beside the bare loop, and beside a tenth of the viewers."""
    floor: list[Pair] = []
    growth: list[Pair] = []
    void = ""
    for _ in range(runs):
        many, suite, figures, trouble = asyncio.run(_ours(_MANY, seconds))
        bare, bare_trouble = asyncio.run(_bare(_MANY, seconds, suite))
        few, _, few_figures, few_trouble = asyncio.run(_ours(_FEW, seconds))
        floor.append(Pair(many, bare, figures))
        growth.append(Pair(many, few, few_figures))
        void = void or trouble or bare_trouble or few_trouble
    yield Result("fanout", f"{_MANY} viewers", "CPU-s/s", floor, 1.5, f"{_NOTES}; {suite}", void)
    yield Result("fanout", f"{_MANY} against {_FEW}", "CPU-s/s", growth, 11.0, _GROWTH_NOTES, void)


async def _ours(viewers: int, seconds: float) -> tuple[float, str, dict[str, float], str]:
    async with net_plane() as plane, helper("bench.net_peers") as load:
        fingerprint = (await load.hear())["fingerprint"]
        peers = [await plane.open(leg, fingerprint) for leg in range(1, viewers + 1)]
        load.say(_task([each | {"sends": False} for each in peers], seconds))
        suite = (await load.hear())["suite"]
        for leg in range(1, viewers + 1):
            plane.admit(leg, output=0)
        start = time.monotonic() + 0.2
        load.say({"start": start})
        playing = asyncio.create_task(plane.play(start + _WARM_UP_S + seconds + 0.1, range(0)))
        used = await _used(plane.process.pid, start + _WARM_UP_S, seconds)
        await playing
        report = await load.hear()
    figures = {"load_cpu_s_per_s": report["cpu_s"] / (seconds + _WARM_UP_S), "us_per_packet": _per_packet(used, report)}
    return used / seconds, suite, figures, _trouble(report)


async def _bare(viewers: int, seconds: float, suite: str) -> tuple[float, str]:
    size = PROFILES[suite][1]
    keys = [
        {"suite": suite, "local": secrets.token_hex(size), "remote": secrets.token_hex(size)} for _ in range(viewers)
    ]
    async with helper("bench.bare_fanout") as bare, helper("bench.net_peers") as load:
        await load.hear()
        load.say(_task([{"address": "127.0.0.1", "port": 0, "keys": each, "sends": False} for each in keys], seconds))
        addresses = (await load.hear())["addresses"]
        viewing = [
            {"address": address, "suite": suite, "local": each["remote"]}
            for address, each in zip(addresses, keys, strict=True)
        ]
        bare.say({"viewers": viewing})
        await bare.hear()
        start = time.monotonic() + 0.2
        load.say({"start": start})
        bare.say({"start": start})
        used = await _used(bare.pid, start + _WARM_UP_S, seconds)
        report = await load.hear()
    return used / seconds, _trouble(report)


def _task(peers: list[dict[str, object]], seconds: float) -> dict[str, object]:
    return {"peers": peers, "seconds": seconds, "warm_up": _WARM_UP_S, "kept": _KEPT}


async def _used(pid: int, began: float, seconds: float) -> float:
    await asyncio.sleep(began - time.monotonic())
    before = cpu_s(pid)
    await asyncio.sleep(began + seconds - time.monotonic())
    return cpu_s(pid) - before


def _per_packet(used: float, report: dict[str, Any]) -> float:
    packets: float = report["came"] / _KEPT * len(report["counts"])
    return used * 1e6 / max(1.0, packets)


def _trouble(report: dict[str, Any]) -> str:
    """Why a run is void."""
    for look in report["looks"]:
        if look["bad"] or look["missing"]:
            return f"{look['bad']} packets did not authenticate, {look['missing']} were lost"
        if look["pictures_per_s"] < _LEAST_PICTURES:
            return f"{look['pictures_per_s']:.1f} pictures/s"
    fewest, most = min(report["counts"]), max(report["counts"])
    return "" if fewest > 0.98 * most else f"a viewer got {fewest} packets, another {most}"
