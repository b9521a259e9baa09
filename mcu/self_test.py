"""Measures what this machine needs for pictures, sound and packets: `python -m mcu.self_test`, JSON on stdout.

It uses the codecs and the compositor of the video and audio processes, at low priority and in CPU time of its one
thread, so that neither it disturbs calls nor they its figures. It takes two or three seconds of one core.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import av
import msgspec
import numpy as np

from config.media import AudioSettings, VideoSettings
from mcu.audio.opus import OpusDecoder, OpusEncoder
from mcu.audio.pcm import FRAME_SAMPLES
from mcu.capacity import Costs, Curve
from mcu.layout import rectangles
from mcu.media import Codec
from mcu.policy import LayoutMode
from mcu.rendition import LADDER, Rung
from mcu.rtp.packet import RtpPacket
from mcu.rtp.srtp_session import SrtpPair
from mcu.video.compositor import Compositor
from mcu.video.decoder import Decoder
from mcu.video.encoder import Encoder
from mcu.video.fonts import Fonts
from mcu.video.labels import Labels
from mcu.video.panel import Panels
from mcu.video.scene import Shown
from mcu.video.source import Picture
from mcu.video.surface import Surface
from mcu.worker.messages import OpenRendition, SetScene, Tile

_NICENESS = 15
_RUNGS = tuple(rung for rung in LADDER if rung.width <= 1280)[:3]
_CODECS = (Codec.H264, Codec.VP8)
_PICTURES = 24
"""Of each size and codec; the first ones, with the keyframe, count like the others."""
_CHUNKS = 4
_TILES = 9
_SOUND_FRAMES = 150
_PACKETS = 600
_PACKET_BYTES = 1150
_SUITE, _KEY = "AES_CM_128_HMAC_SHA1_80", bytes(range(30))


def measure(video: VideoSettings | None = None, audio: AudioSettings | None = None) -> Costs:
    """Everything, one after the other, on the calling thread."""
    video, audio = video or VideoSettings(), audio or AudioSettings()
    encode: dict[str, Curve] = {}
    decode: dict[str, Curve] = {}
    decoded: dict[Rung, list[av.VideoFrame]] = {}
    for codec in _CODECS:
        for rung in _RUNGS:
            encode_s, decode_s, frames = _codec(codec, rung, video)
            encode[codec.name] = (*encode.get(codec.name, ()), (rung.width * rung.height, encode_s))
            decode[codec.name] = (*decode.get(codec.name, ()), (rung.width * rung.height, decode_s))
            decoded[rung] = frames
    compose = tuple((rung.width * rung.height, _compose(rung, decoded[_RUNGS[1]])) for rung in _RUNGS)
    sound_encode, sound_decode = _sound(audio)
    return Costs(decode, encode, compose, sound_decode, sound_encode, _packet())


# ---- pictures


def _codec(codec: Codec, rung: Rung, settings: VideoSettings) -> tuple[float, float, list[av.VideoFrame]]:
    """Seconds to encode and to decode a picture, and what came out."""
    encoder = Encoder(
        OpenRendition(1, "", "", codec, rung.width, rung.height, rung.frame_rate, rung.bitrate_bps), settings
    )
    surfaces = list(_moving(rung))
    ticks = count(0, 1_000_000 // rung.frame_rate)
    coded: list[bytes] = []

    def encode(surface: Surface) -> None:
        frame = encoder.encode(surface, next(ticks))
        if frame is not None:
            coded.append(frame.payload)

    encode_s = _seconds(encode, surfaces)
    decoder = Decoder(codec, settings)
    pictures: list[av.VideoFrame] = []

    def decode(payload: bytes) -> None:
        picture = decoder.decode(payload)
        if picture is not None:
            pictures.append(picture)

    decode_s = _seconds(decode, coded)
    if len(pictures) < len(surfaces) - 1:
        raise RuntimeError(f"{codec.name} {rung.width}x{rung.height}: {len(pictures)} of {len(surfaces)} came out")
    return encode_s, decode_s, pictures


def _moving(rung: Rung) -> Iterator[Surface]:
    """A textured ground that moves, a shape that sways before it, and camera noise."""
    random = np.random.default_rng(7)
    ground = np.kron(random.integers(60, 180, (rung.height // 20 + 8, rung.width // 20 + 8)), np.ones((20, 20)))
    noise = random.normal(0, 3, (rung.height + 32, rung.width + 32))
    for number in range(_PICTURES):
        surface = Surface.blank(rung.width, rung.height, (90, 110, 130))
        luma = ground[number : number + rung.height, 2 * number : 2 * number + rung.width]
        at = number * 7 % 32
        luma = luma + noise[at : at + rung.height, 31 - at : 31 - at + rung.width]
        left = rung.width // 3 + int(rung.width / 20 * np.sin(number / 4))
        luma[rung.height // 4 :, left : left + rung.width // 3] += 30
        surface.planes[0][:] = np.clip(luma, 16, 235)
        yield surface


def _compose(rung: Rung, frames: Sequence[av.VideoFrame]) -> float:
    """Seconds for one canvas of nine tiles that all move."""
    fonts = Fonts()
    compositor = Compositor(rung.width, rung.height, Labels(fonts), Panels(fonts), Counter())
    seats = rectangles(LayoutMode.GRID, _TILES, False)
    tiles = (Tile(r.x, r.y, r.width, r.height, stream, f"Site {stream}") for stream, r in enumerate(seats, 1))
    compositor.set_scene(SetScene("", "", tuple(tiles)))
    serials = count(1)

    def paint(frame: av.VideoFrame) -> None:
        shown = {
            stream: Shown(Picture(frame, frame.width, 0, next(serials)), is_stale=False)
            for stream in range(1, _TILES + 1)
        }
        compositor.paint(shown, _nobody)

    paint(frames[0])  # labels are drawn once
    return _seconds(paint, frames)


# ---- sound and packets


def _sound(settings: AudioSettings) -> tuple[float, float]:
    encoder = OpusEncoder(settings.opus_bitrate_bps, settings.opus_complexity, settings.expected_loss_percent)
    decoder = OpusDecoder()
    at = np.arange(FRAME_SAMPLES * _SOUND_FRAMES) / 48_000
    voice = sum(np.sin(2 * np.pi * 140 * k * at) / k for k in range(1, 10)) * np.abs(np.sin(2 * np.pi * 2.5 * at))
    frames = np.split((0.1 * voice).astype(np.float32), _SOUND_FRAMES)
    packets: list[bytes] = []
    encode_s = _seconds(lambda frame: packets.append(encoder.encode(frame)), frames)
    return encode_s, _seconds(lambda packet: _ignore(decoder.decode(packet)), packets)


def _packet() -> float:
    """Half of what protecting, sending, receiving and unprotecting takes in a bare loop."""
    far, near = SrtpPair(_SUITE, _KEY, _KEY), SrtpPair(_SUITE, _KEY, _KEY)
    payload = bytes(_PACKET_BYTES)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(1)
        address = udp.getsockname()

        def pass_on(sequence: int) -> None:
            packet = RtpPacket(96, False, sequence, sequence, 1, payload).serialize()
            udp.sendto(far.protect(packet) or b"", address)
            if near.unprotect(udp.recv(2048)) is None:
                raise RuntimeError("a packet did not authenticate")

        return _seconds(pass_on, range(_PACKETS)) / 2


def _seconds(work: Callable[..., None], items: Sequence[object]) -> float:
    """CPU seconds for one item, in the quickest of some stretches: what else runs on the machine only adds."""
    size = max(1, len(items) // _CHUNKS)
    found = []
    for first in range(0, len(items), size):
        chunk = items[first : first + size]
        began = time.thread_time()
        for item in chunk:
            work(item)
        found.append((time.thread_time() - began) / len(chunk))
    return min(found)


def _nobody(_stream: int) -> None:
    """Nobody has to know whose picture is touched."""


def _ignore(_pcm: object) -> None:
    """Only the time counts."""


def main() -> int:
    """Print the costs."""
    os.nice(_NICENESS)
    tables = json.loads(sys.stdin.read() or "{}")
    costs = measure(
        msgspec.convert(tables.get("video", {}), VideoSettings), msgspec.convert(tables.get("audio", {}), AudioSettings)
    )
    sys.stdout.buffer.write(msgspec.json.encode(costs) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
