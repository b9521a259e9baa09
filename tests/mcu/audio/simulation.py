"""A worker's audio plane with simulated terminals on a virtual clock: tones in, decoded sound out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from config.media import AudioSettings
from mcu.audio.codecs import RTP_CLOCK_HZ, Decoder, Encoder, make_decoder, make_encoder
from mcu.audio.pcm import FRAME_SAMPLES, RATE_HZ, TICK_US, Pcm, silence
from mcu.audio.plane import AudioPlane
from mcu.audio.prompts.library import PromptLibrary
from mcu.media import Codec, Kind, leg_of, stream_id
from mcu.rtp.silence import SilenceGate
from mcu.worker.channel import NO_LEVEL, Frame
from mcu.worker.messages import AddAudioLeg, AssignAudio, Levels, Playout

START_US = 1_000_000_000
PROMPTS = PromptLibrary(("en",))
_SPOKEN = PROMPTS.pcm("recording-started")

Voice = Callable[[int], Pcm]
"""The frame with this number."""


def tone(hertz: float, amplitude: float = 0.1, start_s: float = 0.0, stop_s: float = 1e9) -> Voice:
    """A sine that sounds between two times."""

    def frame(number: int) -> Pcm:
        time_s = (number * FRAME_SAMPLES + np.arange(FRAME_SAMPLES)) / RATE_HZ
        is_on = (time_s >= start_s) & (time_s < stop_s)
        return (amplitude * np.sin(2 * np.pi * hertz * time_s) * is_on).astype(np.float32)

    return frame


def silent(_: int) -> Pcm:
    """Nobody speaks."""
    return silence()


_NOISE = np.random.default_rng(1).normal(0, 0.0005, FRAME_SAMPLES).astype(np.float32)


def room_noise(_: int) -> Pcm:
    """-66 dBov: nobody speaks, but the microphone is on."""
    return _NOISE


def speech(number: int) -> Pcm:
    """The same sentence again and again."""
    first = number * FRAME_SAMPLES % (len(_SPOKEN) - FRAME_SAMPLES)
    return _SPOKEN[first : first + FRAME_SAMPLES]


@dataclass
class Terminal:
    """Sends a voice every 20 ms through a network with delay and loss, and keeps what it hears."""

    leg: int
    voice: Voice | None = None
    codec: Codec = Codec.OPUS
    delay_us: Callable[[], int] = lambda: 3_000
    is_lost: Callable[[], bool] = lambda: False
    level: Callable[[int], int] | None = None
    offset_us: int = 0
    due_after_us: int = 0
    sequence: int = 65_500
    heard: list[Pcm] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    output: int = 0

    def __post_init__(self) -> None:
        self.encoder: Encoder = make_encoder(self.codec, 32_000, 0, 5)
        self.decoder: Decoder = make_decoder(self.codec)
        self.timestamp = 0xFFFFF000
        self.gate = SilenceGate()

    def packet(self, number: int, sent_us: int) -> tuple[int, Frame] | None:
        """The packet of frame `number` and when it arrives."""
        if self.voice is None:
            return None
        payload = self.encoder.encode(self.voice(number))
        step = RTP_CLOCK_HZ[self.codec] // 50
        frame = Frame(
            stream_id(self.leg, Kind.AUDIO), self.codec, payload, (self.timestamp + number * step) & 0xFFFFFFFF,
            (self.sequence + number) & 0xFFFF, sent_us, sent_us + self.due_after_us if self.due_after_us else 0,
            level=self.level(number) if self.level else NO_LEVEL,
        )  # fmt: skip
        return None if self.is_lost() else (sent_us + self.delay_us(), frame)

    def hear(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.heard.append(self.decoder.decode(frame.payload))

    def sound(self, last_s: float = 1.0) -> Pcm:
        """What was heard in the last so many seconds."""
        return np.concatenate(self.heard[-round(last_s * 50) :])

    def hears(self, hertz: float, last_s: float = 1.0) -> float:
        """The amplitude of a tone in what was heard last."""
        return amplitude(self.sound(last_s), hertz)


def amplitude(sound: Pcm, hertz: float) -> float:
    """The amplitude of the strongest component within 20 Hz of `hertz`."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) * 4 / len(sound)
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    return float(spectrum[np.abs(frequencies - hertz) <= 20].max())


class Simulation:
    """One room and its terminals; all encode in the cheapest way unless `settings` say otherwise."""

    def __init__(self, *terminals: Terminal, settings: AudioSettings | None = None, room: str = "1001") -> None:
        self.plane = AudioPlane(settings or AudioSettings(opus_complexity=0), PROMPTS)
        self.room = room
        self.terminals: dict[int, Terminal] = {}
        self.now_us = START_US
        self.levels: list[Levels] = []
        self.playouts: list[Playout] = []
        self.frames: list[Frame] = []
        self._number = 0
        self._air: list[tuple[int, int, Frame]] = []
        for terminal in terminals:
            self.join(terminal)

    def join(self, terminal: Terminal, is_recorder: bool = False) -> None:
        self.terminals[terminal.leg] = terminal
        self.plane.handle(AddAudioLeg(self.room, terminal.leg, terminal.codec, is_recorder=is_recorder))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self._send()
            self.now_us += TICK_US
            self._arrive()
            self._tick()

    def _send(self) -> None:
        for terminal in self.terminals.values():
            sent = terminal.packet(self._number, self.now_us + terminal.offset_us)
            if sent is not None:
                self._air.append((sent[0], len(self._air), sent[1]))
        self._number += 1

    def _arrive(self) -> None:
        self._air.sort()
        while self._air and self._air[0][0] <= self.now_us:
            arrival_us, _, frame = self._air.pop(0)
            terminal = self.terminals.get(leg_of(frame.stream))
            if terminal is None or terminal.gate.passes(frame.level, arrival_us):
                self.plane.feed([frame], arrival_us)

    def _tick(self) -> None:
        produced = self.plane.tick(self.now_us)
        self.levels += produced.levels
        for message in produced.messages:
            if isinstance(message, AssignAudio):
                if message.leg in self.terminals:
                    self.terminals[message.leg].output = message.output
            else:
                self.playouts.append(message)
        self.frames += produced.frames
        by_output = {frame.stream: frame for frame in produced.frames}
        for terminal in self.terminals.values():
            terminal.hear(by_output[terminal.output])


def uniform_delay(longest_us: int, seed: int = 1) -> Callable[[], int]:
    """A delay that is any time up to the longest."""
    chance = random.Random(seed)
    return lambda: chance.randrange(longest_us)


def losses(share: float, seed: int = 1) -> Callable[[], bool]:
    """Independent losses."""
    chance = random.Random(seed)
    return lambda: chance.random() < share
