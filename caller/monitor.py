"""The eyes and ears of a call on a thread of their own: decode what came, count it, record it."""

from __future__ import annotations

import logging
import queue
import threading
from pathlib import Path

import av

from caller.recorder import Recording
from caller.stream import Received
from mcu.audio.codecs import Decoder, make_decoder
from mcu.audio.errors import AudioError
from mcu.audio.pcm import level_db
from mcu.media import Codec

logger = logging.getLogger(__name__)

MAX_WAITING = 400
"""About 4 s of a call; more waits only when the machine is too slow, and is dropped."""
SOUND_DB = -55.0
"""Louder than this is a sound."""
_DECODERS = {Codec.H264: "h264", Codec.VP8: "vp8", Codec.H263: "h263", Codec.H263_1996: "h263"}


class Monitor:
    """Takes frames from the loop, works on them in a thread. The counts are plain integers: read them any time."""

    def __init__(self, record: Path | None, has_video: bool, has_audio: bool) -> None:
        """Start the thread. Raises OSError or av.FFmpegError when the file cannot be written."""
        self.pictures = self.decode_errors = self.dropped = 0
        self.width = self.height = 0
        self.first_picture_us: int | None = None
        self.first_sound_us: int | None = None
        self.record_error = ""
        self._recording = Recording(record, has_video, has_audio) if record is not None else None
        self._video: av.VideoCodecContext | None = None
        self._audio: dict[Codec, Decoder] = {}
        self._waiting: queue.Queue[tuple[Received, int] | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)
        self._thread.start()

    def put(self, received: Received, now_us: int) -> None:
        """Hand over a frame that arrived now; never blocks."""
        try:
            self._waiting.put_nowait((received, now_us))
        except queue.Full:
            self.dropped += 1

    def close(self, timeout_s: float = 10.0) -> None:
        """Work off what waits, finish the file; blocks."""
        try:
            self._waiting.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            received, now_us = item
            try:
                if received.codec.is_video:
                    self._picture(received, now_us)
                else:
                    self._sound(received, now_us)
            except (av.FFmpegError, AudioError, ValueError) as error:
                self.decode_errors += 1
                logger.debug("a frame could not be used: %s", type(error).__name__)
        if self._recording is not None:
            try:
                self._recording.close()
            except (av.FFmpegError, OSError, ValueError) as error:
                self.record_error = type(error).__name__

    def _picture(self, received: Received, now_us: int) -> None:
        if self._video is None:
            self._video = _picture_decoder(received.codec)
        recording = self._recording
        if recording is not None and received.codec == Codec.H264:
            recording.copy_picture(
                received.payload, received.capture_us, received.is_keyframe, (received.width, received.height)
            )
        for picture in self._video.decode(av.Packet(received.payload)):
            self.pictures += 1
            self.width, self.height = picture.width, picture.height
            if self.first_picture_us is None:
                self.first_picture_us = now_us
            if recording is not None and received.codec != Codec.H264:
                recording.encode_picture(picture, received.capture_us)

    def _sound(self, received: Received, now_us: int) -> None:
        decoder = self._audio.get(received.codec)
        if decoder is None:
            decoder = self._audio[received.codec] = make_decoder(received.codec)
        pcm = decoder.decode(received.payload)
        if self.first_sound_us is None and level_db(pcm) > SOUND_DB:
            self.first_sound_us = now_us
        if self._recording is not None:
            self._recording.sound(pcm, received.capture_us)


def _picture_decoder(codec: Codec) -> av.VideoCodecContext:
    context = av.CodecContext.create(_DECODERS[codec], "r")
    assert isinstance(context, av.VideoCodecContext)
    context.thread_count = 1
    return context
