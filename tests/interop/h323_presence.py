"""Our own terminal over H.323 in a room, run by the test itself: what it sees and hears is decoded by FFmpeg."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from caller.h323.options import H323Options
from caller.h323.terminal import H323Terminal
from caller.media import Programme, make_programme, make_slides
from caller.options import CallOptions
from caller.report import CallReport
from caller.session import MediaSession
from caller.stream import Stream
from mcu.media import Codec, Kind, LegMedia
from tests.interop import oracles
from tests.interop.media import Person
from tests.interop.namespace import SERVER, TERMINAL
from tests.interop.server import GUEST_PASSCODE

RATE_HZ = 16_000
"""Of G.722, which it speaks unless it is asked for something else."""
_KEPT_S = 4
_EARS = {Codec.G722: ("g722", RATE_HZ), Codec.PCMU: ("pcm_mulaw", 8000), Codec.PCMA: ("pcm_alaw", 8000)}
_EYES = {Codec.H264: "h264", Codec.H263: "h263", Codec.H263_1996: "h263"}


class Watched(MediaSession):
    """Media that are looked at while they come, and everything that was agreed on."""

    def __init__(self, options: CallOptions, *arguments: Any, **named: Any) -> None:
        super().__init__(options, *arguments, **named)
        self.agreed: list[LegMedia] = []
        self._eyes: dict[Kind, av.VideoCodecContext] = {}
        self._last: dict[Kind, av.VideoFrame] = {}
        assert options.audio is not None
        name, self.rate_hz = _EARS[options.audio]
        self._ear = av.CodecContext.create(name, "r")
        self._ear.sample_rate, self._ear.layout = self.rate_hz, "mono"
        self._heard: deque[NDArray[np.int16]] = deque(maxlen=_KEPT_S * 50)

    def update(self, media: LegMedia) -> None:
        """Keep it."""
        self.agreed.append(media)
        super().update(media)

    def picture(self, kind: Kind = Kind.VIDEO) -> NDArray[np.uint8] | None:
        """The last one, RGB."""
        frame = self._last.get(kind)
        return None if frame is None else frame.to_ndarray(format="rgb24")

    def forget(self, kind: Kind) -> None:
        """Look only at what comes from now on."""
        self._last.pop(kind, None)

    async def sound(self, seconds: float) -> NDArray[np.int16]:
        """What is heard from now on; less where less comes."""
        self._heard.clear()
        for _ in range(int(seconds * 60)):
            await asyncio.sleep(0.02)
            if len(self._heard) >= seconds * 50:
                break
        return np.concatenate(self._heard) if self._heard else np.zeros(0, np.int16)

    async def hears(self, seconds: float = 1.0) -> set[str]:
        """Whose tones are in it."""
        return oracles.heard(await self.sound(seconds), self.rate_hz)

    def least_carried(self) -> int:
        """Octets of media, in the direction in which fewer went."""
        streams = self._streams.values()
        return min(
            sum(stream.reception.received_bytes for stream in streams),
            sum(stream.sender.payload_bytes for stream in streams),
        )

    def fewest_keys(self) -> int:
        """Keys of H.235.6 that the stream and end with the fewest has had; 0 before there is sound and picture."""
        streams = [self._streams[kind] for kind in (Kind.AUDIO, Kind.VIDEO) if kind in self._streams]
        return min(min(len(each.own_keys), len(each.peer_keys)) for each in streams) if len(streams) == 2 else 0

    def sees(self, kind: Kind = Kind.VIDEO) -> set[str]:
        """Whose colours fill a tile."""
        picture = self.picture(kind)
        return set() if picture is None else set(oracles.seen(picture))

    def _take(self, kind: Kind, stream: Stream, now: int) -> None:
        for received in stream.frames_received():
            packet = av.Packet(received.payload)
            if kind is Kind.AUDIO:
                self._heard += [frame.to_ndarray().reshape(-1) for frame in self._ear.decode(packet)]
                continue
            if kind not in self._eyes:
                self._eyes[kind] = av.CodecContext.create(_EYES[received.codec], "r")
                self._eyes[kind].thread_count = 1
            for frame in self._eyes[kind].decode(packet):
                self._last[kind] = frame


class Presence:
    """One call while it lasts, and its report afterwards."""

    def __init__(self, options: CallOptions, session: Watched, programme: Programme) -> None:
        self.session = session
        self.programme = programme
        """What it plays."""
        self.stop = asyncio.Event()
        self._terminal = H323Terminal(options, session, TERMINAL)
        self.call = asyncio.create_task(self._terminal.run(self.stop))

    @property
    def report(self) -> CallReport:
        """Once the call is over."""
        return self.call.result()

    async def over(self, timeout_s: float = 30.0) -> CallReport:
        """Wait for the end, by whoever's wish."""
        async with asyncio.timeout(timeout_s):
            return await self.call

    def sees(self, *there: Person, without: tuple[Person, ...] = (), kind: Kind = Kind.VIDEO) -> Callable[..., Any]:
        """For until(): whether it sees these people and not others."""

        async def look() -> object:
            found = await asyncio.to_thread(self.session.sees, kind)
            wanted, forbidden = {one.name for one in there}, {one.name for one in without}
            return (wanted <= found and not forbidden & found) or found

        return look

    def hears(self, *there: Person) -> Callable[[], Awaitable[object]]:
        """For until(): whether it hears exactly these."""

        async def listen() -> object:
            found = await self.session.hears()
            return found == {one.name for one in there} or found

        return listen


def options_of(person: Person, room: str, passcode: str = GUEST_PASSCODE, **h323: Any) -> CallOptions:
    """A call of at most 100 s that shows the person's colour and plays the person's tone."""
    return CallOptions(
        f"h323:{room}@{SERVER}",
        passcode,
        seconds=100,
        audio=Codec.G722,
        name=person.name,
        tone=str(person.tone_hz),
        color=_hex(person),
        decodes=False,
        h323=H323Options(**h323),
    )


@asynccontextmanager
async def calling(options: CallOptions) -> AsyncIterator[Presence]:
    """A call that lasts as long as the block, or until the server ends it."""
    programme = await asyncio.to_thread(_programme, replace(options, uri="", passcode="", h323=H323Options()))
    slides = await asyncio.to_thread(_slides, options.h323.slides) if options.h323.slides else None
    presence = Presence(options, Watched(options, programme, TERMINAL, slides), programme)
    try:
        yield presence
    finally:
        presence.stop.set()
        await presence.call


def slides_of(person: Person) -> str:
    """Slides of the person's colour."""
    return _hex(person)


def _hex(person: Person) -> str:
    return "#{:02x}{:02x}{:02x}".format(*person.colour)


@cache
def _programme(options: CallOptions) -> Programme:
    return make_programme(options)


@cache
def _slides(color: str) -> Programme:
    return make_slides(CallOptions("h323:1@h", audio=Codec.G722, name="our", h323=H323Options(slides=color)))
