"""H.261 over RTP (RFC 4587): payloads put together into pictures. Old terminals send it; nothing is sent in it."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.rtp import bits
from mcu.rtp.pieces import Joined

_HEADER_BYTES = 4
_INTRA = 0x02
_QCIF, _CIF = (176, 144), (352, 288)


def picture_size(picture: bytes) -> tuple[int, int] | None:
    """(width, height), None for what does not begin with a picture start code (H.261 4.2.1)."""
    if len(picture) < 4 or picture[0] or picture[1] != 1 or picture[2] >> 4:
        return None
    # 20 bits of start code, 5 of temporal reference, then split screen, document camera, freeze release, format.
    return _CIF if picture[3] >> 3 & 1 else _QCIF


class Depacketizer:
    """Joins payloads into pictures."""

    __slots__ = ("malformed",)

    def __init__(self) -> None:
        self.malformed = 0

    @staticmethod
    def starts_frame(payload: bytes) -> bool:
        """Whether a payload begins with a picture: group 0 and its start code."""
        return payload[1:2] < b"\x10" and payload[0] < 0x20 and picture_size(payload[_HEADER_BYTES:]) is not None

    def join(self, payloads: Sequence[bytes]) -> Joined | None:
        """The picture of a complete run of payloads, None when one does not fit the one before.

        Pictures do not tell whether they need another one: it is the sender that says "intra" in each header.
        """
        parts = [(payload[_HEADER_BYTES:], payload[0] >> 5, payload[0] >> 2 & 7) for payload in payloads if payload]
        picture = bits.join(parts)
        size = picture_size(picture) if picture is not None and len(parts) == len(payloads) else None
        if picture is None or size is None:
            self.malformed += 1
            return None
        is_intra = all(payload[0] & _INTRA for payload in payloads)
        return Joined(picture, is_intra, *(size if is_intra else (0, 0)))
