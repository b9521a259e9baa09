"""Callers of the benchmarks: signalling here, media in bench/native/load.c, at a tenth of what Python takes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import programs
from bench.browser import Browser
from bench.server import JOIN
from caller.offer import our_offer
from caller.options import CallOptions
from config.media import LocalAddress
from config.sip import SipSettings
from mcu.media import Codec, Kind, StreamSpec
from signaling.sip.call_handle import OutgoingCall
from signaling.sip.sdp import session as sdp
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer import apply_answer
from signaling.sip.ua import UserAgent
from signaling.sip.wire.uri import parse_uri

ADDRESS = "127.0.0.1"
_BUFFER_BYTES = 4 << 20
_SPACING_S = 0.02
_FORCE = 33
"""SO_RCVBUFFORCE, for who may."""
SCREENS = 10_000
"""The number of the stream that carries the screen of caller n is this much and n; nothing comes back on it."""
MAX_LATE_MS = 60.0
LEAST_FRAMES_PER_S, LEAST_PACKETS_PER_S = 24.5, 49.5


@dataclass(frozen=True)
class Part:
    """What one caller sends: programmes of bench.packets, None to only listen (no video line without `has_video`)."""

    sound: Path | None
    picture: Path | None = None
    audio: Codec = Codec.OPUS
    has_video: bool = True
    jitter_ms: float = 0.0
    sound_mark: int = -1
    picture_mark: int = -1
    """The packet of the programme whose sending is noted."""
    phase_ms: float = -1.0
    """When it begins, counted from whole 40 ms of the clock; -1 for at once."""
    is_browser: bool = False
    """Joins by the page instead of SIP: ICE, DTLS-SRTP, all on one socket."""
    screen: Path | None = None
    """What a browser shares beside its camera."""


@dataclass
class _Caller:
    part: Part
    sockets: dict[Kind, tuple[socket.socket, socket.socket]]
    call: OutgoingCall | None = None
    browser: Browser | None = None
    set_up_s: float = 0.0


class Load:
    """Callers that play parts. Numbers of streams: 2 n for the sound of caller n, 2 n + 1 for its picture."""

    def __init__(self, folder: Path, parts: Sequence[Part]) -> None:
        """Compile and start the generator. Raises ToolError."""
        self._callers = [_Caller(part, _sockets(part)) for part in parts]
        self.counted: dict[str, Any] = {}
        descriptors = {
            each.fileno() for caller in self._callers for pair in caller.sockets.values() for each in pair
        }  # fmt: skip
        self._process = subprocess.Popen(
            [str(programs.build("load", folder))], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            pass_fds=tuple(descriptors),
        )  # fmt: skip
        self.pid = self._process.pid

    async def dial(self, ua: UserAgent, uri: str) -> None:
        """Call with all of them. Raises SipError."""
        for index in range(len(self._callers)):
            await self.dial_one(ua, uri, index)
            await asyncio.sleep(_SPACING_S)

    async def dial_one(self, ua: UserAgent, uri: str, index: int) -> None:
        """Call with one and start its media. Raises SipError, OSError."""
        caller = self._callers[index]
        if caller.part.is_browser:
            await self._join(index, parse_uri(uri).user or "")
            return
        ports = {kind: tuple(each.getsockname()[1] for each in pair) for kind, pair in caller.sockets.items()}
        local = LocalMedia(ADDRESS, ports, secrets.token_bytes)
        video = Codec.H264 if caller.part.has_video else None
        options = CallOptions(uri, name=f"Caller {index:02}", audio=caller.part.audio, video=video)
        offer = our_offer(options, local, str(secrets.randbits(40)), ports)
        began = time.monotonic()
        caller.call = await ua.invite(uri, offer.description.serialize(), display_name=options.name)
        body = await caller.call.answered()
        caller.set_up_s = time.monotonic() - began
        self._start(index, apply_answer(offer, sdp.parse(body), local).streams)

    async def _join(self, index: int, room: str) -> None:
        caller = self._callers[index]
        caller.browser = Browser(JOIN, caller.sockets[Kind.AUDIO][0])
        began = time.monotonic()
        streams = await caller.browser.call(room, f"Caller {index:02}", shares=caller.part.screen is not None)
        caller.set_up_s = time.monotonic() - began
        self._start(index, streams)

    def _start(self, index: int, streams: Sequence[StreamSpec]) -> None:
        part = self._callers[index].part
        for stream in streams:
            if stream.kind is Kind.CONTENT:
                self.stream(SCREENS + index, stream, self._callers[index].sockets[Kind.VIDEO], part.screen)
            if stream.kind in self._callers[index].sockets:
                is_sound = stream.kind is Kind.AUDIO
                file = part.sound if is_sound else part.picture
                mark = part.sound_mark if is_sound else part.picture_mark
                rtp, rtcp = self._callers[index].sockets[stream.kind]
                self.stream(2 * index + (not is_sound), stream, (rtp, rtcp), file, mark, part)

    def stream(
        self, number: int, spec: StreamSpec, sockets: tuple[socket.socket, socket.socket], file: Path | None,
        mark: int = -1, part: Part = Part(None),
    ) -> None:  # fmt: skip
        """Let one stream begin."""
        if spec.send is None or spec.remote is None:
            return
        rtp, rtcp = sockets
        keys = (spec.sdes.suite, spec.sdes.local.hex(), spec.sdes.remote.hex()) if spec.sdes else ("-", "-", "-")
        self._tell(
            "stream", number, rtp.fileno(), (rtcp if spec.remote_rtcp else rtp).fileno(), *spec.remote,
            spec.remote_rtcp[1] if spec.remote_rtcp else 0, spec.send.payload_type, spec.send.clock_rate_hz, *keys,
            file or "-", mark, part.jitter_ms, part.phase_ms,
        )  # fmt: skip

    def dump(self, number: int, path: Path) -> None:
        """Keep all that a stream receives from now on."""
        self._tell("dump", number, path)

    def count(self) -> None:
        """The counters begin now."""
        self._tell("count")

    def stop(self) -> dict[str, Any]:
        """The counters, when the generator has ended; further calls give the same."""
        if not self.counted:
            output = self._process.communicate(b"stop\n", timeout=30)[0]
            self.counted = json.loads(output)
        return self.counted

    async def hang_up(self) -> None:
        """End the calls and the generator."""
        for caller in self._callers:
            if caller.call is not None and not caller.call.is_ended:
                await caller.call.bye()
            if caller.browser is not None:
                await caller.browser.leave()
        self.close()

    def close(self) -> None:
        """End the generator without a word to anybody."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for caller in self._callers:
            for pair in caller.sockets.values():
                for each in pair:
                    each.close()

    @staticmethod
    def sockets_of(parts: Sequence[Part]) -> list[dict[Kind, tuple[socket.socket, socket.socket]]]:
        """Sockets for the other end, where that is no server of ours."""
        return [_sockets(part) for part in parts]

    @property
    def parts(self) -> list[Part]:
        """What each caller sends."""
        return [caller.part for caller in self._callers]

    @property
    def set_up_s(self) -> list[float]:
        """From INVITE to the answer, of each caller."""
        return [caller.set_up_s for caller in self._callers]

    def sockets(self, index: int) -> dict[Kind, tuple[socket.socket, socket.socket]]:
        """The RTP and RTCP sockets of a caller."""
        return self._callers[index].sockets

    def _tell(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self._process.stdin.flush()


@contextlib.asynccontextmanager
async def agent(max_calls: int = 1000) -> AsyncIterator[UserAgent]:
    """The user agent of all callers."""
    ua = UserAgent(SipSettings(listen=(LocalAddress(ADDRESS),), port=0, max_calls=max_calls))
    await ua.start()
    try:
        yield ua
    finally:
        await ua.stop()


@contextlib.asynccontextmanager
async def calling(
    folder: Path, uri: str, parts: Sequence[Part], dumps: Mapping[int, Path] | None = None
) -> AsyncIterator[Load]:  # fmt: skip
    """All of them in the room; they hang up at the end.

    `dumps` are streams, by number, of which all is kept from their first packet on: keyframes come only when asked for.
    """
    load = Load(folder, parts)
    try:
        for number, path in (dumps or {}).items():
            load.dump(number, path)
        async with agent(len(parts) + 1) as ua:
            await load.dial(ua, uri)
            yield load
            await load.hang_up()
    finally:
        load.close()


def trouble(counted: dict[str, Any]) -> str:
    """Why what the callers got makes a run void, "" where it does not."""
    if counted["late_ms"] > MAX_LATE_MS:
        return f"the load generator was {counted['late_ms']:.0f} ms late"
    for stream in counted["streams"]:
        if stream["id"] >= SCREENS:
            continue
        seconds, who = counted["seconds"], f"caller {stream['id'] // 2}"
        is_video = stream["id"] % 2 == 1
        rate = stream["frames" if is_video else "received"] / seconds
        least, unit = (
            (LEAST_FRAMES_PER_S, "frames/s") if is_video else (LEAST_PACKETS_PER_S, "audio packets/s")
        )  # fmt: skip
        if rate < least:
            return f"{who} got {rate:.1f} {unit}"
        if stream["lost"] > 0 or stream["bad"]:
            return f"{who} lost {stream['lost']} packets, {stream['bad']} were bad"
    return ""


def _sockets(part: Part) -> dict[Kind, tuple[socket.socket, socket.socket]]:
    if part.is_browser:
        only = _socket()
        return {Kind.AUDIO: (only, only), Kind.VIDEO: (only, only)}
    kinds = (Kind.AUDIO, Kind.VIDEO) if part.has_video else (Kind.AUDIO,)
    return {kind: (_socket(), _socket()) for kind in kinds}


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, _FORCE, _BUFFER_BYTES)
    except PermissionError:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    made.bind((ADDRESS, 0))
    made.setblocking(False)
    return made
