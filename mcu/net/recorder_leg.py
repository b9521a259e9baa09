"""A leg without a network: the rendition and the mix that the recorder gets (whole pictures, no packets)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mcu.media import Format, Kind, stream_id
from mcu.rtp.history import RingFrame
from mcu.worker.channel import Frame


class RecorderLeg:
    """A receiver of the fan-out that hands frames on under its own stream numbers."""

    def __init__(self, leg: int, send: Callable[[Frame], bool]) -> None:
        self._picture_stream = stream_id(leg, Kind.VIDEO)
        self._sound_stream = stream_id(leg, Kind.AUDIO)
        self._send = send

    def picture_format(self) -> Format | None:
        """Whatever the rendition is."""
        return None

    def put_rendition(self, picture: Frame, pieces: RingFrame, rate_bps: int, now_us: int) -> bool:
        """Hand a picture on; when the recorder does not keep up, it goes on at the next keyframe."""
        del pieces, rate_bps, now_us
        return self._send(replace(picture, stream=self._picture_stream))

    def put_sound(self, frame: Frame) -> None:
        """Hand a packet of the mix on."""
        self._send(replace(frame, stream=self._sound_stream))
