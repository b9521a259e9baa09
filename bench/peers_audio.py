"""Sixty members who hear each other: our net and audio processes beside Janus AudioBridge and Asterisk ConfBridge."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from bench import asterisk, audio_plane, cpu, janus, voices
from bench.audio_load import Clip, Heard, Report, Spec, Terminal
from bench.report import Pair, Result
from mcu.audio.codecs import make_decoder, make_encoder
from mcu.media import Codec, Format

_MEMBERS = 60
_LOCAL_PORT = 43_996
_WARM_UP_S = 5.0
_MARGIN_S = 2.0
_BITRATE_BPS, _COMPLEXITY = 32_000, 5
_LEAST_PACKETS_PER_S = 49.5
_EARS = 3
"""Members whose sound is looked at: the first, the last who talks, the last of all."""
_QUIET_RMS, _LOUD_RMS = 0.012, 0.05
"""Sixty voices together must not be driven into limits."""
_OPUS, _PCMU = Format(Codec.OPUS, 111, 48_000), Format(Codec.PCMU, 0, 8_000)
_GATE = 0.6


@dataclass(frozen=True)
class _Case:
    form: Format
    talkers: int

    @property
    def name(self) -> str:
        """What is compared."""
        who = "all 60 talk, all are mixed" if self.talkers == _MEMBERS else f"{self.talkers} of 60 talk"
        return f"{self.form.codec.name}, {who}"

    @property
    def notes(self) -> str:
        """What was equal, and what was not."""
        sound = (
            f"mono {_BITRATE_BPS // 1000} kbit/s, complexity {_COMPLEXITY}, no FEC, RFC 6464 levels sent to all servers"
            if self.form.codec == Codec.OPUS
            else "no levels are sent"
        )
        return f"{_MEMBERS} members, 20 ms, no SRTP, {sound}; ours: net and audio process"


def run(seconds: float, runs: int) -> Iterator[Result]:
    """Each case beside each peer that is installed."""
    peers = {"Janus": janus.is_installed(), "Asterisk": asterisk.is_installed()}
    for case in (_Case(form, talkers) for form in (_OPUS, _PCMU) for talkers in (_MEMBERS, 4)):
        clips = _clips(case)
        for peer, is_installed in peers.items():
            name = f"{case.name}; {peer}"
            gate = _GATE if case.talkers < _MEMBERS else None
            if not is_installed:
                yield Result("peers-audio", name, "CPU-s/s", [], gate, case.notes, f"{peer} is not installed")
                continue
            yield _compare(name, case, clips, peer, seconds, runs, gate)


def _compare(
    name: str, case: _Case, clips: list[Clip], peer: str, seconds: float, runs: int, gate: float | None
) -> Result:
    pairs: list[Pair] = []
    void = ""
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            ours, report = asyncio.run(_ours(case, clips, Path(folder), seconds))
            void = void or _trouble("ours", case, report, seconds)
            theirs, other = _theirs(case, clips, peer, Path(folder), seconds)
            void = void or _trouble(peer, case, other, seconds)
        figures = {"net": ours["net"], "audio": ours["audio"], "load_generator": report.cpu}
        pairs.append(Pair(ours["net"] + ours["audio"], theirs, figures))
    return Result("peers-audio", name, "CPU-s/s", pairs, gate, case.notes, void)


def _clips(case: _Case) -> list[Clip]:
    rms = _QUIET_RMS if case.talkers == _MEMBERS else _LOUD_RMS
    sounds = [voices.voice(number, rms) for number in range(case.talkers)]
    if case.talkers < _MEMBERS:
        sounds.append(voices.room_noise(case.talkers))
    clips = []
    for sound in sounds:
        encoder = make_encoder(case.form.codec, _BITRATE_BPS, _COMPLEXITY, 0)
        clips.append(Clip([encoder.encode(frame) for frame in voices.frames(sound)], voices.levels(sound)))
    return clips


def _ears(case: _Case) -> Sequence[int]:
    return (0, case.talkers - 1, _MEMBERS - 1)[:_EARS]


def _write_load(case: _Case, clips: list[Clip], ports: Sequence[int], file: Path, seconds: float) -> list[str]:
    ears = _ears(case)
    terminals = [
        Terminal("127.0.0.1", port, min(index, len(clips) - 1), keeps=index in ears) for index, port in enumerate(ports)
    ]
    form = case.form
    spec = Spec(
        _LOCAL_PORT, form.payload_type, form.clock_rate_hz, clips, terminals, _WARM_UP_S, seconds + _MARGIN_S,
        has_levels=form.codec == Codec.OPUS,
    )  # fmt: skip
    file.write_bytes(msgspec.msgpack.encode(spec))
    return [sys.executable, "-m", "bench.audio_load", str(file)]


async def _ours(case: _Case, clips: list[Clip], folder: Path, seconds: float) -> tuple[dict[str, float], Report]:
    settings: dict[str, object] = {
        "max_talkers": max(5, case.talkers), "max_decoded": _MEMBERS, "opus_bitrate_bps": _BITRATE_BPS,
        "opus_complexity": _COMPLEXITY,
    }  # fmt: skip
    async with audio_plane.running(settings) as plane:
        has_levels = case.form.codec == Codec.OPUS
        await audio_plane.open_legs(plane, [case.form] * _MEMBERS, _LOCAL_PORT, has_levels=has_levels)
        command = _write_load(case, clips, plane.ports, folder / "load", seconds)
        load = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        try:
            used = await audio_plane.cost(plane, _WARM_UP_S + _MARGIN_S / 2, seconds)
            output, _ = await load.communicate()
        finally:
            if load.returncode is None:
                load.kill()
    return used, msgspec.json.decode(output, type=Report)


def _theirs(case: _Case, clips: list[Clip], peer: str, folder: Path, seconds: float) -> tuple[float, Report]:
    form = case.form
    is_opus = form.codec == Codec.OPUS
    if peer == "Janus":
        with janus.running(folder) as server:
            server.open_room(48_000 if is_opus else 8_000)
            opus = {"quality": _COMPLEXITY, "bitrate": _BITRATE_BPS, "expected_loss": 0} if is_opus else {}
            codec = "opus" if is_opus else "pcmu"
            ports = [server.join(codec, form.payload_type, _LOCAL_PORT, opus) for _ in range(_MEMBERS)]
            return _measured(case, clips, ports, server.pid, folder, seconds)
    with asterisk.running(_BITRATE_BPS, _COMPLEXITY) as bridge:
        name = "opus/48000/2" if is_opus else "PCMU/8000"
        ports = [bridge.call(name, form.payload_type, _LOCAL_PORT) for _ in range(_MEMBERS)]
        return _measured(case, clips, ports, bridge.pid, folder, seconds)


def _measured(
    case: _Case, clips: list[Clip], ports: Sequence[int], pid: int, folder: Path, seconds: float
) -> tuple[float, Report]:
    command = _write_load(case, clips, ports, folder / "load", seconds)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as load:
        time.sleep(_WARM_UP_S + _MARGIN_S / 2)
        watch = cpu.Watch({"peer": [pid]})
        time.sleep(seconds)
        used = watch.used()["peer"]
        output, _ = load.communicate()
    return used, msgspec.json.decode(output, type=Report)


def _trouble(who: str, case: _Case, report: Report, seconds: float) -> str:
    least = _LEAST_PACKETS_PER_S * (seconds + _MARGIN_S)
    for number, heard in enumerate(report.heard):
        if heard.packets < least:
            return f"{who}: member {number + 1} got {heard.packets / (seconds + _MARGIN_S):.1f} packets/s"
        if heard.lost:
            return f"{who}: member {number + 1} lost {heard.lost} packets"
    for number in _ears(case):
        others = set(range(case.talkers)) - {number}
        if unheard := voices.missing(_decoded(case, report.heard[number]), others):
            return f"{who}: member {number + 1} does not hear {len(unheard)} of {len(others)} talkers"
    return ""


def _decoded(case: _Case, heard: Heard) -> np.ndarray:
    decoder = make_decoder(case.form.codec)
    return np.concatenate([decoder.decode(payload) for payload in heard.payloads])
