"""RTP of one transport encrypted by H.235.6, both directions: the face of SrtpPair, without its integrity.

Only payloads are encrypted: headers with their extensions, and RTCP, stay as they are, and nobody vouches for either.
"""

from __future__ import annotations

from collections import Counter

from crypto.h235.media_cipher import CiphertextError, PayloadDecryptor, PayloadEncryptor
from mcu.media import H235Keys

MAX_PACKET_BYTES = 65_491
"""Largest packet that is protected: one of UDP over IPv4, and up to 16 bytes of padding. Rows of H.263 stay whole."""
_PADDING = 0x20
_EXTENSION = 0x10
_HEADER_BYTES = 12


class H235Pair:
    """`keys.remote` names the payload types that are taken; others are dropped, since they would be in the clear."""

    name = "h235"
    is_authentic = False
    """What can be read may come from anybody: there is no tag."""

    def __init__(self, keys: H235Keys) -> None:
        """Start both directions. Raises ValueError for a key of the wrong length."""
        self.drops: Counter[str] = Counter()
        """By reason, of both directions."""
        self._encryptor = PayloadEncryptor(keys.local) if keys.local else None
        self._decryptors = {payload_type: PayloadDecryptor(key) for payload_type, key in keys.remote}

    def protect(self, packet: bytes) -> bytes | None:
        """The packet with its payload encrypted; None where it cannot be sent: no key, too long (counted)."""
        if self._encryptor is None or len(packet) > MAX_PACKET_BYTES:
            self.drops["protect-no-key" if self._encryptor is None else "protect-too-long"] += 1
            return None
        start = _payload_start(packet)
        sequence, timestamp = _number(packet)
        ciphertext, is_padded = self._encryptor.encrypt(packet[start:], sequence, timestamp)
        first = packet[0] | _PADDING if is_padded else packet[0]
        return bytes((first,)) + packet[1:start] + ciphertext

    def unprotect(self, packet: bytes) -> bytes | None:
        """The packet in the clear, its padding gone; None when it is no packet of an agreed channel (counted)."""
        if len(packet) < _HEADER_BYTES:
            return self._drop("malformed")
        decryptor = self._decryptors.get(packet[1] & 0x7F)
        if decryptor is None:
            return self._drop("payload-type")
        start = _payload_start(packet)
        if not 0 < start <= len(packet):
            return self._drop("malformed")
        sequence, timestamp = _number(packet)
        try:
            payload = decryptor.decrypt(packet[start:], sequence, timestamp, bool(packet[0] & _PADDING))
        except CiphertextError:
            return self._drop("malformed")
        return bytes((packet[0] & ~_PADDING,)) + packet[1:start] + payload

    def protect_rtcp(self, packet: bytes) -> bytes | None:
        """RTCP is not encrypted (H.235.6 9.3.3)."""
        return packet

    unprotect_rtcp = protect_rtcp

    def _drop(self, reason: str) -> bytes | None:
        self.drops[reason] += 1
        return None


def _number(packet: bytes) -> tuple[int, int]:
    """Sequence number and timestamp."""
    return int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[4:8], "big")


def _payload_start(packet: bytes) -> int:
    """Behind CSRCs and extension (RFC 3550 5.1); 0 where the extension's header is cut off."""
    start = _HEADER_BYTES + 4 * (packet[0] & 0x0F)
    if packet[0] & _EXTENSION:
        if start + 4 > len(packet):
            return 0
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    return start
