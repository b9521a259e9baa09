"""Digits in sound: levels, twists, deviations, durations and pauses of ITU-T Q.24, noise, loss, and talk-off."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.audio import g711, g722
from mcu.audio.dtmf import ToneDetector
from mcu.audio.pcm import Pcm, silence
from mcu.audio.prompts.library import STORED_HZ
from mcu.audio.prompts.texts import TEXTS
from mcu.audio.resample import Downsampler
from tests.mcu.audio.simulation import PROMPTS

DIGITS = "1234567890*#ABCD"
LOW = {
    digit: hz for row, hz in zip(("123A", "456B", "789C", "*0#D"), (697, 770, 852, 941), strict=True) for digit in row
}
HIGH = {
    digit: hz
    for column, hz in zip(("147*", "2580", "369#", "ABCD"), (1209, 1336, 1477, 1633), strict=True)
    for digit in column
}
FULL_SCALE_DBM0 = 3.14


def pressed(
    digit: str,
    ms: float = 50,
    rate: int = 8000,
    dbm: float = -9,
    twist_db: float = 0,
    off: float = 0,
    off_high: float = 0,
) -> Pcm:
    """One digit; `dbm` is the level of the low tone, deviations are parts of the frequency."""
    time_s = np.arange(round(rate * ms / 1000)) / rate
    low = 10 ** ((dbm - FULL_SCALE_DBM0) / 20)
    high = low * 10 ** (twist_db / 20)
    sound = low * np.sin(2 * np.pi * LOW[digit] * (1 + off) * time_s + 1)
    return (sound + high * np.sin(2 * np.pi * HIGH[digit] * (1 + off_high) * time_s)).astype(np.float32)


def quiet(ms: float, rate: int = 8000) -> Pcm:
    return silence(round(rate * ms / 1000))


def keyed(digits: str = DIGITS, pause_ms: float = 50, rate: int = 8000, lead_ms: float = 47, **how: float) -> Pcm:
    parts = [quiet(lead_ms, rate)]
    for digit in digits:
        parts += [pressed(digit, rate=rate, **how), quiet(pause_ms, rate)]
    return np.concatenate(parts)


def heard(sound: Pcm, rate: int = 8000, packet_ms: int = 20) -> str:
    """What packets change is a test of its own; where minutes pass, long ones save calls."""
    detector, step = ToneDetector(rate), rate * packet_ms // 1000
    return "".join(detector.process(sound[at : at + step]) for at in range(0, len(sound), step))


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("packet_ms", [10, 20, 30, 60, 200])
def test_all_sixteen_digits_are_heard_whatever_the_packets(rate, packet_ms):
    assert heard(keyed(rate=rate), rate, packet_ms) == DIGITS


@pytest.mark.parametrize(
    ("ms", "is_heard"), [(20, False), (23, False), (40, True), (45, True), (100, True), (2000, True)]
)
def test_durations(ms, is_heard):
    for lead_ms in (40, 43.5, 46, 48.75):
        assert heard(keyed("159D", ms=ms, lead_ms=lead_ms)) == ("159D" if is_heard else "")


def test_a_digit_counts_once_however_long_and_again_after_a_pause():
    assert heard(keyed("5", ms=10_000)) == "5"
    assert heard(keyed("5555", ms=50, pause_ms=40)) == "5555"
    interrupted = np.concatenate((pressed("5", 60), quiet(10), pressed("5", 60), quiet(50)))
    assert heard(interrupted) == "5"
    assert heard(np.concatenate((pressed("5", 60), pressed("6", 60), quiet(50)))) == "56"


@pytest.mark.parametrize(
    ("how", "is_heard"),
    [
        ({"dbm": 0}, True),
        ({"dbm": -25}, True),
        ({"dbm": -40}, False),
        ({"twist_db": 4}, True),
        ({"twist_db": -8}, True),
        ({"twist_db": 12}, False),
        ({"twist_db": -15}, False),
        ({"off": 0.018, "off_high": -0.018}, True),
        ({"off": -0.018, "off_high": -0.018}, True),
        ({"off": 0.035}, False),
        ({"off_high": -0.035}, False),
        ({"off": 0.018, "off_high": 0.018, "twist_db": -8, "dbm": -17, "ms": 40}, True),
    ],
)
def test_levels_twists_and_deviations(how, is_heard):
    assert heard(keyed(**how)) == (DIGITS if is_heard else "")


def test_noise_15_db_below_does_not_matter():
    chance = np.random.default_rng(7)
    sound = keyed(DIGITS * 3)
    amplitude = 10 ** ((-9 - FULL_SCALE_DBM0) / 20)
    noise = chance.normal(0, amplitude * 10 ** (-15 / 20), len(sound)).astype(np.float32)
    assert heard(sound + noise) == DIGITS * 3


def test_noise_alone_hum_and_single_tones_are_no_digits():
    chance = np.random.default_rng(8)
    time_s = np.arange(8000 * 20) / 8000
    assert heard(chance.normal(0, 0.2, 8000 * 30).astype(np.float32), packet_ms=200) == ""
    for hertz in (50, 350, 440, 697, 941, 1209, 1633, 2100):
        assert heard((0.3 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32), packet_ms=200) == ""
    sweep = (0.3 * np.sin(2 * np.pi * (300 + 80 * time_s) * time_s)).astype(np.float32)
    assert heard(sweep, packet_ms=200) == ""


@pytest.mark.parametrize("codec", ["pcmu", "pcma", "g722"])
def test_codecs_keep_digits_recognisable(codec):
    if codec == "g722":
        encoder, decoder, sound = g722.G722Encoder(), g722.G722Decoder(), keyed(rate=16000, dbm=-20, twist_db=-6)
        frames = [sound[at : at + 320] for at in range(0, len(sound) - 319, 320)]
        assert heard(np.concatenate([decoder.decode(encoder.encode(frame)) for frame in frames]), 16000) == DIGITS
        return
    encode, decode = (g711.encode_ulaw, g711.decode_ulaw) if codec == "pcmu" else (g711.encode_alaw, g711.decode_alaw)
    for dbm in (-3, -25):
        assert heard(decode(encode(keyed(dbm=dbm)))) == DIGITS


def test_lost_packets_neither_split_nor_make_digits():
    detector, got = ToneDetector(8000), ""
    sound = np.concatenate((quiet(40), pressed("5", 400), quiet(60), pressed("5", 100), quiet(40)))
    for number, at in enumerate(range(0, len(sound), 160)):
        if number in (7, 8, 14):
            detector.miss(160)
        else:
            got += detector.process(sound[at : at + 160])
    assert got == "55"
    detector.process(pressed("5", 80))
    detector.miss(8000)
    assert detector.process(pressed("5", 80)) == "5", "after a second without sound it may be another press"


def test_what_is_a_tone_is_known_soon_enough_to_be_kept_from_others():
    detector, sound = ToneDetector(8000), np.concatenate((quiet(20), pressed("7", 200), quiet(60)))
    flags = []
    for at in range(0, len(sound), 160):
        detector.process(sound[at : at + 160])
        flags.append(detector.is_tone)
    assert flags[2:10] == [True] * 8
    assert not flags[0] and not flags[-1]


@pytest.mark.exhaustive
def test_minutes_of_speech_hold_no_digit():
    """Announcements as talk-off material, at several speeds, so that voices of several pitches say them."""
    to_8_khz, seconds, false = Downsampler(6), 0.0, ""
    assert STORED_HZ == 24_000
    for name in TEXTS:
        sound = to_8_khz.process(PROMPTS.pcm(name)[: len(PROMPTS.pcm(name)) // 6 * 6])
        for speed in (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.45):
            places = np.arange(0, len(sound) - 1, speed)
            voice = np.interp(places, np.arange(len(sound)), sound).astype(np.float32) * 2
            false += heard(voice, packet_ms=200)
            seconds += len(voice) / 8000
    assert false == ""
    assert seconds > 300
