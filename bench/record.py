"""What recording adds to a room beside the encode that a second output would have taken."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import av
import numpy as np

from bench import media, witness
from bench.net_plane import cpu_s
from bench.report import Pair, Result
from bench.video_process import VideoProcess, access_units
from config.media import VideoSettings
from crypto.sealing import Head, SealReader, verify
from mcu.fleet.process import WorkerProcess
from mcu.media import Codec
from mcu.net.links import PatientLink
from mcu.net.recorder_leg import RecorderLeg
from mcu.rtp.history import PieceRing
from mcu.video.encoder import Encoder
from mcu.video.surface import Surface
from mcu.worker import messages
from mcu.worker.channel import Frame, channel_pair
from recorder.mp4 import IndexedFile

_LEG, _MIX, _COUNT = 7, 3, 9
_SIZE, _BITRATE_BPS, _KEYFRAME_S = (1280, 720), 1_500_000, 4.0
_MADE_S = 8.0
_SETTLES_S = 1.0
"""Played before it counts, so that the first fragment and the first imports do not."""
_GATE = 0.02
_LEAST_FRAMES_PER_S = 24.5
_NOTES = (
    "room of 9, H.264 1280x720@25 1.5 Mbit/s with a keyframe every 4 s and the Opus mix, AES-256-GCM, fsync; recording "
    "opens no encoder, so on minus off is: the recorder process, fed in real time (its idle cost is in it), and the "
    "time that net's own recorder leg and link take to hand frames over to it (hand_over). baseline: x264 superfast of "
    "the same pictures, on warm caches"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """One recording."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [media.clip(folder / f"{n}.mp4", n, is_talker=n == 0) for n in range(_COUNT)]
        pictures, sounds = _rendition(clips), _sounds(clips[0])
        pairs, void = [], ""
        for number in range(runs):
            recorder, hand_over, trouble = asyncio.run(_record(folder / f"{number}.dtr", pictures, sounds, seconds))
            figures = {"recorder": recorder, "hand_over": hand_over}
            pairs.append(Pair(recorder + hand_over, _encode(pictures), figures))
            void = void or trouble
        yield Result("record", "one room", "CPU-s/s", pairs, _GATE, _NOTES, void)


def _rendition(clips: Sequence[Path]) -> list[Frame]:
    """What the video process makes of the clips, from one keyframe to the one before which it can be repeated."""
    process = VideoProcess()
    try:
        tiles = [messages.Tile(n % 3 / 3, n // 3 / 3, 1 / 3, 1 / 3, n + 1, f"Clinic {n + 1}") for n in range(_COUNT)]
        process.tell(messages.SetScene("9000", "all", tuple(tiles), is_recording=True))
        process.tell(messages.OpenRendition(1000, "9000", "all", Codec.H264, *_SIZE, 25, _BITRATE_BPS))
        process.tell(messages.UpdateRendition(1000, _KEYFRAME_S))
        process.feed([access_units(clip) for clip in clips], _KEYFRAME_S + _MADE_S + 2)
    finally:
        process.close()
    keyframes = [index for index, frame in enumerate(process.frames) if frame.is_keyframe]
    later = [index for index in keyframes if index >= round(_KEYFRAME_S * 25)]
    return process.frames[later[0] : later[-1]]


def _sounds(clip: Path) -> list[bytes]:
    with av.open(str(clip)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


async def _record(path: Path, pictures: list[Frame], sounds: list[bytes], seconds: float) -> tuple[float, float, str]:
    """CPU seconds per second of the recorder and of handing over, and why the run is void."""
    heard: asyncio.Queue[messages.AnyMessage] = asyncio.Queue()
    settings: dict[str, object] = {"min_free_bytes": 0}
    recorder = WorkerProcess("recorder", "recorder.process", settings, heard.put_nowait, _must_end_well)
    link = PatientLink("recorder", lambda _: None, Counter())
    ours, theirs = channel_pair()
    with theirs:
        recorder.send(messages.Channel("net"), [theirs.fileno()])
    link.connect(ours.detach())
    try:
        head, key = Head("bench", b"").serialize(), secrets.token_bytes(32)
        recorder.send(messages.StartRecording(_LEG, "bench", str(path), key, head, *_SIZE, 25))
        leg = RecorderLeg(_LEG, link)
        await _play(leg, link, pictures, sounds, _SETTLES_S)
        before, began = cpu_s(recorder.pid), time.monotonic()
        hand_over = await _play(leg, link, pictures, sounds, seconds)
        used = (cpu_s(recorder.pid) - before) / (time.monotonic() - began)
        recorder.send(messages.StopRecording(_LEG))
        leg.close()
        error = await _end(heard)
    finally:
        await recorder.stop()
        link.close()
    return used, hand_over, error or _unplayable(path, key, seconds + _SETTLES_S)


def _must_end_well(status: int) -> None:
    if status:
        raise RuntimeError(f"the recorder ended with status {status}")


async def _end(heard: asyncio.Queue[messages.AnyMessage]) -> str:
    """What went wrong, "" where nothing did."""
    while True:
        message = await asyncio.wait_for(heard.get(), 10)
        if isinstance(message, messages.RecordingEnded):
            return message.error


async def _play(
    leg: RecorderLeg, link: PatientLink, pictures: list[Frame], sounds: list[bytes], seconds: float
) -> float:
    """Both streams in real time, as the fan-out hands them out; CPU seconds per second of what net does with them.

    Net looks every 10 ms, too, whether it is time for the recorder.
    """
    began_us, spent = time.monotonic_ns() // 1000, 0.0
    pieces = PieceRing(Codec.H264, 1200, 1).add(pictures[0].payload, 0, 0, is_keyframe=True)
    for index in range(round(seconds * 100)):
        at_us = began_us + index * 10_000
        await asyncio.sleep(max(0.0, (at_us - time.monotonic_ns() // 1000) / 1e6))
        sound, picture = _due(index, at_us, pictures, sounds)
        before = time.thread_time()
        if sound is not None:
            leg.put_sound(sound)
        if picture is not None:
            leg.put_rendition(picture, pieces, _BITRATE_BPS, at_us)
        link.handle_timeout(at_us)
        spent += time.thread_time() - before
    return spent / seconds


def _due(index: int, at_us: int, pictures: list[Frame], sounds: list[bytes]) -> tuple[Frame | None, Frame | None]:
    """What the audio and the video process have made in this 10 ms: sound every 20 ms, a picture every 40 ms."""
    sound = picture = None
    if index % 2 == 0:
        number = index // 2
        payload, stamp = sounds[number % len(sounds)], at_us * 48 // 1000 & 0xFFFFFFFF
        sound = Frame(_MIX, Codec.OPUS, payload, stamp, number & 0xFFFF, at_us)
    if index % 4 == 0:
        made, stamp = pictures[index // 4 % len(pictures)], at_us * 9 // 100 & 0xFFFFFFFF
        picture = replace(made, rtp_timestamp=stamp, capture_us=at_us)
    return sound, picture


def _encode(pictures: list[Frame]) -> float:
    """CPU seconds that x264 takes for a second of them, with the settings of the video process."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    surfaces = [Surface(picture) for each in pictures for picture in decoder.decode(av.Packet(each.payload))]
    encoder = Encoder(messages.OpenRendition(1, "", "", Codec.H264, *_SIZE, 25, _BITRATE_BPS), VideoSettings())
    before = time.process_time()
    for index, surface in enumerate(surfaces):
        encoder.encode(surface, index * 40_000)
    return (time.process_time() - before) / (len(surfaces) / 25)


def _unplayable(path: Path, key: bytes, seconds: float) -> str:
    """Why the file is not what it should be, "" where every second plays and every tile is seen."""
    data = path.read_bytes()

    def read_at(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    if not verify(read_at, len(data), key).is_complete:
        return "the recording is not complete"
    sealed = SealReader(read_at, len(data), key)
    index = IndexedFile(sealed.read, sealed.size)
    with av.open(BytesIO(index.read(sealed.read, 0, index.size)), "r") as container:
        pictures = list(container.decode(video=0))
    if len(pictures) < seconds * _LEAST_FRAMES_PER_S:
        return f"{len(pictures) / seconds:.1f} frames/s were recorded"
    found = set(witness.tiles(pictures[-1].to_ndarray(format="rgb24").astype(np.uint8), _COUNT))
    return "" if len(found) == _COUNT else f"only {len(found)} of {_COUNT} tiles were seen"
