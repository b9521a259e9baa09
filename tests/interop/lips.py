"""A terminal that flashes and beeps, one that watches it, and the measuring of both."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from caller.calls import _ready_programme
from caller.media import Programme
from caller.options import FLASH, NOTHING, CallOptions
from caller.report import CallReport
from caller.session import MediaSession
from caller.sockets import PortPair
from caller.stream import Stream
from caller.terminal import Terminal
from config.media import LocalAddress
from config.sip import SipSettings
from mcu.audio.codecs import make_decoder
from mcu.media import Codec, Kind
from signaling.sip.ua import UserAgent
from tests.interop.namespace import SERVER, TERMINAL

RATE_HZ = 48_000
_STEP = RATE_HZ // 1000
_LOUD = 0.02


@dataclass(frozen=True)
class Late:
    """What of a terminal is sent later than it was captured, as by a slow encoder; its reports tell the truth."""

    kind: Kind
    by_s: float


class _Detour:
    """A way on which everything takes longer."""

    def __init__(self, ports: PortPair, by_s: float) -> None:
        self._ports, self._by_s = ports, by_s
        self._is_open = True

    def send(self, is_rtcp: bool, data: bytes, remote: tuple[str, int]) -> None:
        asyncio.get_running_loop().call_later(self._by_s, self._arrive, is_rtcp, data, remote)

    def close(self) -> None:
        self._is_open = False
        self._ports.close()

    def _arrive(self, is_rtcp: bool, data: bytes, remote: tuple[str, int]) -> None:
        if self._is_open:
            self._ports.send(is_rtcp, data, remote)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ports, name)


def flashing(late: Late) -> type[MediaSession]:
    """Media of which something is late."""

    class Flashing(MediaSession):
        async def open(self, kinds: Iterable[Kind]) -> None:
            await super().open(kinds)
            self._ports[late.kind] = _Detour(self._ports[late.kind], late.by_s)  # type: ignore[assignment]

    return Flashing


@dataclass
class Witness:
    """What was received, each with its time by the sender's clock."""

    pictures: list[tuple[int, bytes]] = field(default_factory=list)
    sounds: list[tuple[int, bytes]] = field(default_factory=list)

    def offsets_ms(self) -> NDArray[np.float64]:
        """For each flash how much later its beep is."""
        decoder, listener = av.CodecContext.create("h264", "r"), make_decoder(Codec.OPUS)
        looks = [
            (capture_us / 1_000_000, brightness(picture))
            for capture_us, unit in self.pictures
            for picture in decoder.decode(av.Packet(unit))
        ]
        heard = ((capture_us / 1_000_000, listener.decode(packet)) for capture_us, packet in self.sounds)
        return offsets_ms(onsets(looks), beeps(heard))


def listening(witness: Witness) -> type[MediaSession]:
    """Media that are kept as they are received."""

    class Listening(MediaSession):
        def _take(self, kind: Kind, stream: Stream, now: int) -> None:
            for received in stream.frames_received():
                kept = witness.pictures if kind is Kind.VIDEO else witness.sounds
                kept.append((received.capture_us, received.payload))

    return Listening


def offsets_of_file(data: bytes) -> NDArray[np.float64]:
    """For each flash of an MP4 file how much later its beep is."""
    resampler = av.AudioResampler("flt", "mono", RATE_HZ)
    looks, heard = [], []
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                looks.append((float(frame.time), brightness(frame)))
            else:
                heard += [(float(frame.time), out.to_ndarray()[0]) for out in resampler.resample(frame)]
    return offsets_ms(onsets(looks), beeps(heard))


async def call(kind: type[MediaSession], options: CallOptions, stop: asyncio.Event) -> CallReport:
    """One call with media of this kind until `stop` is set."""
    programme: Programme = await asyncio.to_thread(_ready_programme, options)
    ua = UserAgent(SipSettings(listen=(LocalAddress(TERMINAL),), port=0))
    await ua.start()
    try:
        return await Terminal(ua, options, kind(options, programme, TERMINAL), TERMINAL).run(stop)
    finally:
        await ua.stop()


def flasher(room: str, passcode: str) -> CallOptions:
    """White for 100 ms at each second, with a beep of 1 kHz."""
    return CallOptions(f"sip:{room}@{SERVER}", passcode, FLASH, seconds=120, name="flash", color="#202020")


def listener(room: str, passcode: str) -> CallOptions:
    """Sends nothing."""
    return CallOptions(f"sip:{room}@{SERVER}", passcode, NOTHING, seconds=120, name="listener", decodes=False)


def brightness(picture: av.VideoFrame) -> float:
    """Mean luma of a picture."""
    return float(picture.reformat(format="gray8", width=160, height=90).to_ndarray().mean())


def onsets(looks: list[tuple[float, float]]) -> list[float]:
    """The times at which (time, brightness) rises above the middle of its range."""
    values = [value for _, value in looks]
    threshold = (min(values) + max(values)) / 2
    return [now_s for (_, before), (now_s, now) in pairwise(looks) if now > threshold >= before]


def beeps(blocks: Iterable[tuple[float, NDArray[np.floating[Any]]]]) -> list[float]:
    """The times at which sound begins after a silence of 0.3 s; blocks are (time of the first sample, -1..1)."""
    found: list[float] = []
    quiet_since: float | None = None
    for start_s, samples in blocks:
        for at in range(0, len(samples), _STEP):
            now_s = start_s + at / RATE_HZ
            if np.abs(samples[at : at + _STEP]).max() < _LOUD:
                quiet_since = now_s if quiet_since is None else quiet_since
                continue
            if quiet_since is not None and now_s - quiet_since > 0.3:
                found.append(now_s)
            quiet_since = None
    return found


def offsets_ms(flashes_s: list[float], beeps_s: list[float]) -> NDArray[np.float64]:
    """For each flash how much later (positive) its beep is, in milliseconds; flashes without one are left out."""
    beeps_ = np.array(beeps_s)
    found = []
    for flash in flashes_s:
        nearest = beeps_[np.abs(beeps_ - flash).argmin()] if len(beeps_) else np.inf
        if abs(nearest - flash) < 0.4:
            found.append(1000 * (nearest - flash))
    return np.array(found)
