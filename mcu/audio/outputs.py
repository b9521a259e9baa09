"""One encoder for each distinct pair of codec and mix of a room, and which leg is fed by which of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mcu.audio.codecs import Encoder
from mcu.audio.errors import AudioError
from mcu.audio.pcm import FRAME_SAMPLES, SILENT_DB, TICK_US, Pcm, level_db, silence
from mcu.media import Codec
from mcu.worker.channel import Frame
from mcu.worker.messages import AssignAudio

PRIMING_FRAMES = 3
"""60 ms of the mix go through a new encoder before its first packet is sent, so that it starts without a click."""

_SILENT_FRAMES = 25
_ADAPTING = (Codec.G722,)
"""What a packet means depends on those before it: one that is repeated is a hum, of silence too."""

MakeEncoder = Callable[[Codec], Encoder]


@dataclass(slots=True, frozen=True)
class Feed:
    """What a leg hears: a mix, by its key, in a codec."""

    codec: Codec
    mix: int


@dataclass(slots=True)
class Output:
    """One encoder and its number; frames come out under that number."""

    number: int
    codec: Codec
    encoder: Encoder
    legs: set[int] = field(default_factory=set)
    payload: bytes = b""
    """The packet of this tick; empty where the encoder failed."""
    has_failed: bool = False
    pcm: Pcm = field(default_factory=silence)
    level: float = SILENT_DB
    silent_frames: int = 0

    def hear(self, pcm: Pcm) -> None:
        """Take the mix of this tick."""
        self.pcm = pcm
        self.level = level_db(pcm)
        self.silent_frames = 0 if self.level > SILENT_DB else self.silent_frames + 1

    def encode(self) -> None:
        """Make the packet of this tick; an encoder that fails costs its own listeners one.

        After half a second of digital silence all packets are alike, but those of G.722: who only waits costs nothing.
        """
        if self.silent_frames > _SILENT_FRAMES and self.payload and self.codec not in _ADAPTING:
            return
        try:
            self.payload = self.encoder.encode(self.pcm)
        except AudioError:
            self.payload, self.has_failed = b"", True

    def frame(self, tick: int) -> Frame:
        """The packet, stamped from the media clock; `tick` counts from its beginning."""
        return Frame(
            stream=self.number,
            codec=self.codec,
            payload=self.payload,
            rtp_timestamp=tick * FRAME_SAMPLES & 0xFFFFFFFF,
            sequence=tick & 0xFFFF,
            capture_us=tick * TICK_US,
            level=round(-self.level),
        )


class Outputs:
    """The encoders of one room. `next_number` gives numbers that no room used before."""

    def __init__(self, make_encoder: MakeEncoder, next_number: Callable[[], int]) -> None:
        self._make_encoder = make_encoder
        self._next_number = next_number
        self._outputs: dict[Feed, Output] = {}
        self._feeds: dict[int, Feed] = {}
        self._losses: dict[int, int] = {}

    def __len__(self) -> int:
        """How many encoders run."""
        return len(self._outputs)

    def assignments(self) -> Iterator[AssignAudio]:
        """Who is fed by what now, for a neighbour that was restarted."""
        for output in self._outputs.values():
            for leg in sorted(output.legs):
                yield AssignAudio(leg, output.number)

    def assign(self, feeds: Mapping[int, Feed], history: Callable[[int], Sequence[Pcm]]) -> list[AssignAudio]:
        """Feed exactly the legs in `feeds`; what changes is returned. `history` gives the last frames of a mix."""
        if feeds == self._feeds:
            return []
        changes = [AssignAudio(leg, 0) for leg in self._feeds if leg not in feeds]
        for leg, feed in self._feeds.items():
            if feeds.get(leg) != feed:
                self._outputs[feed].legs.discard(leg)
        for leg, feed in feeds.items():
            if self._feeds.get(leg) != feed:
                output = self._outputs.get(feed) or self._open(feed, history(feed.mix))
                output.legs.add(leg)
                changes.append(AssignAudio(leg, output.number))
        self._outputs = {feed: output for feed, output in self._outputs.items() if output.legs}
        self._feeds = dict(feeds)
        if self._losses:
            self._losses = {leg: percent for leg, percent in self._losses.items() if percent and leg in feeds}
            self._adapt()
        return changes

    def expect_loss(self, leg: int, percent: int) -> None:
        """A leg misses so many packets: its encoder helps the worst off of its listeners."""
        self._losses[leg] = percent
        self._adapt()

    def _adapt(self) -> None:
        for output in self._outputs.values():
            output.encoder.expect_loss(max((self._losses.get(leg, 0) for leg in output.legs), default=0))

    def _open(self, feed: Feed, history: Sequence[Pcm]) -> Output:
        output = Output(self._next_number(), feed.codec, self._make_encoder(feed.codec))
        for frame in history[-PRIMING_FRAMES:]:
            output.hear(frame)
            output.encode()
        self._outputs[feed] = output
        return output

    def hear(self, mixes: Mapping[int, Pcm]) -> Iterable[Output]:
        """Let every output take its mix of this tick; all of them have a packet to make now."""
        for feed, output in self._outputs.items():
            output.hear(mixes[feed.mix])
            if output.has_failed:
                output.encoder, output.has_failed = self._make_encoder(feed.codec), False
                self._adapt()
        return self._outputs.values()
