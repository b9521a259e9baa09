"""Rooms of simulated terminals: who hears whom, how well, and at what cost."""

from __future__ import annotations

import numpy as np
import pytest

from config.media import AudioSettings
from mcu.audio.pcm import TICK_US, level_db
from mcu.media import Codec, Kind, stream_id
from mcu.rtp.silence import is_silent
from mcu.worker.channel import Frame
from mcu.worker.messages import (
    AddAudioLeg,
    AssignAudio,
    BanSource,
    CloseRoom,
    MuteLeg,
    PlayPrompt,
    RemoveAudioLeg,
    RemoveSource,
    SetGain,
)
from tests.mcu.audio.simulation import Simulation, Terminal, losses, room_noise, silent, speech, tone, uniform_delay

_MOST_LATER = 5
TONES = {1: 500.0, 2: 700.0, 3: 1100.0, 4: 1700.0}


@pytest.mark.parametrize(
    "codecs",
    [(Codec.OPUS, Codec.OPUS, Codec.OPUS), (Codec.G722, Codec.PCMU, Codec.PCMA)],
    ids=lambda codecs: "-".join(codec.name for codec in codecs),
)
def test_each_hears_the_others_and_not_itself(codecs: tuple[Codec, ...]) -> None:
    room = Simulation(*(Terminal(leg, tone(TONES[leg]), codec) for leg, codec in enumerate(codecs, 1)))
    room.run(2)
    for terminal in room.terminals.values():
        for leg in room.terminals:
            level = terminal.hears(TONES[leg])
            assert (level > 0.04) == (leg != terminal.leg), (terminal.leg, leg, level)
            assert leg != terminal.leg or level < 0.002


def test_listeners_share_one_encoder() -> None:
    talkers = [Terminal(leg, tone(TONES[leg])) for leg in (1, 2, 3)]
    room = Simulation(*talkers)
    for leg in range(10, 210):
        room.plane.handle(AddAudioLeg("1001", leg, Codec.OPUS))
    room.run(0.4)
    assert room.plane.gauges["audio_encoders"] == 4
    room.plane.handle(AddAudioLeg("1001", 500, Codec.PCMU))
    room.run(0.1)
    assert room.plane.gauges["audio_encoders"] == 5


def test_encoders_are_closed_when_nobody_talks_any_more() -> None:
    room = Simulation(Terminal(1, tone(500, stop_s=0.5)), Terminal(2, silent), Terminal(3))
    room.run(0.4)
    assert room.plane.gauges["audio_encoders"] == 2
    room.run(2.5)
    assert room.plane.gauges["audio_encoders"] == 1
    assert room.terminals[1].output == room.terminals[2].output


def test_fifty_packets_a_second_on_one_grid_even_in_silence() -> None:
    room = Simulation(Terminal(1), Terminal(2))
    room.run(1)
    frames = room.terminals[1].frames
    assert len(frames) == 50
    assert [frame.rtp_timestamp for frame in frames] == [
        (room.now_us // TICK_US - 49 + index) * 960 % 2**32 for index in range(50)
    ]
    assert all(
        frame.capture_us == start for frame, start in zip(frames, range(1_000_020_000, 10**10, 20_000), strict=False)
    )
    assert max(np.abs(room.terminals[1].sound())) < 1e-4


def test_a_quiet_site_is_brought_up_and_a_loud_one_down() -> None:
    terminals = Terminal(1, tone(500, 0.015)), Terminal(2, tone(700, 0.5)), Terminal(3)
    room = Simulation(*terminals, settings=AudioSettings())
    room.run(1)
    early = room.terminals[3].hears(500)
    room.run(6)
    late = room.terminals[3].hears(500)
    assert late > 4 * early
    assert room.terminals[3].hears(700) < 0.3


def test_noise_is_not_pumped_up() -> None:
    generator = np.random.default_rng(1)
    noise = generator.normal(0, 0.002, (400, 960)).astype(np.float32)
    room = Simulation(Terminal(1, lambda number: noise[number % 400]), Terminal(2))
    room.run(8)
    assert level_db(room.terminals[2].sound()) < -48


def test_loud_voices_together_do_not_clip() -> None:
    talkers = (Terminal(leg, tone(TONES[leg], 0.9)) for leg in (1, 2, 3, 4))
    room = Simulation(*talkers, Terminal(5), settings=AudioSettings())
    room.run(1.5)
    sound = room.terminals[5].sound(1.0)
    assert np.abs(sound).max() <= 1.0
    assert np.mean(np.abs(sound) > 0.99) < 0.001
    # Distortion would show as products between the tones.
    assert room.terminals[5].hears(1400) < 0.02 * room.terminals[5].hears(1700)


@pytest.mark.parametrize("codec", [Codec.OPUS, Codec.PCMA, Codec.G722])
def test_five_percent_loss_is_concealed(codec: Codec) -> None:
    heard = []
    for is_lost in (lambda: False, losses(0.05)):
        room = Simulation(Terminal(1, speech, codec, is_lost=is_lost), Terminal(2))
        room.run(5)
        heard.append(np.array([max(-50.0, level_db(frame)) for frame in room.terminals[2].heard]))
    clean, lossy = heard
    # Who waits for the packet after a hole plays later: the frames are compared where they fit best.
    count = len(clean) - _MOST_LATER
    later = [lossy[shift : shift + count] for shift in range(_MOST_LATER)]
    assert min(np.mean(each[-150:] < clean[:count][-150:] - 12) for each in later) < 0.02
    counts = room.plane.totals()
    assert 5 <= counts["lost"] <= 40
    assert counts["underruns"] + counts["concealed"] + counts["recovered"] >= counts["lost"]


def test_regular_arrivals_get_no_extra_delay() -> None:
    room = Simulation(Terminal(1, tone(500)), Terminal(2))
    room.run(5)
    assert room.plane.gauges["audio_delay_max_ms"] == 0
    assert room.playouts[-1].stream == stream_id(1, Kind.AUDIO)
    assert room.playouts[-1].delay_us <= 23_000
    assert room.plane.totals()["underruns"] == 0


def test_jitter_of_80_ms_is_learnt() -> None:
    room = Simulation(Terminal(1, tone(500), delay_us=uniform_delay(80_000)), Terminal(2))
    room.run(4)
    before = room.plane.totals()
    room.run(8)
    after = room.plane.totals()
    assert 70 <= room.plane.gauges["audio_delay_max_ms"] <= 200
    assert after["underruns"] - before["underruns"] <= 3
    assert after["lost"] == before["lost"]
    assert room.playouts[-1].delay_us < 140_000


def test_delay_shrinks_again_when_arrivals_calm_down() -> None:
    terminal = Terminal(1, tone(500), delay_us=uniform_delay(80_000))
    room = Simulation(terminal, Terminal(2))
    room.run(5)
    terminal.delay_us = lambda: 3_000
    room.run(35)
    assert room.plane.gauges["audio_delay_max_ms"] <= 20
    assert room.playouts[-1].delay_us <= 60_000


def test_sound_waits_for_its_picture() -> None:
    room = Simulation(Terminal(1, tone(500), due_after_us=150_000), Terminal(2))
    room.run(3)
    assert 150_000 <= room.playouts[-1].delay_us <= 200_000
    far = Simulation(Terminal(1, tone(500), due_after_us=900_000), Terminal(2))
    far.run(3)
    assert 300_000 <= far.playouts[-1].delay_us <= 350_000


def test_a_word_is_heard_from_its_first_frame() -> None:
    others = [Terminal(leg, tone(TONES[leg], stop_s=2.0)) for leg in (1, 2, 3)]
    room = Simulation(*others, Terminal(9, tone(900, start_s=2.4)), Terminal(5))
    room.run(2.4)
    room.run(0.06)
    assert room.terminals[5].hears(900, last_s=0.02) > 0.01


def test_changing_mixes_does_not_click() -> None:
    room = Simulation(Terminal(1, tone(500, 0.05, stop_s=1.0)), Terminal(2, tone(700, 0.05)), Terminal(3))
    room.run(4)
    # Leg 1 went from its own mix to the shared one while hearing 700 Hz all the time.
    sound = room.terminals[1].sound(3.5)
    steps = np.abs(np.diff(sound))
    assert steps.max() < 2.5 * np.median(np.sort(steps)[-2000:])


def test_muted_and_removed_sources_are_not_heard() -> None:
    room = Simulation(Terminal(1, tone(500)), Terminal(2, tone(700)), Terminal(3))
    room.run(0.5)
    room.plane.handle(MuteLeg(1, True))
    room.run(1)
    assert room.terminals[3].hears(500, 0.5) < 0.002
    assert room.terminals[1].hears(700, 0.5) > 0.04
    room.plane.handle(MuteLeg(1, False))
    room.run(1)
    assert room.terminals[3].hears(500, 0.5) > 0.04
    room.terminals[1].voice = None
    room.plane.handle(RemoveSource(stream_id(1, Kind.AUDIO)))
    room.run(0.5)
    assert room.terminals[3].hears(500, 0.2) < 0.002


def test_others_hear_a_leg_as_loud_as_hosts_wish_and_no_step_between() -> None:
    room = Simulation(Terminal(1, tone(500, 0.05)), Terminal(2))
    room.run(2)
    before = room.terminals[2].hears(500, 0.5)
    room.plane.handle(SetGain(1, -12))
    room.run(1)
    assert room.terminals[2].hears(500, 0.5) == pytest.approx(before / 4, rel=0.1)
    room.plane.handle(SetGain(1, 0))
    room.run(1)
    assert room.terminals[2].hears(500, 0.5) == pytest.approx(before, rel=0.1)
    sound = np.concatenate(room.terminals[2].heard[50:])
    assert np.abs(np.diff(sound)).max() < 1.5 * 2 * np.pi * 500 / 48_000 * np.abs(sound).max()


def test_a_leg_that_left_is_fed_no_more_and_the_room_is_forgotten() -> None:
    room = Simulation(Terminal(1, tone(500)), Terminal(2))
    room.run(0.2)
    del room.terminals[1]
    room.plane.handle(RemoveAudioLeg(1))
    produced = room.plane.tick(room.now_us + TICK_US)
    assert AssignAudio(1, 0) in produced.messages
    room.plane.handle(CloseRoom("1001"))
    produced = room.plane.tick(room.now_us + 2 * TICK_US)
    assert AssignAudio(2, 0) in produced.messages
    assert not produced.frames
    assert room.plane.gauges["audio_rooms"] == 0


def test_a_change_of_codec_gets_another_output() -> None:
    room = Simulation(Terminal(1, tone(500)), Terminal(2))
    room.run(0.2)
    before = room.terminals[2].output
    room.join(Terminal(2, codec=Codec.PCMU))
    room.run(0.5)
    assert room.terminals[2].output not in (0, before)
    assert room.terminals[2].hears(500, 0.2) > 0.04


def test_prompts_are_heard_by_the_room_or_by_one_leg() -> None:
    room = Simulation(Terminal(1), Terminal(2), Terminal(7))
    room.join(Terminal(8), is_recorder=True)
    room.plane.handle(PlayPrompt("1001", "recording-started", leg=2))
    room.run(1)
    assert level_db(room.terminals[2].sound()) > -45
    assert level_db(room.terminals[1].sound()) < -80
    assert room.plane.gauges["audio_encoders"] == 2
    room.run(5)
    assert room.plane.gauges["audio_encoders"] == 1
    room.plane.handle(PlayPrompt("1001", "recording-stopped"))
    room.run(1)
    assert level_db(room.terminals[1].sound()) > -45
    assert level_db(room.terminals[8].sound()) > -45
    room.plane.handle(PlayPrompt("1001", "no such"))
    assert room.plane.counters["unknown-prompt"] == 1


def test_a_recorder_hears_everybody() -> None:
    room = Simulation(Terminal(1, tone(500)), Terminal(2, tone(700)))
    room.join(Terminal(9), is_recorder=True)
    room.run(1.5)
    assert room.terminals[9].hears(500) > 0.04
    assert room.terminals[9].hears(700) > 0.04
    assert all(9 not in levels.levels for levels in room.levels)


def test_levels_talkers_and_speaker_are_told_five_times_a_second() -> None:
    room = Simulation(Terminal(1, tone(500, 0.05, stop_s=2.0)), Terminal(2, tone(700, start_s=2.0)), Terminal(3))
    room.run(2)
    assert len(room.levels) == 10
    assert room.levels[-1].speaker == 1
    assert room.levels[-1].talkers == (1,)
    assert room.levels[0].levels[1] == pytest.approx(29, abs=1)
    room.run(1)
    assert room.levels[-1].speaker == 1
    room.run(2)
    assert room.levels[-1].speaker == 2
    assert room.levels[-1].talkers == (2,)


def test_a_restarted_neighbour_is_told_everything_again() -> None:
    room = Simulation(Terminal(1, tone(500)), Terminal(2))
    room.run(0.5)
    room.plane.neighbour_restarted()
    messages = room.plane.tick(room.now_us + TICK_US).messages
    assert {message.leg for message in messages if isinstance(message, AssignAudio)} == {1, 2}


def test_bad_senders_hurt_nobody() -> None:
    room = Simulation(Terminal(1, tone(500)), Terminal(2), Terminal(3), Terminal(4))
    generator = np.random.default_rng(7)
    for number in range(100):
        room.run(0.02)
        noise = generator.bytes(int(generator.integers(0, 1400)))
        for leg, codec in ((3, Codec.OPUS), (4, Codec.PCMU), (99, Codec.OPUS), (3, Codec.H264)):
            level = noise[0] if noise else 0
            frame = Frame(stream_id(leg, Kind.AUDIO), codec, noise, number * 7919, number * 31, level=level)
            room.plane.feed([frame], room.now_us)
    for leg in (3, 4):
        room.plane.handle(MuteLeg(leg, True))
    room.run(1)
    assert room.terminals[2].hears(500) > 0.04
    counts = room.plane.totals()
    assert counts["unknown-leg"] == 100
    assert counts["not-audio"] == 100
    assert counts["bad"] > 20


def test_a_flood_and_a_sender_that_flips_codecs_are_bounded() -> None:
    room = Simulation(Terminal(1, tone(500)), Terminal(2))
    room.run(0.5)
    stream = stream_id(1, Kind.AUDIO)
    for number in range(500):
        room.plane.feed([Frame(stream, Codec.PCMU, bytes(160), number * 160, number)], room.now_us)
        room.plane.feed([Frame(stream, Codec.PCMA, bytes(160), number * 160, number)], room.now_us)
    assert room.plane.totals()["unexpected"] > 900
    room.run(1)
    assert room.terminals[2].hears(500, 0.5) > 0.04


def test_a_sender_may_change_its_codec() -> None:
    room = Simulation(Terminal(1, tone(500)), Terminal(2))
    room.run(0.5)
    room.join(Terminal(1, tone(900), Codec.PCMA))
    room.run(1)
    assert room.terminals[2].hears(900, 0.5) > 0.04


def test_a_stalled_sender_comes_back_without_lasting_delay() -> None:
    stalled = Terminal(1, tone(500))
    room = Simulation(stalled, Terminal(2, tone(700)), Terminal(3))
    room.run(1)
    release_us = room.now_us + 1_000_000
    stalled.delay_us = lambda: max(3_000, release_us - room.now_us)
    room.run(1.1)
    assert room.terminals[3].hears(700, 1.0) > 0.04
    stalled.delay_us = lambda: 3_000
    room.run(3)
    assert room.terminals[3].hears(500) > 0.04
    assert room.playouts[-1].delay_us < 300_000


_TELLING_OR_MEASURED = pytest.mark.parametrize("codec", [Codec.OPUS, Codec.PCMU, Codec.PCMA], ids=lambda it: it.name)
"""Opus whose senders tell levels, and G.711 whose senders tell none."""


@_TELLING_OR_MEASURED
def test_sources_that_are_known_to_be_silent_are_not_decoded(codec: Codec) -> None:
    tells = codec == Codec.OPUS
    quiet = [Terminal(leg, room_noise, codec, level=(lambda _: 66) if tells else None) for leg in range(20, 30)]
    loud = Terminal(
        1, tone(500, start_s=1.0), codec, level=(lambda number: 23 if number >= 50 else 127) if tells else None
    )
    room = Simulation(loud, Terminal(2), *quiet)
    room.run(1)
    room.run(0.1)
    assert room.terminals[2].hears(500, 0.04) > 0.02
    sources = list(next(iter(room.plane._rooms.values())).sources)
    assert [source.is_resting for source in sources] == [False] + [True] * 10


@_TELLING_OR_MEASURED
def test_who_rests_is_heard_again_from_its_first_word_and_stays_the_speaker(codec: Codec) -> None:
    tells = codec == Codec.OPUS

    def speaks(number: int) -> bool:
        return number < 50 or number >= 200

    voice = tone(500)
    talker = Terminal(
        1, lambda number: voice(number) if speaks(number) else silent(number), codec,
        level=(lambda n: 23 if speaks(n) else 127) if tells else None,
    )  # fmt: skip
    room = Simulation(talker, Terminal(2), Terminal(3, room_noise, codec, level=(lambda _: 66) if tells else None))
    room.run(4)
    assert all(source.is_resting for source in next(iter(room.plane._rooms.values())).sources)
    assert room.plane.totals()["underruns"] == room.plane.totals()["lost"] == 0
    assert (room.levels[-1].speaker, room.levels[-1].talkers) == (1, ())
    [told] = [levels.levels[3] for levels in room.levels if 3 in levels.levels]
    assert is_silent(told)
    assert told < 127
    room.run(1.1)
    assert room.terminals[2].hears(500, 0.04) > 0.02
    assert [levels.levels[1] for levels in room.levels if 1 in levels.levels][-1] == pytest.approx(23, abs=1)
    room.plane.handle(MuteLeg(1, True))
    room.run(0.4)
    assert room.levels[-1].speaker == 0
    assert room.levels[-1].levels.get(1, 127) == 127


class _Switched(Terminal):
    """Opus without levels from a microphone with a switch: while it is off, net says so."""

    def packet(self, number: int, sent_us: int) -> tuple[int, Frame] | None:
        sent = super().packet(number, sent_us)
        if sent is not None and self.voice is not None and not self.voice(number).any():
            sent[1].payload, sent[1].level = b"\xf8\xff\xfe", 127
        return sent


def test_whose_microphone_is_off_takes_no_time_and_is_heard_from_the_first_word() -> None:
    voice = tone(500)
    talker = _Switched(1, lambda number: voice(number) if number < 50 or number >= 200 else silent(number))
    room = Simulation(talker, Terminal(2), *(_Switched(leg, silent) for leg in range(3, 9)))
    room.run(1)
    assert room.terminals[2].hears(500, 0.5) > 0.04
    room.run(3)
    assert all(source.is_resting for source in next(iter(room.plane._rooms.values())).sources)
    assert room.plane.totals()["underruns"] == room.plane.totals()["lost"] == 0
    room.run(0.1)
    assert room.terminals[2].hears(500, 0.04) > 0.02


def test_a_sender_that_calls_silence_loud_loses_its_claim() -> None:
    liars = [Terminal(leg, silent, level=lambda _: 0) for leg in range(20, 35)]
    room = Simulation(Terminal(1, tone(500), level=lambda _: 23), Terminal(2), *liars)
    room.run(2.5)
    assert room.terminals[2].hears(500, 0.5) > 0.04


def test_messages_for_others_and_legs_over_the_bound_are_counted() -> None:
    room = Simulation(Terminal(1))
    room.plane.handle(BanSource(4, True))
    for leg in range(2, 900):
        room.plane.handle(AddAudioLeg("1001", leg, Codec.OPUS))
    assert room.plane.counters["unexpected-message"] == 1
    assert room.plane.counters["too-many-legs"] == 99
