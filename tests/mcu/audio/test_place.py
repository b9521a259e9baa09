"""A caller's place as the caller hears it: prompts, cuts, the echo; and digits, there and in rooms."""

from __future__ import annotations

import numpy as np
import pytest

from config.media import AudioSettings
from mcu.audio.pcm import FRAME_SAMPLES, RATE_HZ, TICK_US, Pcm, level_db
from mcu.audio.plane import AudioPlane
from mcu.audio.prompts.player import Player
from mcu.media import Codec, Kind, stream_id
from mcu.worker.channel import Frame
from mcu.worker.messages import AddAudioLeg, AssignAudio, CloseRoom, Dtmf, MuteLeg, PlayPrompt, StopPrompts
from tests.mcu.audio.simulation import PROMPTS, START_US, Simulation, Terminal, Voice, tone
from tests.mcu.audio.test_dtmf import HIGH, LOW


def place(terminal: Terminal, settings: AudioSettings | None = None, **how: object) -> Simulation:
    simulation = Simulation(settings=settings, room=f"~{terminal.leg}")
    simulation.terminals[terminal.leg] = terminal
    simulation.plane.handle(AddAudioLeg(simulation.room, terminal.leg, terminal.codec, **how))
    return simulation


def keying(digits: str) -> Voice:
    """80 ms of each digit, 80 ms of silence after it, from 0.2 s on."""

    def frame(number: int) -> Pcm:
        time_s = (number * FRAME_SAMPLES + np.arange(FRAME_SAMPLES)) / RATE_HZ - 0.2
        which = np.floor(time_s / 0.16).astype(int)
        pcm = np.zeros(FRAME_SAMPLES)
        for n, digit in enumerate(digits):
            is_on = (which == n) & (time_s - n * 0.16 < 0.08)
            pcm += is_on * 0.15 * (np.sin(2 * np.pi * LOW[digit] * time_s) + np.sin(2 * np.pi * HIGH[digit] * time_s))
        return pcm.astype(np.float32)

    return frame


def digits_of(simulation: Simulation, seconds: float) -> list[Dtmf]:
    found: list[Dtmf] = []
    tick = simulation.plane.tick

    def listening(now_us: int):
        produced = tick(now_us)
        found.extend(produced.digits)
        return produced

    simulation.plane.tick = listening  # type: ignore[method-assign]
    simulation.run(seconds)
    return found


@pytest.mark.parametrize("codec", [Codec.OPUS, Codec.PCMA, Codec.G722])
def test_the_caller_hears_prompts_one_after_the_other_and_never_itself(codec):
    caller = Terminal(7, tone(500), codec)
    room = place(caller)
    for name in ("attendant-goodbye", "muted"):
        room.plane.handle(PlayPrompt("~7", name, 7))
    length_s = sum(len(PROMPTS.get(name)) / 24_000 for name in ("attendant-goodbye", "muted"))
    room.run(length_s)
    assert level_db(caller.sound(length_s)) > -40
    room.run(1.5)
    assert level_db(caller.sound(0.5)) < -60
    assert caller.hears(500) < 0.003
    assert room.plane.gauges["audio_sources"] == 0, "what nobody needs is not decoded"
    assert not room.levels


def test_a_pressed_digit_cuts_what_plays_without_a_click():
    caller = Terminal(7)
    room = place(caller)
    room.plane.handle(PlayPrompt("~7", "menu", 7))
    room.plane.handle(PlayPrompt("~7", "menu", 7))
    room.run(1)
    room.plane.handle(StopPrompts("~7", 7))
    room.plane.handle(PlayPrompt("~7", "muted", 7))
    room.run(len(PROMPTS.get("muted")) / 24_000 + 0.2)
    assert level_db(caller.sound(0.8)) > -45
    room.run(1)
    assert level_db(caller.sound(0.5)) < -60, "the rest of what waited is gone"


def test_a_cut_ends_with_a_fade():
    player = Player(0.0)
    player.add(np.full(24_000, 8000, np.int16))
    player.add(np.full(24_000, 8000, np.int16))
    for _ in range(3):
        player.next_frame()
    player.cut()
    last = player.next_frame()
    assert last is not None and np.abs(np.diff(last)).max() < 0.01 and last[-1] == 0
    assert player.next_frame() is None
    player.cut()
    assert player.next_frame() is None


def test_the_echo_comes_back_after_its_time_and_ends():
    caller = Terminal(7, tone(500, stop_s=1.0))
    room = place(caller, echo_ms=2000)
    room.run(1.9)
    assert caller.hears(500, 1.5) < 0.003
    room.run(1.0)
    assert caller.hears(500, 0.5) > 0.02
    room.run(1.5)
    assert caller.hears(500, 0.5) < 0.003
    assert room.playouts, "its picture is held for its sound"
    room.plane.handle(AddAudioLeg("~7", 7, Codec.OPUS))
    caller.voice = tone(500)
    room.run(4)
    assert caller.hears(500, 3) < 0.003


def test_echoes_are_bounded():
    plane = AudioPlane(AudioSettings(max_echoes=1), PROMPTS)
    for leg in (7, 8):
        plane.handle(AddAudioLeg(f"~{leg}", leg, Codec.OPUS, echo_ms=10**9))
    assert plane.counters["too-many-echoes"] == 1
    caller = Terminal(7, tone(500))
    room = place(caller, echo_ms=10**9)
    room.run(12)
    assert caller.hears(500, 1) > 0.02, "ten seconds are the most"


def test_nobody_gets_into_the_place_of_another():
    plane = AudioPlane(AudioSettings(), PROMPTS)
    plane.handle(AddAudioLeg("~7", 7, Codec.OPUS))
    plane.handle(AddAudioLeg("~7", 8, Codec.OPUS))
    assert plane.counters["foreign-place"] == 1
    assert {message.leg for message in plane.tick(TICK_US).messages if isinstance(message, AssignAudio)} == {7}


def test_from_place_to_room_and_nothing_is_left():
    room = Simulation(Terminal(1, tone(500)), Terminal(2))
    caller = Terminal(7)
    room.terminals[7] = caller
    room.plane.handle(AddAudioLeg("~7", 7, Codec.OPUS))
    room.run(1)
    assert caller.hears(500) < 0.003
    room.plane.handle(AddAudioLeg("1001", 7, Codec.OPUS))
    room.run(1)
    assert caller.hears(500, 0.5) > 0.04
    gauges = room.plane.gauges
    assert (gauges["audio_places"], gauges["audio_rooms"]) == (0, 1)
    room.plane.handle(AddAudioLeg("~7", 7, Codec.OPUS))
    room.run(1)
    assert caller.hears(500, 0.5) < 0.003
    room.plane.handle(CloseRoom("~7"))
    assert room.plane.gauges["audio_places"] == 0


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA, Codec.G722])
def test_digits_are_heard_in_a_place_and_only_where_they_are_wanted(codec):
    wanted = [Dtmf(7, digit) for digit in "19*#"]
    assert digits_of(place(Terminal(7, keying("19*#"), codec), listens_for_digits=True), 1.5) == wanted
    assert digits_of(place(Terminal(7, keying("19*#"), codec)), 1.5) == []
    assert digits_of(place(Terminal(7, keying("19*#"), codec), echo_ms=500), 1.5) == []


def test_a_muted_participant_can_press_digits_and_nobody_else_hears_them():
    for is_muted in (False, True):
        room = Simulation(Terminal(1), Terminal(2))
        presser = Terminal(7, keying("1" * 6), Codec.PCMA)
        room.terminals[7] = presser
        room.plane.handle(AddAudioLeg("1001", 7, Codec.PCMA, listens_for_digits=True))
        room.plane.handle(MuteLeg(7, is_muted))
        assert digits_of(room, 1.3) == [Dtmf(7, "1")] * 6
        assert level_db(room.terminals[2].sound(1)) < -40
        room.plane.handle(AddAudioLeg("1001", 7, Codec.PCMA))
    loud = Simulation(Terminal(7, keying("1" * 6), Codec.PCMA), Terminal(2))
    loud.run(1.3)
    assert level_db(loud.terminals[2].sound(1)) > -30


def test_a_silent_caller_costs_no_encoding():
    encoded = []
    caller = Terminal(7)
    room = place(caller)
    room.run(0.1)
    output = next(iter(room.plane._rooms["~7"]._outputs._outputs.values()))
    encode = output.encoder.encode
    output.encoder.encode = lambda pcm: encoded.append(1) or encode(pcm)  # type: ignore[method-assign]
    room.run(2)
    assert len(encoded) < 30
    assert len(caller.heard) == 105, "packets go on"
    room.plane.handle(PlayPrompt("~7", "muted", 7))
    room.run(1)
    assert level_db(caller.sound(0.8)) > -45


def test_digits_survive_loss_and_disorder_and_strange_codecs():
    voice, terminal = keying("5"), Terminal(7, codec=Codec.PCMA)
    terminal.voice = voice
    packets = [terminal.packet(number, START_US)[1] for number in range(30)]  # type: ignore[index]
    plane = AudioPlane(AudioSettings(), PROMPTS)
    plane.handle(AddAudioLeg("~7", 7, Codec.PCMA, listens_for_digits=True))
    digits: list[str] = []
    for number, frame in enumerate([*packets[:3], packets[4], packets[3], *packets[5:]]):
        if number == 20:
            plane.feed([Frame(frame.stream, Codec.OPUS, b"\xfc\xff\xfe")], START_US)
            plane.feed([Frame(frame.stream, Codec.PCMA, b"")], START_US)
        plane.feed([frame], START_US)
        digits += [each.digit for each in plane.tick(START_US + number * TICK_US).digits]
    assert digits == ["5"]
    assert plane.totals()["unexpected"] == 1 and plane.totals()["bad"] == 1


def test_a_change_of_codec_is_followed_but_not_at_every_packet():
    plane = AudioPlane(AudioSettings(), PROMPTS)
    plane.handle(AddAudioLeg("~7", 7, Codec.PCMA, listens_for_digits=True))
    for number in range(20):
        codec = Codec.PCMA if number % 2 else Codec.PCMU
        plane.feed([Frame(stream_id(7, Kind.AUDIO), codec, bytes(160), sequence=number)], START_US)
        plane.tick(START_US + number * TICK_US)
    assert plane.totals()["bad"] == 10
    sender = Terminal(7, keying("7"), Codec.PCMA)
    digits: list[str] = []
    for number in range(30):
        plane.feed([sender.packet(number, START_US)[1]], START_US)  # type: ignore[index]
        digits += [each.digit for each in plane.tick(START_US + number * TICK_US).digits]
    assert digits == ["7"]
