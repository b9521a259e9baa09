"""A meeting that goes on and on: nine participants who come, go and lose packets; `make soak`, SOAK_MINUTES=30.

Six stay, three come and go; some of both lose packets. Where this machine lets us, somebody signs in by 802.1X beside
it, again and again, and is put out by orders. The report is Markdown; the exit status is 1 where something fell behind
or grew.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import growth, media, wall_socket
from bench.growth import Held
from bench.report import machine
from bench.server import Caller, Server, serve
from bench.wall_socket import WallSocket

_STAYING_LOSS = (0.0, 0.0, 0.0, 0.0, 2.0, 5.0)
"""In percent, of each who stays."""
_VISITORS_LOSS = (0.0, 2.0, 5.0)
_VISIT_S, _PAUSE_S = (15.0, 25.0, 40.0), 5.0
_WARM_UP_SHARE = 0.35
_SAMPLES = 60
_LEAST_INTERVAL_S = 2.0
_LOOKS, _LOOK_S = 3, 0.03
_ARRIVAL_S = 60.0
"""The most that those who stay may take to arrive."""
_LEAST_FRAMES_PER_S, _LEAST_PACKETS_PER_S = 24.5, 49.5
_MOST_LOST = 0.001
"""Of packets to and from those whose network is good."""
_TROUBLE = re.compile(r"\b(ERROR|CRITICAL)\b|Traceback")


@dataclass(frozen=True)
class _Moment:
    at_s: float
    held: dict[str, Held]
    frames_encoded: float
    frame_rate: float
    """That the video process says it keeps."""
    lateness_ms: float


@dataclass
class _Guest:
    caller: Caller
    name: str
    loss_percent: float


@dataclass
class _Port:
    """What became of the terminal at the wall socket."""

    logins: float
    orders: int
    done: int
    is_in: bool


@dataclass
class _Soak:
    """What was seen."""

    seconds: float
    moments: list[_Moment] = field(default_factory=list)
    calls: list[tuple[str, float, dict[str, Any]]] = field(default_factory=list)
    """Name, loss in percent, report."""
    errors: list[str] = field(default_factory=list)
    port: _Port | None = None
    without_port: str = ""
    """Why there is none."""


def run(seconds: float) -> _Soak:
    """The meeting, from the first to the last."""
    with tempfile.TemporaryDirectory(prefix="drumtower-soak-") as name:
        folder = Path(name)
        count = len(_STAYING_LOSS) + len(_VISITORS_LOSS)
        clips = [media.clip(folder / f"{number}.mp4", number, is_talker=number < 4) for number in range(count)]
        soak = _Soak(seconds, without_port=wall_socket.trouble())
        port = None if soak.without_port else WallSocket(folder)
        settings, preparation = (port.settings, port.preparation) if port else ("", ())
        with (
            serve(folder / "server", settings=settings, preparation=preparation) as server,
            port.terminal() if port else nullcontext(),
        ):
            _meet(server, clips, soak, port)
        log = (folder / "server" / "log").read_text(errors="replace")
        soak.errors = [line[:300] for line in log.splitlines() if _TROUBLE.search(line)]
        return soak


def _meet(server: Server, clips: Sequence[Path], soak: _Soak, port: WallSocket | None) -> None:
    staying = [_call(server, clip, soak.seconds, loss) for clip, loss in zip(clips, _STAYING_LOSS, strict=False)]
    visitors = [
        _visits(server, clip, loss, visit_s)
        for clip, loss, visit_s in zip(clips[len(_STAYING_LOSS) :], _VISITORS_LOSS, _VISIT_S, strict=True)
    ]
    inside: list[_Guest | None] = [None] * len(visitors)
    interval_s = max(_LEAST_INTERVAL_S, soak.seconds / _SAMPLES)
    try:
        _wait_for(server, len(staying))
        next_sample = began = time.monotonic()
        while (now := time.monotonic()) < began + soak.seconds - max(_VISIT_S) - _PAUSE_S:
            for index, visits in enumerate(visitors):
                inside[index] = _see(inside[index], visits, soak)
            if port is not None:
                port.turn(now)
            if now >= next_sample:
                next_sample += interval_s
                soak.moments.append(_look(server, now - began))
            time.sleep(0.2)
        if port is not None:
            soak.port = _Port(wall_socket.logins(server), port.orders, port.done, wall_socket.is_in(server))
        for guest in [*filter(None, inside), *staying]:
            soak.calls.append((guest.name, guest.loss_percent, _report(guest)))
    finally:
        for guest in [*staying, *filter(None, inside)]:
            guest.caller.end()


def _wait_for(server: Server, people: int) -> None:
    deadline = time.monotonic() + _ARRIVAL_S
    while server.metric("participants", 'protocol="sip"') < people:
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all of the {people} who stay arrived, see {server.folder}/log")
        time.sleep(0.2)


def _visits(server: Server, clip: Path, loss: float, visit_s: float) -> Iterator[_Guest | None]:
    """Who comes and goes: the next visit, or None while there is a pause."""
    for _ in itertools.count():
        yield _call(server, clip, visit_s, loss)
        again = time.monotonic() + _PAUSE_S
        while time.monotonic() < again:
            yield None


def _see(guest: _Guest | None, visits: Iterator[_Guest | None], soak: _Soak) -> _Guest | None:
    if guest is None:
        return next(visits)
    if guest.caller.is_running:
        return guest
    soak.calls.append((guest.name, guest.loss_percent, _report(guest)))
    return None


def _call(server: Server, clip: Path, seconds: float, loss: float) -> _Guest:
    return _Guest(Caller(server, clip, seconds, None, "--loss", str(loss)), clip.stem, loss)


def _report(guest: _Guest) -> dict[str, Any]:
    try:
        return guest.caller.report()
    except (ValueError, LookupError):
        return {"outcome": "crashed", "reason": "", "streams": {}, "duration_s": 0.0}


def _look(server: Server, at_s: float) -> _Moment:
    held = {
        f"{role}{number or ''}": _held(pid)
        for role, pids in server.processes().items()
        if role != "self_test"
        # What it runs for a moment (ip, bridge, nft) is no process of it.
        for number, pid in enumerate(pids if role != "control" else pids[:1])
    }
    frames = server.metric("events_total", 'process="video"', 'event="frames_encoded"')
    rate, lateness_ms = (server.metric(name, 'process="video"') for name in ("frame_rate", "tick_lateness_p99_ms"))
    return _Moment(at_s, held, frames, rate, lateness_ms)


def _held(pid: int) -> Held:
    """The least of a few looks: while it runs ip, bridge or nft it holds their pipes, too."""
    looks = []
    for _ in range(_LOOKS):
        looks.append(growth.held_by(pid))
        time.sleep(_LOOK_S)
    return min(looks, key=lambda held: held.descriptors)


# ---- judging


def problems(soak: _Soak) -> list[str]:
    """What fell behind, was lost without need, broke or grew."""
    found = [f"log: {line}" for line in soak.errors[:10]]
    for name, loss, report in soak.calls:
        found += [f"caller {name} (loss {loss:g} %): {what}" for what in _call_trouble(loss, report)]
    found += _grown(soak)
    found += _port_trouble(soak)
    slow = [moment for moment in soak.moments if moment.frame_rate < _LEAST_FRAMES_PER_S]
    if slow:
        lowest = min(moment.frame_rate for moment in slow)
        found.append(f"pictures were slowed down to {lowest:g}/s at {len(slow)} of {len(soak.moments)} looks")
    return found


def _call_trouble(loss: float, report: dict[str, Any]) -> Iterator[str]:
    if report["outcome"] != "ok":
        yield f"{report['outcome']} {report['reason']}"
        return
    if loss:
        return  # what a bad network loses is no fault of ours; how much is in the table
    streams = report["streams"]
    if (rate := _rate(report, "video", "frames_received")) < _LEAST_FRAMES_PER_S:
        yield f"{rate:.1f} frames/s"
    if (rate := _rate(report, "audio", "received_packets")) < _LEAST_PACKETS_PER_S:
        yield f"{rate:.1f} audio packets/s"
    for kind, stream in streams.items():
        if stream["loss"] > _MOST_LOST:
            yield f"{stream['loss']:.2%} of {kind} lost"


def _port_trouble(soak: _Soak) -> Iterator[str]:
    port = soak.port
    if port is None:
        return
    if port.done < port.orders:
        yield f"802.1X: {port.orders - port.done} of {port.orders} orders were not carried out"
    if port.logins < port.orders or not port.is_in:  # one after each, and the first
        yield f"802.1X: {port.logins:.0f} logins, {'in' if port.is_in else 'out'} at the end"


def _rate(report: dict[str, Any], kind: str, counted: str) -> float:
    """A second, from the first picture or sound on: how long that takes is what `bench join` measures."""
    stream = report["streams"][kind]
    seconds: float = report["duration_s"] - (stream["first_s"] or 0.0)
    return float(stream[counted]) / max(1.0, seconds)


def _grown(soak: _Soak) -> list[str]:
    """Whether the most that was held at the end is more than the most of the beginning, warm-up included."""
    split = soak.seconds * _WARM_UP_SHARE
    early = [moment for moment in soak.moments if moment.at_s <= split]
    late = [moment for moment in soak.moments if moment.at_s > soak.moments[-1].at_s - split] if early else []
    found = []
    for name in early[-1].held if early else ():
        before, after = _most(early, name), _most(late, name)
        if before and after:
            found += growth.grown(name, before, after)
    return found


def _most(moments: Sequence[_Moment], name: str) -> Held | None:
    held = [moment.held[name] for moment in moments if name in moment.held]
    if not held:
        return None
    fields = ("rss_kib", "descriptors", "sockets", "threads", "tasks")
    return Held(*(max(getattr(one, field) for one in held) for field in fields))


# ---- the report


def markdown(soak: _Soak, found: Sequence[str]) -> str:
    """For people."""
    lines = [
        f"# Soak: {soak.seconds / 60:.0f} minutes, 9 participants", "",
        f"{machine()}. {'Something fell behind or grew.' if found else 'Nothing fell behind, nothing grew.'}", "",
        *(f"- {problem}" for problem in found), "",
        "## What the processes hold", "",
        growth.table({f"{moment.at_s:.0f} s": moment.held for moment in _thinned(soak.moments)}), "",
        "## Pictures", "",
        "| from | to | rate | encoded/s, all sizes | latest tick, ms (p99) |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for before, after in itertools.pairwise(_thinned(soak.moments)):
        rate = (after.frames_encoded - before.frames_encoded) / (after.at_s - before.at_s)
        span = f"{before.at_s:.0f} s | {after.at_s:.0f} s"
        lines.append(f"| {span} | {after.frame_rate:g} | {rate:.1f} | {after.lateness_ms:.1f} |")
    lines += ["", "## Calls", "", "| who | loss of its network | calls | ended | frames/s | audio packets/s | lost |"]
    lines += ["|---|---|---|---|---|---|---|", *_call_rows(soak)]
    lines += ["", f"802.1X: {_port_line(soak)}"]
    return "\n".join([*lines, "", f"Errors in the log: {len(soak.errors)}", ""])


def _port_line(soak: _Soak) -> str:
    port = soak.port
    if port is None:
        return f"left out, {soak.without_port}"
    return f"{port.logins:.0f} logins by PEAP at a port of ours, {port.done} of {port.orders} orders were carried out"


def _call_rows(soak: _Soak) -> Iterator[str]:
    for name, loss in dict.fromkeys((name, loss) for name, loss, _ in soak.calls):
        reports = [report for who, _, report in soak.calls if who == name]
        outcomes = Counter(report["outcome"] for report in reports)
        good = [report for report in reports if report["outcome"] == "ok"]
        seconds = sum(report["duration_s"] for report in good) or 1.0
        frames = sum(report["streams"]["video"]["frames_received"] for report in good)
        packets = sum(report["streams"]["audio"]["received_packets"] for report in good)
        streams = [stream for report in good for stream in report["streams"].values()]
        received, lost = (sum(stream[key] for stream in streams) for key in ("received_packets", "lost_packets"))
        ended = ", ".join(f"{outcome} {count}" for outcome, count in outcomes.items())
        share = lost / (received + lost) if received + lost else 0.0
        yield (
            f"| {name} | {loss:g} % | {len(reports)} | {ended} | {frames / seconds:.1f} | {packets / seconds:.1f} "
            f"| {share:.2%} |"
        )


def _thinned(moments: Sequence[_Moment]) -> list[_Moment]:
    """A dozen of them, the first and the last among them."""
    step = max(1, len(moments) // 12)
    return [*moments[:-1:step], *moments[-1:]]


def main() -> int:
    """Run it, write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--out", type=Path, default=Path("build/soak.md"))
    options = parser.parse_args()
    soak = run(options.minutes * 60)
    found = problems(soak)
    text = markdown(soak, found)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text)
    print(text)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
