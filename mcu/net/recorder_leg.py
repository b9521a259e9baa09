"""A leg without a network: the rendition and the mix that the recorder gets (whole pictures, no packets)."""

from __future__ import annotations

from typing import Protocol

from mcu.media import Format, Kind, stream_id
from mcu.rtp.history import RingFrame
from mcu.worker.channel import Frame
from mcu.worker.messages import Message, StopRecording


class Recorder(Protocol):
    """The way to the recorder process; what is sent arrives in order."""

    def send_frame(self, frame: Frame) -> bool:
        """Hand a frame over, soon; False when it was dropped."""

    def send(self, message: Message) -> None:
        """Tell it something, and hand over at once what waits."""


class RecorderLeg:
    """A receiver of the fan-out that hands frames on under its own stream numbers."""

    def __init__(self, leg: int, recorder: Recorder) -> None:
        self._leg = leg
        self._picture_stream = stream_id(leg, Kind.VIDEO)
        self._sound_stream = stream_id(leg, Kind.AUDIO)
        self._recorder = recorder

    def picture_format(self) -> Format | None:
        """Whatever the rendition is."""
        return None

    def put_rendition(self, picture: Frame, pieces: RingFrame, rate_bps: int, now_us: int) -> bool:
        """Hand a picture on; when the recorder does not keep up, it goes on at the next keyframe."""
        del pieces, rate_bps, now_us
        return self._hand_on(picture, self._picture_stream)

    def put_sound(self, frame: Frame) -> None:
        """Hand a packet of the mix on."""
        self._hand_on(frame, self._sound_stream)

    def close(self) -> None:
        """Say that nothing follows."""
        self._recorder.send(StopRecording(self._leg))

    def _hand_on(self, frame: Frame, stream: int) -> bool:
        return self._recorder.send_frame(
            Frame(
                stream, frame.codec, frame.payload, frame.rtp_timestamp, frame.sequence, frame.capture_us,
                is_keyframe=frame.is_keyframe,
            )
        )  # fmt: skip
