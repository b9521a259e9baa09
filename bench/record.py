"""What recording adds to a room beside the encode that a second output would have taken."""

from __future__ import annotations

import secrets
import selectors
import subprocess
import sys
import tempfile
import time
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
from mcu.media import Codec, Kind, stream_id
from mcu.video.encoder import Encoder
from mcu.video.surface import Surface
from mcu.worker import messages
from mcu.worker.channel import Channel, Frame, channel_pair
from recorder.mp4 import IndexedFile

_LEG, _COUNT = 7, 9
_SIZE, _BITRATE_BPS, _KEYFRAME_S = (1280, 720), 1_500_000, 4.0
_MADE_S = 8.0
_GATE = 0.02
_LEAST_FRAMES_PER_S = 24.5
_NOTES = (
    "room of 9, H.264 1280x720@25 1.5 Mbit/s with a keyframe every 4 s and the Opus mix, AES-256-GCM, fsync; recording "
    "opens no encoder, so on minus off is: the recorder process, fed over its channel in real time, and the time "
    "that its feeder takes to hand frames over (hand_over, net's share). baseline: x264 superfast of the same "
    "pictures, on warm caches"
)


def run(seconds: float, runs: int) -> Iterator[Result]:
    """One recording."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [media.clip(folder / f"{n}.mp4", n, is_talker=n == 0) for n in range(_COUNT)]
        pictures, sounds = _rendition(clips), _sounds(clips[0])
        pairs, void = [], ""
        for number in range(runs):
            recorder, hand_over, trouble = _record(folder / f"{number}.dtr", pictures, sounds, seconds)
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


def _record(path: Path, pictures: list[Frame], sounds: list[bytes], seconds: float) -> tuple[float, float, str]:
    """CPU seconds per second of the recorder and of handing over, and why the run is void."""
    ours, theirs = channel_pair()
    net_ours, net_theirs = channel_pair()
    command = [sys.executable, "-m", "recorder.process", "--fd", str(theirs.fileno())]
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    theirs.close()
    control, net, key = Channel(ours), Channel(net_ours), secrets.token_bytes(32)
    try:
        control.send(messages.Start({"min_free_bytes": 0}))
        control.send(messages.Channel("net"), [net_theirs.fileno()])
        net_theirs.close()
        head = Head("bench", b"").serialize()
        control.send(messages.StartRecording(_LEG, "bench", str(path), key, head, *_SIZE, 25))
        wait_for(control, messages.ProcessStats)
        before, began = cpu_s(process.pid), time.monotonic()
        hand_over = _play(net, pictures, sounds, seconds)
        used = (cpu_s(process.pid) - before) / (time.monotonic() - began)
        control.send(messages.StopRecording(_LEG))
        ended = wait_for(control, messages.RecordingEnded)
        control.send(messages.Stop())
        process.wait(10)
    finally:
        process.kill()
        process.wait()
        control.close()
        net.close()
    error = ended.error if isinstance(ended, messages.RecordingEnded) else "no end"
    return used, hand_over, error or _unplayable(path, key, seconds)


def _play(net: Channel, pictures: list[Frame], sounds: list[bytes], seconds: float) -> float:
    """Both streams in real time, 20 ms after 20 ms; the CPU time of writing them into the channel, per second."""
    began_us, spent = time.monotonic_ns() // 1000, 0.0
    for index in range(round(seconds * 50)):
        at_us = began_us + index * 20_000
        time.sleep(max(0.0, (at_us - time.monotonic_ns() // 1000) / 1e6))
        sound = Frame(
            stream_id(_LEG, Kind.AUDIO), Codec.OPUS, sounds[index % len(sounds)], at_us * 48 // 1000 & 0xFFFFFFFF,
            index & 0xFFFF, at_us,
        )  # fmt: skip
        frames = [sound]
        if index % 2 == 0:
            picture = pictures[index // 2 % len(pictures)]
            stamp = at_us * 9 // 100 & 0xFFFFFFFF
            frames.append(
                replace(picture, stream=stream_id(_LEG, Kind.VIDEO), rtp_timestamp=stamp, capture_us=at_us)
            )  # fmt: skip
        before = time.thread_time()
        for frame in frames:
            net.send_frame(frame)
        net.flush()
        spent += time.thread_time() - before
    return spent / seconds


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


def wait_for(control: Channel, kind: type[messages.Message]) -> messages.Message:
    """The first message of this kind. Raises TimeoutError after 10 s."""
    deadline = time.monotonic() + 10
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            selector.select(left)
            for message in control.receive():
                if isinstance(message, kind):
                    return message
    raise TimeoutError(kind.__name__)
