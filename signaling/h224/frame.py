"""Frames of ITU-T H.224 as RTP carries them (H.323 Annex Q, RFC 4573): Q.922 without flags, stuffing and checksum."""

from __future__ import annotations

from dataclasses import dataclass

CME, H281 = 0x00, 0x01
"""Clients: Client Management Entity (H.224 7), camera control (H.281)."""
MAX_DATA_BYTES = 254
_LOW, _HIGH = 0x61, 0x71  # the second octet of the Q.922 address: DLCI 6 and 7
_UI = 0x03
_WHOLE = 0xC0  # begin and end of a sequence in one frame, segment 0
_HEADER_BYTES = 9
_EXTENDED, _NON_STANDARD = 0x7E, 0x7F


@dataclass(frozen=True, slots=True)
class Frame:
    """One unsegmented frame. Address 0 is for all, and of nobody in particular."""

    client: int
    data: bytes
    is_urgent: bool = False
    destination: int = 0
    source: int = 0

    def serialize(self) -> bytes:
        """The wire form."""
        return (
            bytes((0x00, _HIGH if self.is_urgent else _LOW, _UI))
            + self.destination.to_bytes(2, "big")
            + self.source.to_bytes(2, "big")
            + bytes((self.client, _WHOLE))
            + self.data
        )


def parse(data: bytes) -> Frame | None:
    """The frame; None for what is none, is for clients without a standard, or is one of several segments."""
    if not _HEADER_BYTES <= len(data) <= _HEADER_BYTES + MAX_DATA_BYTES:
        return None
    if data[0] or data[1] not in (_LOW, _HIGH) or data[2] != _UI:
        return None
    client = data[7] & 0x7F
    if client in (_EXTENDED, _NON_STANDARD) or data[8] & _WHOLE != _WHOLE:
        return None
    return Frame(client, data[9:], data[1] == _HIGH, int.from_bytes(data[3:5], "big"), int.from_bytes(data[5:7], "big"))
