"""How soon who comes into a room of nine sees and hears it, from INVITE or from the page's `join`."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import marks, media, packets, witness
from bench.load import Load, Part, agent, calling
from bench.report import Pair, Result
from bench.server import serve
from mcu.audio.pcm import level_db
from signaling.sip.ua import UserAgent

_MEMBERS, _TALKERS = 9, 4
_SETTLE_S, _STAY_S, _PAUSE_S = 4.0, 1.5, 0.2
_LEAST_JOINS = 10
_AUDIBLE_DB = -55.0
_GATE_MS = 500.0
_NOTES = (
    "9 SIP participants with H.264 640x360@25 and Opus, 4 talking; one more comes and goes over SIP (SDES) or as a "
    "browser does (WebSocket, ICE, DTLS-SRTP). From sending INVITE or opening the WebSocket to the last packet of the "
    "first picture that decodes, and to the first packet of sound above -55 dB; p95 of all joins of a run; "
    "answered_ms: to the 200, or to the end of the DTLS handshake. Baseline: none"
)


@dataclass(frozen=True)
class _Joined:
    """Seconds from INVITE; None for what never came."""

    answered: float
    picture: float | None
    sound: float | None


def run(seconds: float, runs: int) -> Iterator[Result]:
    """A join takes about two seconds, so the length of a run is how many there are."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [media.clip(folder / f"{n}.mp4", n, is_talker=n < _TALKERS) for n in range(_MEMBERS)]
        parts = [Part(*packets.of_clip(clip)) for clip in clips]
        joins = max(_LEAST_JOINS, int(seconds))
        for title, newcomer in (("SIP", parts[-1]), ("browser", replace(parts[-1], is_browser=True))):
            found = [
                asyncio.run(_measure(folder / f"{title}-{number}", parts, newcomer, joins)) for number in range(runs)
            ]
            yield from _results(title, found)


def _results(title: str, found: Sequence[Sequence[_Joined]]) -> Iterator[Result]:
    for kind in ("picture", "sound"):
        pairs, missed = [], 0
        for joined in found:
            values = [value for each in joined if (value := getattr(each, kind)) is not None]
            answered = [each.answered for each in joined]
            missed += len(joined) - len(values)
            figures = {
                "p50_ms": 1000 * marks.percentile(values, 0.5), "most_ms": 1000 * max(values, default=0.0),
                "answered_ms": 1000 * marks.percentile(answered, 0.5), "joins": len(values),
            }  # fmt: skip
            pairs.append(Pair(1000 * marks.percentile(values, 0.95), None, figures))
        void = f"{missed} joins saw or heard nothing within {_STAY_S} s" if missed else ""
        yield Result("join", f"{title}, first {kind} p95", "ms", pairs, _GATE_MS, _NOTES, void, "ours")


async def _measure(folder: Path, parts: Sequence[Part], newcomer: Part, joins: int) -> list[_Joined]:
    found = []
    with serve(folder) as server:
        async with calling(folder, server.uri(), parts), agent() as ua:
            await asyncio.sleep(_SETTLE_S)
            for _ in range(joins):
                found.append(await _join(folder, server.uri(), ua, newcomer))
                await asyncio.sleep(_PAUSE_S)
    return found


async def _join(folder: Path, uri: str, ua: UserAgent, part: Part) -> _Joined:
    sound, picture = folder / "sound", folder / "picture"
    load = Load(folder, [part])
    try:
        load.dump(0, sound)
        load.dump(1, picture)
        began = time.monotonic()
        await load.dial_one(ua, uri, 0)
        await asyncio.sleep(_STAY_S)
        load.stop()
        await load.hang_up()
    finally:
        load.close()
    seen = next((shot.last_s - began for shot in witness.pictures(picture)), None)
    heard = next((at_s - began for at_s, pcm in witness.sounds(sound) if level_db(pcm) > _AUDIBLE_DB), None)
    return _Joined(load.set_up_s[0], seen, heard)
