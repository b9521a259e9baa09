"""CPU a packet of the net process, 12 browsers both ways, beside a bare loop over the same packets."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from typing import Any

from bench.net_plane import Helper, NetPlane, cpu_s, helper, net_plane
from bench.report import Pair, Result
from mcu.media import Kind, stream_id
from mcu.rtp.srtp_session import PROFILES

_PARTICIPANTS = 12
_TALKERS = 4
_WARM_UP_S = 2.0
_STOCK_WARM_UP_S = 6.0
_LEAST_PICTURES, _LEAST_SOUNDS = 24.5, 49.5
_NOTES = (
    "12 WebRTC legs on one port, H.264 1.5 Mbit/s (about 6 packets a picture) and Opus 32 kbit/s each way, keys of "
    "DTLS handshakes; ours: the net process; baseline: one recvfrom, unprotect, protect, sendto a packet, same packets "
    "at the same times; a packet is one received or one sent"
)
_REFUSED = ("srtp-auth", "srtp-replay")
_HOSTILE_NOTES = (
    "as above, and each packet comes three times: forged (its tag is wrong), right, and replayed 15 ms later; all "
    "pictures and sounds have to get through; no baseline, since the bare loop ends at the first forgery"
)
_STOCK_NOTES = (
    f"{_PARTICIPANTS} RTCPeerConnections of aiortc in one process, far ends in another, the same pictures and sound "
    "each way, nothing encoded or decoded; baseline: the bare loop of the same run"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """Ours and the bare loop in turns, and stock aiortc once, to be compared with."""
    pairs: list[Pair] = []
    void = ""
    for _ in range(runs):
        pair, trouble = asyncio.run(_pair(seconds))
        pairs.append(pair)
        void = void or trouble
    hostile, _, figures, trouble = asyncio.run(_ours(seconds, is_hostile=True))
    yield Result("transport", "replays and forgeries", "us/packet", [Pair(hostile, figures=figures)], None,
                 _HOSTILE_NOTES, trouble)  # fmt: skip
    stock, trouble = asyncio.run(_stock(seconds))
    yield Result("transport", f"{_PARTICIPANTS} participants", "us/packet", pairs, 4.0, _NOTES, void)
    floor = sorted(pair.baseline or 0.0 for pair in pairs)[len(pairs) // 2]
    yield Result("transport", "stock aiortc", "us/packet", [Pair(stock, floor)], None, _STOCK_NOTES, trouble)


async def _pair(seconds: float) -> tuple[Pair, str]:
    ours, suite, figures, trouble = await _ours(seconds)
    baseline, bare_trouble = await _bare(seconds, suite)
    return Pair(ours, baseline, figures), trouble or bare_trouble


async def _ours(seconds: float, *, is_hostile: bool = False) -> tuple[float, str, dict[str, float], str]:
    async with net_plane() as plane, helper("bench.net_peers") as load:
        fingerprint = (await load.hear())["fingerprint"]
        peers = [await plane.open(leg, fingerprint) for leg in range(1, _PARTICIPANTS + 1)]
        ready = await _prepare(load, [each | {"sends": True, "is_hostile": is_hostile} for each in peers], seconds)
        for leg in range(1, _PARTICIPANTS + 1):
            plane.admit(leg, output=leg if leg <= _TALKERS else _TALKERS + 1)
        start = time.monotonic() + 0.2
        load.say({"start": start})
        playing = asyncio.create_task(plane.play(start + _WARM_UP_S + seconds + 0.1, range(1, _TALKERS + 2)))
        used, seen = await _measure(plane, start + _WARM_UP_S, seconds)
        await playing
        report = await load.hear()
        await asyncio.sleep(1.1)  # until the process has told its counters once more
        counters = plane.statistics.counters
    packets = report["sent"] + report["came"]
    figures = {"load_cpu_s_per_s": report["cpu_s"] / (seconds + _WARM_UP_S), "packets_per_s": packets / seconds}
    trouble = _trouble(report) or _unseen(seen, seconds)
    if is_hostile:
        figures |= {name: float(counters.get(name, 0)) for name in _REFUSED}
        trouble = trouble or ("" if all(figures[name] for name in _REFUSED) else "nothing was refused")
    return used * 1e6 / packets, ready["suite"], figures, trouble


async def _prepare(load: Helper, peers: list[dict[str, object]], seconds: float) -> Any:
    load.say({"peers": peers, "seconds": seconds, "warm_up": _WARM_UP_S, "kept": len(peers)})
    return await load.hear()


async def _measure(plane: NetPlane, began: float, seconds: float) -> tuple[float, dict[int, int]]:
    """CPU seconds of the net process, and the frames of each source that it has handed on meanwhile."""
    await asyncio.sleep(began - time.monotonic())
    before, used = dict(plane.sources), cpu_s(plane.process.pid)
    await asyncio.sleep(began + seconds - time.monotonic())
    used = cpu_s(plane.process.pid) - used
    return used, {stream: count - before.get(stream, 0) for stream, count in plane.sources.items()}


async def _bare(seconds: float, suite: str) -> tuple[float, str]:
    size = PROFILES[suite][1]
    keys = [{"suite": suite, "local": secrets.token_hex(size), "remote": secrets.token_hex(size)}
            for _ in range(_PARTICIPANTS)]  # fmt: skip
    async with helper("bench.bare_loop") as bare, helper("bench.net_peers") as load:
        port = (await bare.hear())["port"]
        await load.hear()
        peers = [{"address": "127.0.0.1", "port": port, "keys": each, "sends": True} for each in keys]
        ready = await _prepare(load, peers, seconds)
        bare.say([
            {"address": address, "suite": suite, "local": each["remote"], "remote": each["local"]}
            for address, each in zip(ready["addresses"], keys, strict=True)
        ])  # fmt: skip
        await bare.hear()
        start = time.monotonic() + 0.2
        load.say({"start": start})
        await asyncio.sleep(start + _WARM_UP_S - time.monotonic())
        used = cpu_s(bare.pid)
        await asyncio.sleep(seconds)
        used = cpu_s(bare.pid) - used
        report = await load.hear()
    return used * 1e6 / (report["sent"] + report["came"]), _trouble(report)


async def _stock(seconds: float) -> tuple[float, str]:
    """Two processes of aiortc peers that send each other the same; one of them is measured."""
    async with helper("bench.stock_aiortc") as near, helper("bench.stock_aiortc") as far:
        near.say({"peers": _PARTICIPANTS, "offers": False})
        far.say({"peers": _PARTICIPANTS, "offers": True})
        near.say(await far.hear())
        far.say(await near.hear())
        await asyncio.sleep(_STOCK_WARM_UP_S)
        near.say({})
        before, used = await near.hear(), cpu_s(near.pid)
        await asyncio.sleep(seconds)
        used = cpu_s(near.pid) - used
        near.say({})
        after = await near.hear()
    packets = after["packets"] - before["packets"]
    trouble = "" if set(after["states"]) == {"connected"} else f"peers are {set(after['states'])}"
    return used * 1e6 / max(1, packets), trouble


def _trouble(report: dict[str, Any]) -> str:
    """Why a run is void: what came back to each peer was unprotected and counted."""
    for look in report["looks"]:
        if look["bad"] or look["missing"]:
            return f"{look['bad']} packets did not authenticate, {look['missing']} were lost"
        if look["pictures_per_s"] < _LEAST_PICTURES or look["sounds_per_s"] < _LEAST_SOUNDS:
            return f"{look['pictures_per_s']:.1f} pictures/s, {look['sounds_per_s']:.1f} sounds/s"
    return ""


def _unseen(seen: dict[int, int], seconds: float) -> str:
    """Whether the sound and picture of every participant came out of the net process."""
    for leg in range(1, _PARTICIPANTS + 1):
        pictures, sounds = (seen.get(stream_id(leg, kind), 0) / seconds for kind in (Kind.VIDEO, Kind.AUDIO))
        if pictures < _LEAST_PICTURES or sounds < _LEAST_SOUNDS:
            return f"of leg {leg} {pictures:.1f} pictures/s and {sounds:.1f} sounds/s reached the decoders"
    return ""
