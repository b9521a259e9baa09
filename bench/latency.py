"""How late sound and picture leave a room of four: from a packet with a mark to the first one out that holds it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np

from bench import marks, witness
from bench.load import Load, Part, agent
from bench.report import Pair, Result
from bench.server import Server, serve
from mcu.audio.pcm import level_db

_SENDERS, _ROUNDS = 3, 4
_CELL = 80
_SETTLE_S, _LEAST_S = 5.0, 4.1
_PERIOD_MS = 40.0
_JITTER_MS = 30.0
_SOUND_INTERVAL_MS, _PICTURE_INTERVAL_MS = 20.0, 40.0
_NOTES = (
    "room of 4 over SIP and SRTP AEAD_AES_256_GCM, Opus 20 ms and H.264 640x360@25 up, 1280x720@25 superfast down; "
    "three send a 1 kHz burst and a flash every 2 s, the fourth listens; twelve calls a run, whose packets leave at "
    "phases that cover 40 ms evenly; from sending the first packet with the mark to the arrival of the first packet "
    "that holds it, decoded; baseline: the frame interval; concealed and late: share of 20 ms frames of sound"
)


@dataclass
class _Seen:
    sound: list[float] = field(default_factory=list)
    picture: list[float] = field(default_factory=list)
    missed: int = 0
    marks: int = 0
    concealed: float = 0.0
    late: float = 0.0


def run(seconds: float, runs: int) -> Iterator[Result]:
    """On a quiet network, and with 30 ms of jitter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = [_part(folder, number) for number in range(_SENDERS)]
        for title, jitter_ms in (("quiet", 0.0), (f"{_JITTER_MS:.0f} ms jitter", _JITTER_MS)):
            jittered = [replace(part, jitter_ms=jitter_ms) for part in parts]
            seen = [
                asyncio.run(_measure(folder / f"{jitter_ms:.0f}-{number}", jittered, seconds)) for number in range(runs)
            ]
            yield from _results(title, seen, has_gates=not jitter_ms)


def _results(title: str, runs: Sequence[_Seen], *, has_gates: bool) -> Iterator[Result]:
    missed, all_marks = sum(seen.missed for seen in runs), sum(seen.marks for seen in runs)
    void = f"{missed} of {all_marks} marks were not found again" if missed else ""
    cases = (
        ("sound p50", "sound", 0.5, _SOUND_INTERVAL_MS, 30.0),
        ("sound p95", "sound", 0.95, _SOUND_INTERVAL_MS, 45.0),
        ("video p50", "picture", 0.5, _PICTURE_INTERVAL_MS, None),
        ("video p95", "picture", 0.95, _PICTURE_INTERVAL_MS, 80.0),
    )
    for name, kind, share, interval_ms, gate in cases:
        pairs = []
        for seen in runs:
            values = getattr(seen, kind)
            figures = {"least_ms": 1000 * min(values, default=0.0), "most_ms": 1000 * max(values, default=0.0)}
            figures |= {"marks": len(values)}
            if kind == "sound":
                figures |= {"concealed": seen.concealed, "late": seen.late}
            pairs.append(Pair(1000 * marks.percentile(values, share), interval_ms, figures))
        yield Result("latency", f"{name}, {title}", "ms", pairs, gate if has_gates else None, _NOTES, void, "ours")


def _part(folder: Path, number: int) -> Part:
    """Marks of one sender; those of all lie apart."""
    at_s = round(number * marks.LOOP_S / _SENDERS, 1)
    sound = marks.sound(folder / f"{number}.sound", at_s + 0.1)
    picture = marks.picture(folder / f"{number}.picture", at_s + 0.3)
    return Part(sound.path, picture.path, sound_mark=sound.packet, picture_mark=picture.packet)


async def _measure(folder: Path, parts: Sequence[Part], seconds: float) -> _Seen:
    """One server, several rounds of calls, since the phase of a sender does not change within a call."""
    seen = _Seen()
    with serve(folder) as server:
        listener = replace(parts[0], sound=None, picture=None, sound_mark=-1, picture_mark=-1)
        before = _sound_events(server)
        for number in range(_ROUNDS):
            step_ms = _PERIOD_MS / (_ROUNDS * _SENDERS)
            phased = [
                replace(part, phase_ms=step_ms * (number + _ROUNDS * index)) for index, part in enumerate(parts)
            ]  # fmt: skip
            place = folder / f"round-{number}"
            place.mkdir()
            await _round(place, server, [*phased, listener], max(_LEAST_S, seconds / _ROUNDS), seen)
        await asyncio.sleep(1.1)
        after = _sound_events(server)
    frames = 50 * _SENDERS * _ROUNDS * (max(_LEAST_S, seconds / _ROUNDS) + _SETTLE_S)
    seen.concealed, seen.late = ((after[name] - before[name]) / frames for name in ("concealed", "late"))
    return seen


async def _round(folder: Path, server: Server, parts: Sequence[Part], seconds: float, seen: _Seen) -> None:
    sound, picture = folder / "sound", folder / "picture"
    load = Load(folder, parts)
    try:
        # From the first packet on: keyframes come only when somebody asks for one.
        load.dump(2 * len(parts) - 2, sound)
        load.dump(2 * len(parts) - 1, picture)
        async with agent() as ua:
            await load.dial(ua, server.uri())
            await asyncio.sleep(_SETTLE_S)
            began = time.monotonic()
            await asyncio.sleep(seconds)
            sent = load.stop()["marks"]
            await load.hang_up()
    finally:
        load.close()
    heard = marks.loud((at_s, level_db(samples)) for at_s, samples in witness.sounds(sound))
    shown = marks.bright((shot.first_s, _cells(shot.frame)) for shot in witness.pictures(picture))
    for is_picture, found_s, onsets in ((False, seen.sound, heard), (True, seen.picture, shown)):
        times = [at_s for number, _, at_s in sent if number % 2 == is_picture and began < at_s]
        times = [at_s for at_s in times if at_s < began + seconds - marks.MOST_S]
        delays, missed = marks.delays(times, onsets)
        found_s.extend(delays)
        seen.missed += missed
        seen.marks += len(times)


def _cells(frame: av.VideoFrame) -> list[float]:
    """The mean brightness of small parts, of which each tile has several to itself."""
    luma = frame.to_ndarray(format="gray").astype(np.uint8)
    rows, columns = luma.shape[0] // _CELL * _CELL, luma.shape[1] // _CELL * _CELL
    blocks = luma[:rows, :columns].reshape(rows // _CELL, _CELL, columns // _CELL, _CELL)
    return [float(mean) for mean in blocks.mean((1, 3)).flat]


def _sound_events(server: Server) -> dict[str, float]:
    return {
        name: max(0.0, server.metric("events_total", 'process="audio"', f'event="{name}"'))
        for name in ("concealed", "late")
    }
