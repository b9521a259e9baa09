"""What encrypts the packets of a stream: SRTP, H.235.6, or nothing."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from crypto.h235.media_cipher import BLOCK, initial_vector
from mcu.media import H235Keys, StreamSpec
from mcu.rtp.h235_pair import H235Pair
from mcu.rtp.srtp_session import SrtpPair

_HEADER_BYTES = 12
"""Of a packet of ours: no CSRCs, no extension."""


class Lock(Protocol):
    """Both directions of one transport. What cannot be protected or read is None, and counted by reason."""

    drops: Counter[str]

    def protect(self, packet: bytes, /) -> bytes | None:
        """An RTP packet of ours."""

    def unprotect(self, packet: bytes, /) -> bytes | None:
        """An RTP packet of the peer's."""

    def protect_rtcp(self, packet: bytes, /) -> bytes | None:
        """A compound packet of ours."""

    def unprotect_rtcp(self, packet: bytes, /) -> bytes | None:
        """A compound packet of the peer's."""


def lock_of(spec: StreamSpec, steals: bool = False) -> Lock | None:
    """The lock that a stream was agreed with. `steals` is for H.235.6: see StealingPair."""
    if spec.sdes is not None:
        return SrtpPair(spec.sdes.suite, spec.sdes.local, spec.sdes.remote)
    if spec.h235 is not None:
        return StealingPair(spec.h235) if steals else H235Pair(spec.h235)
    return None


def suite_of(spec: StreamSpec) -> str:
    """The cipher by its name, "" for none."""
    if spec.sdes is not None:
        return spec.sdes.suite
    if spec.h235 is None:
        return ""
    key_bytes = max(map(len, [spec.h235.local, *(key for _, key in spec.h235.remote)]))
    return f"AES-{8 * key_bytes}-CBC" if key_bytes else ""


class StealingPair(H235Pair):
    """Sends a last block that is not whole by stealing from the one before (H.235.6 9.3), instead of padding it."""

    def __init__(self, keys: H235Keys) -> None:
        super().__init__(keys)
        self._key = keys.local

    def protect(self, packet: bytes) -> bytes | None:
        """The packet without padding; what is shorter than a block has nothing to steal from and is padded."""
        payload = packet[_HEADER_BYTES:]
        rest = len(payload) % BLOCK
        if not self._key or not rest or len(payload) < BLOCK:
            return super().protect(packet)
        vector = initial_vector(int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[4:8], "big"))
        encryptor = Cipher(algorithms.AES(self._key), modes.CBC(vector)).encryptor()
        chain = encryptor.update(payload + bytes(BLOCK - rest))
        last = chain[-BLOCK:] + chain[-2 * BLOCK : rest - 2 * BLOCK]
        return packet[:_HEADER_BYTES] + chain[: -2 * BLOCK] + last
