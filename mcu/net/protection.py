"""How the packets of one transport are protected: by SRTP, or by the payload encryption of H.235.6."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from mcu.media import H235Keys, SdesKeys
from mcu.rtp.h235_pair import H235Pair
from mcu.rtp.srtp_session import SrtpPair


class Protection(Protocol):
    """Keys at work, both ways. None stands for a packet that is dropped, which `drops` counts by reason."""

    drops: Counter[str]

    @property
    def name(self) -> str:
        """Under which drops are counted."""

    @property
    def is_authentic(self) -> bool:
        """Whether what can be opened was sent by somebody who has the key."""

    def protect(self, packet: bytes, /) -> bytes | None:
        """An RTP packet as it goes on the wire."""

    def protect_rtcp(self, packet: bytes, /) -> bytes | None:
        """A compound as it goes on the wire."""

    def unprotect(self, packet: bytes, /) -> bytes | None:
        """An RTP packet in the clear."""

    def unprotect_rtcp(self, packet: bytes, /) -> bytes | None:
        """A compound in the clear."""


def protection_by(keys: SdesKeys | H235Keys) -> Protection:
    """What these keys do. Raises ValueError for keys that do not fit."""
    return H235Pair(keys) if isinstance(keys, H235Keys) else SrtpPair(keys.suite, keys.local, keys.remote)
