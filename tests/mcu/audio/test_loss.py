"""Lost packets: what in-band FEC gives back on the way up, and when it is sent on the way down."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from mcu.audio.opus import OpusEncoder, has_fec
from mcu.audio.pcm import level_db
from mcu.media import Codec
from mcu.net.listener_loss import LossMemory
from mcu.worker.channel import Frame
from mcu.worker.messages import ListenerLoss
from tests.mcu.audio.simulation import Simulation, Terminal, losses, speech, uniform_delay

ONE_WAY_US = 25_000
"""Half of a round trip of 50 ms."""
AUDIBLE_SPEECH_DB = -50.0


@dataclass
class Record(Terminal):
    """Remembers of each packet whether it got lost, how loud it was, and whether the one after it repeats it."""

    lost: list[bool] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)
    repeats: list[bool] = field(default_factory=list)

    def packet(self, number: int, sent_us: int) -> tuple[int, Frame] | None:
        sent = super().packet(number, sent_us)
        assert self.voice is not None
        self.lost.append(sent is None)
        self.levels.append(level_db(self.voice(number)))
        self.repeats.append(sent is not None and has_fec(sent[1].payload))
        return sent

    def gone(self, first: int) -> list[float]:
        """The levels of packets from number `first` on that got lost, and so did what the next one knew of them."""
        numbers = range(first, len(self.lost) - 10)
        return [self.levels[number] for number in numbers if self.lost[number] and not self.repeats[number + 1]]


def test_under_five_percent_loss_less_than_one_percent_of_the_sound_is_concealed() -> None:
    jitter = uniform_delay(6_000)
    sender = Record(1, speech, delay_us=lambda: ONE_WAY_US + jitter(), is_lost=losses(0.05))
    room = Simulation(sender, Terminal(2))
    room.run(6)
    before, first = room.plane.totals(), len(sender.lost)
    room.run(24)
    counts = room.plane.totals()
    counts.subtract(before)
    assert counts["lost"] > 0.04 * 24 * 50
    gone = sender.gone(first)
    # All is given back that the next packet knew; what it did not know was mostly pauses.
    assert abs(counts["concealed"] + counts["underruns"] - len(gone)) <= 2
    assert sum(level > AUDIBLE_SPEECH_DB for level in gone) < 0.01 * 24 * 50


def test_without_loss_nobody_waits_for_what_follows() -> None:
    room = Simulation(Terminal(1, speech), Terminal(2))
    room.run(3)
    assert room.plane.gauges["audio_delay_max_ms"] == 0


@pytest.mark.parametrize(("percent", "expected"), [(0, False), (5, True), (20, True)])
def test_the_flag_says_whether_the_packet_before_is_repeated(percent: int, expected: bool) -> None:
    encoder = OpusEncoder(complexity=0, expected_loss_percent=percent)
    packets = [encoder.encode(speech(number)) for number in range(60)]
    assert (sum(map(has_fec, packets)) > 30) == expected


@pytest.mark.parametrize("payload", [b"", b"\x78", b"\xf8\xff", b"\x7b\xff\xff"])
def test_packets_that_hold_nothing_of_the_one_before(payload: bytes) -> None:
    assert not has_fec(payload)


def test_a_mix_repeats_itself_while_one_of_its_listeners_misses_packets() -> None:
    room = Simulation(Terminal(1, speech), Terminal(2), Terminal(3))
    room.run(1)
    assert not any(has_fec(frame.payload) for frame in room.terminals[2].frames)
    room.plane.handle(ListenerLoss(3, 0.04))
    room.run(1)
    assert sum(has_fec(frame.payload) for frame in room.terminals[2].frames[-50:]) > 30
    assert not any(has_fec(frame.payload) for frame in room.terminals[1].frames)
    room.plane.handle(ListenerLoss(3, 0.0))
    room.run(0.4)
    assert not any(has_fec(frame.payload) for frame in room.terminals[2].frames[-10:])
    room.plane.handle(ListenerLoss(77, 0.5))


def test_another_codec_takes_no_harm() -> None:
    room = Simulation(Terminal(1, speech, Codec.PCMU), Terminal(2, codec=Codec.PCMA))
    room.plane.handle(ListenerLoss(2, 0.2))
    room.run(0.2)
    assert len(room.terminals[2].frames) == 10


def test_loss_is_told_at_once_and_forgotten_slowly() -> None:
    memory = LossMemory()
    assert memory.update(0.0) is None
    assert memory.update(0.05) == 0.05
    assert memory.update(0.05) is None
    told = [memory.update(0.0) for _ in range(40)]
    assert told[-1] is None
    assert [each for each in told if each is not None][-1] == 0.0
    assert 15 < max(second for second, each in enumerate(told) if each is not None) < 30
    memory.update(0.1)
    memory.forget()
    assert memory.update(0.0) is not None
