"""Pictures as strangers code them: headers that are read before decoding, and the decoders themselves."""

from __future__ import annotations

from collections import Counter

from config.media import VideoSettings
from mcu.media import Codec
from mcu.video.bitstream import BitstreamError, geometries, is_keyframe, without_sei
from mcu.video.fit import fit, tile_box
from mcu.video.source import Source
from mcu.video.waiting import WaitingFrames
from mcu.worker.channel import Frame
from mcu.worker.messages import Tile
from tests.fuzz.target import Bytes, target

SETTINGS = VideoSettings()
_ZEROS = memoryview(bytes(1 << 24))


@target("h264-header", BitstreamError)
def h264_header(data: bytes) -> None:
    is_keyframe(Codec.H264, data)
    without_sei(data)
    for found in geometries(Codec.H264, data):
        found.fits(8192, 8192)


@target("vp8-header", BitstreamError)
def vp8_header(data: bytes) -> None:
    is_keyframe(Codec.VP8, data)
    for found in geometries(Codec.VP8, data):
        found.fits(8192, 8192)


def _decode(codec: Codec, data: bytes) -> None:
    script, source, now_us = Bytes(data), Source(5, SETTINGS, 0), 0
    while not script.is_empty:
        size = script.number(2)
        now_us += 40_000
        source.feed(Frame(5, codec, script.take(size), is_keyframe=True), now_us)
        for _ in range(3):
            source.decode_next(now_us)
        shown = source.show(now_us)
        assert shown is None or (shown.frame.width <= 1920 and shown.frame.height <= 1088)
        assert shown is None or fit(shown.width, shown.frame.height, tile_box(Tile(0, 0, 1, 1), 1280, 720), True)


@target("h264-decoder", is_fast=False)
def h264_decoder(data: bytes) -> None:
    _decode(Codec.H264, data)


@target("vp8-decoder", is_fast=False)
def vp8_decoder(data: bytes) -> None:
    _decode(Codec.VP8, data)


@target("waiting-frames")
def waiting_frames(data: bytes) -> None:
    script, drops = Bytes(data), Counter[str]()
    waiting, now_us = WaitingFrames(SETTINGS, drops, 0), 0
    while not script.is_empty:
        choice = script.number()
        now_us += script.number() * 1000
        if choice < 150:
            frame = Frame(5, Codec.H264, _ZEROS[: script.number() * 40_000], is_keyframe=choice < 20)
            frame.due_us = now_us + script.number(3) - 8_000_000 if choice & 1 else 0
            waiting.push(frame, now_us)
        elif choice < 220:
            if waiting.pop(now_us) is not None:
                waiting.spend(script.number() * 4000)
        else:
            waiting.restart(now_us)
        waiting.take_request(now_us)
        assert len(waiting) <= SETTINGS.max_waiting_frames
        assert waiting._bytes <= SETTINGS.max_waiting_bytes
