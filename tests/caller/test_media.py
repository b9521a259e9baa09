"""Programmes: length, loops, keyframes, files; voices and pictures that can be told apart."""

from fractions import Fraction

import av
import numpy as np
import pytest

from caller import pattern, voice
from caller.media import LOOP_S, PictureEncoder, Programme, Unit, make_programme
from caller.options import CallOptions
from mcu.audio.codecs import make_decoder
from mcu.media import Codec
from mcu.rtp import h261, h263, h263_old, h264
from mcu.rtp.cutting import cut
from mcu.rtp.pieces import MAX_PIECE_BYTES

SMALL = {"width": 160, "height": 96, "bitrate_bps": 100_000}
DEPACKETIZERS = {
    Codec.H263: h263.Depacketizer, Codec.H263_1996: h263_old.Depacketizer, Codec.H261: h261.Depacketizer,
}  # fmt: skip


def decoded(units, codec="h264"):
    context = av.CodecContext.create(codec, "r")
    pictures = [frame for unit in units for frame in context.decode(av.Packet(unit.payload))]
    return [frame.to_ndarray(format="rgb24") for frame in pictures + context.decode(None)]


@pytest.mark.parametrize("video", [Codec.H264, Codec.VP8])
def test_a_test_programme_loops_and_has_keyframes_close_together(video) -> None:
    programme = make_programme(CallOptions("sip:1@h", video=video, **SMALL))
    assert (len(programme.audio), len(programme.video)) == (50 * LOOP_S, 25 * LOOP_S)
    keyframes = [index for index, unit in enumerate(programme.video) if unit.is_keyframe]
    assert keyframes[0] == 0
    assert max(np.diff([*keyframes, len(programme.video)])) <= 13
    assert programme.video_at(25 * LOOP_S) is programme.video[0]
    assert programme.audio_at(50 * LOOP_S + 3) is programme.audio[3]


def test_the_mark_moves_and_the_colour_stays() -> None:
    first, later = (
        frame.to_ndarray(format="rgb24") for frame in list(pattern.pictures("A", "#c01020", (320, 180), 50))[5:45:39]
    )
    assert np.allclose(first[90, 160], (0xC0, 0x10, 0x20), atol=6)
    assert np.allclose(later[90, 160], (0xC0, 0x10, 0x20), atol=6)
    assert np.argmax(first[150, :, 2]) != np.argmax(later[150, :, 2])


def test_flash_and_beep_are_at_the_start_of_each_second() -> None:
    programme = make_programme(CallOptions("sip:1@h", play="flash", **SMALL))
    bright = [picture.mean() > 200 for picture in decoded(programme.video[:75])]
    assert [index for index, is_bright in enumerate(bright) if is_bright] == [0, 1, 25, 26, 50, 51]
    decoder = make_decoder(Codec.OPUS)
    loud = [float(np.abs(decoder.decode(packet)).max()) > 0.2 for packet in programme.audio[:100]]
    assert [index for index in range(1, 100) if loud[index] and not loud[index - 1]][-1] in (50, 51)


def test_voices_differ_and_are_loud_enough() -> None:
    one, two = voice.voice(1, 144_000), voice.voice(2, 144_000)
    for pcm in (one, two):
        assert 0.3 < np.abs(pcm).max() <= 0.6
        assert (np.abs(pcm).reshape(-1, 960).max(axis=1) < 1e-3).sum() > 5  # pauses
    pitches = [float(np.argmax(np.abs(np.fft.rfft(pcm[:9600])))) * 5 for pcm in (one, two)]
    assert pitches[0] != pitches[1]
    assert not np.array_equal(one, voice.voice(7, 144_000))


def test_tones_loop_without_a_click() -> None:
    tone = voice.sound("600", 1)
    joint = np.concatenate((tone[-2:], tone[:2]))
    assert np.abs(np.diff(joint)).max() < 0.03
    assert not voice.sound("silence", 1).any()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=44_100)
        audio.layout = "stereo"
        for index in range(30):
            picture = np.full((240, 320, 3), (0, 0, 200) if index >= 10 else (200, 0, 0), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(video.encode(frame))
            samples = np.arange(index * 4410, (index + 1) * 4410)
            tone = (8000 * np.sin(2 * np.pi * 500 * samples / 44_100)).astype(np.int16)
            sound = av.AudioFrame.from_ndarray(np.repeat(tone, 2).reshape(1, -1), format="s16", layout="stereo")
            sound.sample_rate, sound.pts, sound.time_base = 44_100, index * 4410, Fraction(1, 44_100)
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
    return str(path)


def test_a_file_is_played_at_our_rate_and_loops(file) -> None:
    programme = make_programme(CallOptions("sip:1@h", play=file, **SMALL))
    assert programme.wait(20)
    assert len(programme.audio) // 50 == len(programme.video) // 25 == 2
    pictures = decoded(programme.video)
    assert pictures[10][48, 80][0] > 150
    assert pictures[40][48, 80][2] > 150
    assert programme.video_at(50).is_keyframe
    assert not programme.has_failed


def test_what_is_no_film_fails_quietly(tmp_path) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(bytes(1000))
    programme = make_programme(CallOptions("sip:1@h", play=str(path), **SMALL))
    assert programme.wait(10)
    assert programme.has_failed
    assert programme.video_at(0) is None


def test_a_growing_programme_waits_instead_of_looping() -> None:
    programme = Programme(25)
    programme.video.append(Unit(b"x", True))
    assert programme.video_at(1) is None
    programme.finish()
    assert programme.video_at(1) is programme.video[0]


def test_pictures_of_any_size_are_fitted() -> None:
    encoder = PictureEncoder(Codec.H264, (160, 96), 25, 100_000)
    units = [unit for size in ((320, 240), (64, 64)) for unit in encoder.encode(av.VideoFrame(*size, "yuv420p"))]
    assert [picture.shape for picture in decoded(units)] == [(96, 160, 3)] * 2


def test_slices_of_packetization_mode_0_fit_into_a_packet() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (96, 160, 3), np.uint8)
    picture = av.VideoFrame.from_ndarray(noise, format="rgb24")

    def longest(mode):
        (unit,) = PictureEncoder(Codec.H264, (160, 96), 25, 4_000_000, mode).encode(picture)
        return max(end - start for start, end in h264.nal_units(unit.payload))

    assert longest(0) <= MAX_PIECE_BYTES < longest(1)


@pytest.mark.parametrize("codec", [Codec.H263, Codec.H263_1996, Codec.H261])
def test_older_codecs_come_in_their_own_sizes(codec) -> None:
    programme = make_programme(CallOptions("h323:1@h", audio=None, video=codec, color="#c01020", width=176, height=144))
    joiner = DEPACKETIZERS[codec]()
    joined = [joiner.join([piece.payload for piece in cut(codec, unit.payload)]) for unit in programme.video]
    assert [each.payload for each in joined] == [unit.payload for unit in programme.video]
    keyframes = [index for index, each in enumerate(joined) if each.is_keyframe]
    assert keyframes[0] == 0
    assert max(np.diff([*keyframes, len(programme.video)])) <= 13
    pictures = decoded(programme.video[:5], "h261" if codec is Codec.H261 else "h263")
    assert pictures[-1].shape == (144, 176, 3)
    assert np.allclose(pictures[-1][72, 88], (0xC0, 0x10, 0x20), atol=12)


@pytest.mark.parametrize(("profile", "idc"), [("baseline", 66), ("main", 77), ("high", 100)])
def test_h264_is_of_the_profile_that_was_asked_for(profile, idc) -> None:
    keyframe = make_programme(CallOptions("h323:1@h", audio=None, profile=profile, **SMALL)).video[0].payload
    units = [keyframe[start:end] for start, end in h264.nal_units(keyframe)]
    assert [unit[1] for unit in units if unit[0] & 0x1F == h264.SPS] == [idc]
