"""What a room costs as it grows, the largest one that this machine holds, and a mixed estate of terminals."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import cpu, estate, media, packets, witness
from bench.load import Part, calling, trouble
from bench.report import Pair, Result
from bench.server import serve
from signaling.sip.call_handle import CallRefused

_VIDEO, _AUDIO = (2, 4, 9, 18, 36), (10, 50, 100, 200)
"""With these three runs of twenty seconds of everything take less than half an hour."""
_FEW_VIDEO, _FEW_AUDIO = (2, 9, 36), (10, 200)
_SHORT_S = 10.0
"""Shorter runs measure fewer points and no largest room."""
_SITES = 36
_TALKERS = 4
_CLIP_S = 3
_SETTLE_S = 6.0
_VIDEO_ROOMS, _AUDIO_ROOMS = range(18, 91, 9), range(100, 401, 50)
"""What is tried to find the largest room that holds."""
_TRIES = 2
"""A room that fell behind is tried once more: the machine may have had something else to do."""
_GATE_CORES = 1.5
_GRID = ("--layout", "grid", "--max-participants", "1000")
_NOTES = (
    "one room over SIP, SRTP AEAD_AES_256_GCM on every leg, Opus, 4 talkers, all other microphones off; video: "
    "everybody sends H.264 640x360@25 600 kbit/s and gets 1280x720@25 superfast 1.5 Mbit/s, grid of all; ours: cores "
    "of all server processes; baseline: the straight line through the smallest room; the load generator runs on the "
    "same machine and is not in it; a run in which anything fell behind is void and made again, once a case (void_runs)"
)
_ESTATE_NOTES = (
    "6 senders of 1080p, 18 of 720p (half of them as browsers: ICE, DTLS-SRTP), 8 of CIF, 4 phones with G.711; all but "
    "the browsers over SIP, SRTP on every leg, recorded, grid; senders keep their size whatever they are asked for; "
    "one browser shares a moving screen of 720p, which a hospital's slides are not"
)


@dataclass(frozen=True)
class _Case:
    parts: Sequence[Part]
    room: Sequence[str] = _GRID
    is_recorded: bool = False
    tiles: int = 0
    """So many tiles are looked at."""


def run(seconds: float, runs: int) -> Iterator[Result]:
    """All of it; a run of under ten seconds leaves points out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [
            media.clip(folder / f"{n}.mp4", n, is_talker=n < _TALKERS, seconds=_CLIP_S) for n in range(_SITES)
        ]  # fmt: skip
        parts = [Part(*packets.of_clip(clip)) for clip in clips]
        is_short = seconds < _SHORT_S
        yield from _line(folder, "video", [parts[:n] for n in (_FEW_VIDEO if is_short else _VIDEO)], seconds, runs)
        heard = [Part(part.sound, has_video=False) for part in parts]
        sizes = _FEW_AUDIO if is_short else _AUDIO
        yield from _line(folder, "audio", [_people(heard, n) for n in sizes], seconds, runs)
        recorded = _Case(parts, (*_GRID, "--record", "always"), is_recorded=True, tiles=_SITES)
        yield _gated(folder, f"{_SITES} sites, recorded", recorded, seconds, runs, _GATE_CORES, _NOTES)
        mixed = _Case(estate.parts(folder), (*_GRID, "--record", "always"), is_recorded=True)
        yield _gated(folder, "mixed estate", mixed, seconds, runs, None, _ESTATE_NOTES)
        if not is_short:
            yield _largest(folder, "largest room", parts, _VIDEO_ROOMS, seconds)
            yield _largest(folder, "largest room, sound alone", heard, _AUDIO_ROOMS, seconds)


def _line(folder: Path, kind: str, rooms: Sequence[Sequence[Part]], seconds: float, runs: int) -> Iterator[Result]:
    first: float | None = None
    for parts in rooms:
        measured, void = _runs(folder, _Case(parts, tiles=len(parts) if kind == "video" else 0), seconds, runs)
        costs = [_server_cores(figures) for figures in measured]
        first = first or sorted(costs)[len(costs) // 2] / len(parts)
        pairs = [
            Pair(cost, first * len(parts), figures | {"participants": len(parts), "per_participant": cost / len(parts)})
            for cost, figures in zip(costs, measured, strict=True)
        ]
        yield Result("scale", f"{kind} {len(parts)}", "cores", pairs, None, _NOTES, void)


def _gated(
    folder: Path, title: str, case: _Case, seconds: float, runs: int, gate: float | None, notes: str
) -> Result:  # fmt: skip
    measured, void = _runs(folder, case, seconds, runs)
    pairs = [Pair(_server_cores(figures), None, figures | {"participants": len(case.parts)}) for figures in measured]
    return Result("scale", title, "cores", pairs, gate, notes, void, "ours")


def _largest(folder: Path, title: str, kinds: Sequence[Part], rooms: range, seconds: float) -> Result:
    """Grow until something falls behind; the last room that did not is the answer."""
    held, figures, why = 0, {"cores": 0.0}, ""
    for count in rooms:
        measured, why = _runs(folder, _Case(_people(kinds, count)), seconds, 1)
        if why:
            break
        held, figures = count, measured[0] | {"cores": _server_cores(measured[0])}
    notes = f"{_NOTES}. Rooms grow by {rooms.step}; the next one failed: {why or 'none did'}"
    return Result("scale", title, "participants", [Pair(held, None, figures)], None, notes)


def _people(kinds: Sequence[Part], count: int) -> list[Part]:
    """The talkers once, the others as often as it takes."""
    return [kinds[n if n < len(kinds) else _TALKERS + n % (len(kinds) - _TALKERS)] for n in range(count)]


def _runs(folder: Path, case: _Case, seconds: float, runs: int) -> tuple[list[dict[str, float]], str]:
    """The figures of so many runs that count, and why there are fewer: then they are those of all that were made."""
    made = [_measure(folder, case, seconds) for _ in range(runs)]
    if any(why for _, why in made):
        made += [_measure(folder, case, seconds) for _ in range(_TRIES - 1)]
    valid = [figures for figures, why in made if not why]
    if len(valid) < runs:
        return [figures for figures, _ in made], next(why for _, why in made if why)
    voids = float(len(made) - len(valid))
    return [figures | {"void_runs": voids} if voids else figures for figures in valid], ""


def _server_cores(figures: dict[str, float]) -> float:
    return sum(figures.get(name, 0.0) for name in ("control", "net", "video", "audio", "recorder"))


def _measure(folder: Path, case: _Case, seconds: float) -> tuple[dict[str, float], str]:
    """Cores by process, and why they do not count; none where not everybody could join."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        try:
            return asyncio.run(_room(Path(name), case, seconds))
        except CallRefused as refused:
            return {}, f"a caller was not let in: {refused}"


async def _room(folder: Path, case: _Case, seconds: float) -> tuple[dict[str, float], str]:
    sound, picture, last = folder / "sound", folder / "picture", len(case.parts) - 1
    with serve(folder / "server", room=case.room) as server:
        dumps = {2 * last: sound, 2 * last + 1: picture}
        async with calling(folder, server.uri(), case.parts, dumps) as load:
            await asyncio.sleep(_SETTLE_S)
            load.count()
            watch = cpu.Watch(server.processes() | {"load_generator": [load.pid]})
            await asyncio.sleep(seconds)
            figures = watch.used()
            counted = load.stop()
        gaps = [stream["max_gap_ms"] for stream in counted["streams"] if stream["id"] % 2 == 0]
        figures["sound_gap_ms"] = max(gaps, default=0.0)
        figures["video_encoders"] = server.metric("encoders", 'process="video"')
        void = trouble(counted)
        if case.is_recorded:
            files = [file for file in (server.folder / "data" / "recordings").rglob("*") if file.is_file()]
            figures["recorded_bytes"] = sum(file.stat().st_size for file in files)
            void = void or ("" if figures["recorded_bytes"] else "nothing was recorded")
    if case.tiles:
        void = void or witness.unseen(picture, case.tiles)
    void = void or witness.unheard(sound, [n for n in range(min(_TALKERS, len(case.parts))) if n != last])
    return figures, void
