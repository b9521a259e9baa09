"""The packets of a tick are the same on two threads as on one; an encoder that fails costs its own listeners alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from config.media import AudioSettings
from mcu.audio import codecs, plane
from mcu.audio.encoding import Encoding
from mcu.audio.errors import LibraryError
from mcu.audio.outputs import Output
from mcu.audio.pcm import TICK_US, Pcm
from mcu.media import Codec
from mcu.worker.channel import Frame
from mcu.worker.messages import AddAudioLeg, AssignAudio
from tests.mcu.audio.simulation import PROMPTS, START_US, Simulation, Terminal, tone

_PATIENCE_S = 5.0


@dataclass
class _Encoder:
    """Does what it is told instead of encoding."""

    work: Callable[[], bytes]

    def encode(self, pcm: Pcm) -> bytes:
        assert len(pcm) == 960
        return self.work()

    def expect_loss(self, percent: int) -> None:
        """Nothing to change."""


def outputs(count: int, work: Callable[[int], bytes], codec: Codec = Codec.OPUS) -> list[Output]:
    return [Output(number, codec, _Encoder(lambda number=number: work(number))) for number in range(count)]


def test_many_are_encoded_by_two_threads_at_once_and_keep_their_order() -> None:
    both = threading.Barrier(2, timeout=_PATIENCE_S)
    seen: set[int] = set()

    def work(number: int) -> bytes:
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            both.wait()
        return bytes((number,))

    encoding = Encoding(2)
    made = outputs(40, work)
    encoding.encode(made)
    assert [output.payload for output in made] == [bytes((number,)) for number in range(40)]
    assert len(seen) == 2
    encoding.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("encode")]


@pytest.mark.parametrize(
    ("count", "threads", "codec"),
    [(15, 2, Codec.OPUS), (40, 1, Codec.OPUS), (40, 2, Codec.PCMU)],
    ids=["few", "one thread is all there is", "G.711"],
)
def test_the_others_are_encoded_where_they_were_mixed(count: int, threads: int, codec: Codec) -> None:
    seen: list[int] = []
    encoding = Encoding(threads)
    encoding.encode(outputs(count, lambda _: seen.append(threading.get_ident()) or b"x", codec))
    assert seen == [threading.get_ident()] * count
    encoding.close()


def test_what_nobody_foresaw_is_not_swallowed() -> None:
    def fail(_: int) -> bytes:
        raise ZeroDivisionError

    encoding = Encoding(2)
    with pytest.raises(ZeroDivisionError):
        encoding.encode(outputs(20, fail))
    encoding.close()


def frames_of(threads: int) -> list[tuple[int, int, bytes]]:
    """All that a room makes in which twenty talk at the same time."""
    talkers = [Terminal(leg, tone(300.0 + 90 * leg, 0.02)) for leg in range(1, 21)]
    settings = AudioSettings(opus_complexity=0, max_talkers=20, encode_threads=threads)
    room = Simulation(*talkers, Terminal(21), settings=settings)
    room.run(0.5)
    assert room.plane.gauges["audio_encoders"] == 21
    room.plane.close()
    return [(frame.stream, frame.sequence, frame.payload) for frame in room.frames]


def test_two_threads_make_what_one_makes() -> None:
    assert frames_of(2) == frames_of(1)


def test_an_encoder_that_fails_costs_its_own_listeners_one_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Codec] = []

    class Failing:
        """G.711 that refuses its third frame: one went through it before the first packet."""

        def __init__(self) -> None:
            self._encoder = codecs.make_encoder(Codec.PCMU, 0, 0, 0)
            self._frames = 0

        def encode(self, pcm: Pcm) -> bytes:
            self._frames += 1
            if self._frames == 3:
                raise LibraryError("refused")
            return self._encoder.encode(pcm)

        def expect_loss(self, percent: int) -> None:
            """Not with G.711."""

    def make_encoder(codec: Codec, *settings: int) -> codecs.Encoder:
        made.append(codec)
        return Failing() if made == [Codec.OPUS, Codec.PCMU] else codecs.make_encoder(codec, *settings)

    monkeypatch.setattr(plane, "make_encoder", make_encoder)
    mixer = plane.AudioPlane(AudioSettings(), PROMPTS)
    mixer.handle(AddAudioLeg("1001", 1, Codec.OPUS))
    mixer.handle(AddAudioLeg("1001", 2, Codec.PCMU))
    ticks: list[list[Frame]] = []
    codec_of: dict[int, Codec] = {}
    for number in range(5):
        produced = mixer.tick(START_US + number * TICK_US)
        told = [message for message in produced.messages if isinstance(message, AssignAudio)]
        codec_of |= {message.output: (Codec.OPUS, Codec.PCMU)[message.leg - 1] for message in told}
        ticks.append(produced.frames)
    assert [[codec_of[frame.stream] for frame in frames] for frames in ticks] == [
        [Codec.OPUS, Codec.PCMU],
        [Codec.OPUS],
        [Codec.OPUS, Codec.PCMU],
        [Codec.OPUS, Codec.PCMU],
        [Codec.OPUS, Codec.PCMU],
    ]
    assert made == [Codec.OPUS, Codec.PCMU, Codec.PCMU]
    assert mixer.totals()["not-encoded"] == 1
    assert all(len(frames[-1].payload) == 160 for frames in ticks[2:])
