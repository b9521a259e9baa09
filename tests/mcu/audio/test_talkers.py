"""Who is mixed and who is shown: hysteresis on a virtual clock."""

from __future__ import annotations

from mcu.audio.pcm import TICK_US
from mcu.audio.talkers import ActiveSpeaker, TalkerSelection, Voice

SILENT = Voice(-90.0, is_speech=False)
NOISE = Voice(-50.0, is_speech=False)


def speech(level_db: float = -25.0) -> Voice:
    return Voice(level_db, is_speech=True)


class Clock:
    """Feeds voices to a selection, tick by tick."""

    def __init__(self, seats: int = 3) -> None:
        self.selection = TalkerSelection(seats)
        self.now_us = 0

    def run(self, voices: dict[int, Voice], seconds: float = 0.02) -> tuple[int, ...]:
        for _ in range(round(seconds * 50)):
            self.change = self.selection.update(voices, self.now_us)
            self.now_us += TICK_US
        return self.selection.talkers


def test_a_speaker_is_admitted_with_the_first_frame_and_kept_for_a_second_and_a_half() -> None:
    clock = Clock()
    assert clock.run({1: SILENT, 2: SILENT}) == ()
    assert clock.run({1: speech(), 2: SILENT}) == (1,)
    assert clock.change.entering == {1}
    assert clock.run({1: SILENT, 2: SILENT}, 1.48) == (1,)
    clock.run({1: SILENT, 2: SILENT}, 0.04)
    assert clock.change.leaving == {1}
    assert clock.selection.talkers == ()


def test_a_speaker_takes_the_seat_of_who_is_silent_longest() -> None:
    clock = Clock()
    clock.run({1: speech(), 2: speech(), 3: speech()}, 1)
    clock.run({1: speech(), 2: SILENT, 3: speech()}, 0.2)
    clock.run({1: speech(), 2: SILENT, 3: SILENT}, 0.4)
    assert set(clock.run({1: speech(), 2: SILENT, 3: SILENT, 4: speech()})) == {1, 3, 4}
    assert clock.change.leaving == {2}


def test_speech_displaces_noise_and_noise_displaces_nobody_who_speaks() -> None:
    clock = Clock()
    assert set(clock.run({1: NOISE, 2: speech(), 3: speech()})) == {1, 2, 3}
    assert set(clock.run({1: NOISE, 2: speech(), 3: speech(), 4: speech(-45)})) == {2, 3, 4}
    assert set(clock.run({1: NOISE, 2: speech(), 3: speech(), 4: speech(-45)}, 3)) == {2, 3, 4}


def test_among_speakers_only_one_who_is_clearly_louder_gets_in() -> None:
    clock = Clock()
    full = {1: speech(-20), 2: speech(-25), 3: speech(-40)}
    clock.run(full, 2)
    assert set(clock.run(full | {4: speech(-36)}, 1)) == {1, 2, 3}
    assert set(clock.run(full | {4: speech(-30)})) == {1, 2, 4}
    # The one who came last keeps the seat although another one is louder again.
    assert set(clock.run(full | {3: speech(-20), 4: speech(-30)}, 1)) == {1, 2, 4}


def test_who_leaves_the_room_leaves_the_mix() -> None:
    clock = Clock()
    clock.run({1: speech(), 2: speech()})
    assert clock.run({2: speech()}) == (2,)


def run(speaker: ActiveSpeaker, voices: dict[int, Voice], start_us: int, seconds: float) -> int:
    for tick in range(round(seconds * 50)):
        speaker.update(voices, start_us + tick * TICK_US)
    return speaker.leg


def test_the_active_speaker_changes_after_dominance() -> None:
    speaker = ActiveSpeaker()
    assert run(speaker, {1: SILENT, 2: NOISE}, 0, 1) == 0
    assert run(speaker, {1: speech(), 2: SILENT}, 1_000_000, 0.02) == 1
    assert run(speaker, {1: SILENT, 2: speech()}, 2_000_000, 1.0) == 1
    assert run(speaker, {1: speech(), 2: SILENT}, 3_000_000, 1.0) == 1
    assert run(speaker, {1: SILENT, 2: speech()}, 4_000_000, 1.6) == 2
    assert run(speaker, {1: SILENT, 2: SILENT}, 6_000_000, 5.0) == 2
    assert run(speaker, {1: SILENT}, 12_000_000, 0.02) == 0
