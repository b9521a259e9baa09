"""Commands of ITU-T H.281: start, go on, stop, video sources and presets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from signaling.h224.frame import H281, Frame

_TIMEOUT_UNIT_MS = 50
_MAX_TIMEOUT_MS = 800


class Request(IntEnum):
    """The first octet of a command (H.281 5)."""

    START = 0x01
    CONTINUE = 0x02
    STOP = 0x03
    SELECT_SOURCE = 0x04
    SOURCE_SWITCHED = 0x05
    STORE_PRESET = 0x06
    ACTIVATE_PRESET = 0x07

    @property
    def is_action(self) -> bool:
        """Whether axes follow."""
        return self <= Request.STOP


@dataclass(frozen=True, slots=True)
class Axes:
    """-1, 0 or 1 each: pan left or right, tilt down or up, zoom out or in, focus out or in."""

    pan: int = 0
    tilt: int = 0
    zoom: int = 0
    focus: int = 0

    def serialize(self) -> int:
        """One octet: for each axis whether it moves, and the way."""
        value = 0
        for axis in (self.pan, self.tilt, self.zoom, self.focus):
            value = value << 2 | (2 | (axis > 0) if axis else 0)
        return value

    @classmethod
    def parse(cls, octet: int) -> Axes:
        """From the wire; the direction of an axis that does not move says nothing."""
        pairs = [octet >> shift & 3 for shift in (6, 4, 2, 0)]
        return cls(*(0 if pair < 2 else 1 if pair == 3 else -1 for pair in pairs))


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `number` is the video source or the preset, 0 to 15."""

    request: Request
    axes: Axes = Axes()
    timeout_ms: int = _MAX_TIMEOUT_MS
    """START only: the camera stops by itself after this time; 50 to 800."""
    number: int = 0

    def serialize(self) -> bytes:
        """The client data of a frame."""
        if not self.request.is_action:
            return bytes((self.request, (self.number & 0x0F) << 4))
        data = bytes((self.request, self.axes.serialize()))
        if self.request is Request.START:
            data += bytes((self.timeout_ms // _TIMEOUT_UNIT_MS & 0x0F,))  # 0 is 16 units
        return data

    def frame(self) -> Frame:
        """The command as a frame."""
        return Frame(H281, self.serialize())


def parse(data: bytes) -> Command | None:
    """The command; None for what is none."""
    if len(data) < 2 or data[0] not in Request.__members__.values():
        return None
    request = Request(data[0])
    if not request.is_action:
        return Command(request, number=data[1] >> 4)
    if request is not Request.START:
        return Command(request, Axes.parse(data[1]))
    if len(data) < 3:
        return None
    return Command(request, Axes.parse(data[1]), (data[2] & 0x0F or 16) * _TIMEOUT_UNIT_MS)
