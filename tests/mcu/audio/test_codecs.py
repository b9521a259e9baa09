"""Codecs, resampling, concealment and time stretching on signals whose outcome is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.audio import g711, opus, stretch
from mcu.audio.codecs import AUDIO_CODECS, duration_us, make_decoder, make_encoder
from mcu.audio.conceal import Repetition
from mcu.audio.errors import BadPacketError
from mcu.audio.pcm import FRAME_SAMPLES, RATE_HZ, Pcm, level_db
from mcu.audio.resample import Downsampler, Upsampler
from mcu.media import Codec
from mcu.rtp.silence import is_empty
from tests.mcu.audio.simulation import PROMPTS, amplitude


def sine(hertz: float, samples: int, rate_hz: int = RATE_HZ, size: float = 0.25) -> Pcm:
    return (size * np.sin(2 * np.pi * hertz * np.arange(samples) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize("codec", AUDIO_CODECS)
def test_a_tone_survives_every_codec(codec: Codec) -> None:
    encoder, decoder = make_encoder(codec, 32_000, 5, 0), make_decoder(codec)
    frames = sine(1000, RATE_HZ).reshape(-1, FRAME_SAMPLES)
    packets = [encoder.encode(frame) for frame in frames]
    sound = np.concatenate([decoder.decode(packet) for packet in packets])
    assert len(sound) == RATE_HZ
    assert amplitude(sound[RATE_HZ // 2 :], 1000) == pytest.approx(0.25, rel=0.15)
    assert {duration_us(codec, packet) for packet in packets} == {20_000}


def test_g711_has_the_values_of_the_standard() -> None:
    assert [round(float(value) * 32768) for value in g711.decode_ulaw(b"\x00\x7f\xff\x80")] == [-32124, 0, 0, 32124]
    assert [round(float(value) * 32768) for value in g711.decode_alaw(b"\x55\xd5\x2a\xaa")] == [-8, 8, -32256, 32256]


@pytest.mark.parametrize(
    ("encode", "decode"), [(g711.encode_ulaw, g711.decode_ulaw), (g711.encode_alaw, g711.decode_alaw)]
)
def test_g711_codes_survive_a_round_trip(encode, decode) -> None:  # type: ignore[no-untyped-def]
    values = decode(bytes(range(256)))
    assert np.array_equal(decode(encode(values)), values)


@pytest.mark.parametrize("factor", [3, 6])
def test_resampling_keeps_the_band_and_nothing_else(factor: int) -> None:
    rate = RATE_HZ // factor
    up, down = Upsampler(factor), Downsampler(factor)
    low = np.concatenate([down.process(frame) for frame in sine(1000, RATE_HZ).reshape(-1, FRAME_SAMPLES)])
    assert len(low) == rate
    wide = np.concatenate([up.process(frame) for frame in low.reshape(50, -1)])
    assert amplitude(wide[RATE_HZ // 2 :], 1000) == pytest.approx(0.25, rel=0.02)
    assert amplitude(wide[RATE_HZ // 2 :], rate - 1000) < 0.25e-3
    above = np.concatenate([down.process(frame) for frame in sine(rate / 2 * 1.25, RATE_HZ).reshape(-1, FRAME_SAMPLES)])
    assert level_db(above[rate // 2 :]) < -60


@given(st.binary(max_size=1500))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_sound_or_a_bad_packet(payload: bytes) -> None:
    for codec in AUDIO_CODECS:
        try:
            assert 0 < duration_us(codec, payload) <= 120_000
            sound = make_decoder(codec).decode(payload)
        except BadPacketError:
            continue
        assert len(sound) == duration_us(codec, payload) * 48 // 1000
        assert np.isfinite(sound).all()


def test_fec_is_nearer_to_what_was_lost_than_concealment() -> None:
    speech = PROMPTS.pcm("recording-started")
    frames = speech[: len(speech) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    encoder = opus.OpusEncoder(32_000, 5, 20)
    packets = [encoder.encode(frame) for frame in frames]
    errors = {"fec": 0.0, "plc": 0.0}
    reference, fec, plc = opus.OpusDecoder(), opus.OpusDecoder(), opus.OpusDecoder()
    for number, packet in enumerate(packets[:-1]):
        truth = reference.decode(packet)
        if number % 5 == 4:
            errors["fec"] += float(np.sum((fec.recover(packets[number + 1], 960) - truth) ** 2))
            errors["plc"] += float(np.sum((plc.conceal(960) - truth) ** 2))
        else:
            fec.decode(packet)
            plc.decode(packet)
    assert errors["fec"] < 0.6 * errors["plc"]


@pytest.mark.parametrize("level_db", [-80.0, -60.0, -30.0])
@pytest.mark.parametrize("bitrate_bps", [6_000, 32_000])
def test_no_opus_of_any_noise_counts_as_a_microphone_that_is_off(level_db: float, bitrate_bps: int) -> None:
    noise = np.random.default_rng(1).normal(0, 10 ** (level_db / 20), (50, FRAME_SAMPLES)).astype(np.float32)
    encoder = opus.OpusEncoder(bitrate_bps, 0)
    assert not any(is_empty(encoder.encode(frame)) for frame in noise)


def test_what_opus_makes_of_a_microphone_that_is_off_sounds_like_nothing() -> None:
    off = b"\xf8\xff\xfe"  # libopus for music, at any bit rate
    assert is_empty(off)
    assert np.abs(opus.OpusDecoder().decode(off)).max() < 1e-6
    assert not is_empty(b"")
    assert not is_empty(off + off)
    assert not is_empty(bytes((off[0] | 3, 2, 0))), "two frames"


def test_repetition_goes_on_with_the_pitch_and_fades() -> None:
    repetition = Repetition(8000)
    tone = sine(200, 1600, 8000)
    for frame in tone[:800].reshape(-1, 160):
        repetition.accept(frame)
    made = np.concatenate([repetition.conceal(160) for _ in range(4)])
    assert level_db(made[:160] - tone[800:960]) < level_db(tone) - 12
    assert np.abs(made[480:]).max() < 1e-9
    assert np.abs(made[300:400]).max() < 0.2
    back = repetition.accept(tone[960:1120])
    assert np.array_equal(back[32:], tone[992:1120])


@pytest.mark.parametrize("hertz", [110, 220, 1000])
def test_stretching_changes_the_length_and_does_not_click(hertz: float) -> None:
    sound = sine(hertz, 2 * FRAME_SAMPLES)
    for changed, sign in ((stretch.shorten(sound), -1), (stretch.lengthen(sound), 1)):
        assert 240 <= sign * (len(changed) - len(sound)) <= 720
        assert np.abs(np.diff(changed)).max() < 1.2 * np.abs(np.diff(sound)).max()
    assert np.array_equal(stretch.shorten(sound[:500]), sound[:500])
