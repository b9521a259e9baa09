"""Where legs put what arrived and what happened: the face that the process shows to them."""

from __future__ import annotations

from typing import Protocol

from mcu.media import Kind
from mcu.worker.channel import Frame
from mcu.worker.messages import Message


class Outlet(Protocol):
    """Implemented by the process; a test writes lists."""

    def tell(self, message: Message) -> None:
        """An event for the control process."""

    def source_frame(self, frame: Frame) -> None:
        """A frame of a source, for the video or the audio process."""

    def peer_wants_keyframe(self, leg: int, kind: Kind) -> None:
        """The peer of `leg` cannot decode what it gets as its stream `kind`."""

    def queue_filled(self, leg: int) -> None:
        """Packets of `leg` wait for pump()."""
