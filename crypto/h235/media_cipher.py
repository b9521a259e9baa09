"""The cipher of RTP payloads (H.235.6 9.3): AES-CBC, every packet with an initial vector of its own.

The vector is sequence number and timestamp over and over: 6 + 6 + 4 octets. A cipher context is dear beside a packet of
sound, so each direction keeps one that runs on, and the first block is brought to the vector by exclusive or: CBC adds
the last block of ciphertext before, which is known.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16
_NOTHING = bytes(BLOCK)


class CiphertextError(ValueError):
    """A payload that cannot be one of this cipher: empty, shorter than a block, or with an impossible padding."""


def initial_vector(sequence: int, timestamp: int) -> bytes:
    """Of the packet with this sequence number and RTP timestamp."""
    once = sequence.to_bytes(2, "big") + timestamp.to_bytes(4, "big")
    return (once * 3)[:BLOCK]


class PayloadEncryptor:
    """One direction: payloads out."""

    def __init__(self, key: bytes) -> None:
        self._context = Cipher(algorithms.AES(key), modes.CBC(_NOTHING)).encryptor()
        self._last = 0

    def encrypt(self, payload: bytes, sequence: int, timestamp: int) -> tuple[bytes, bool]:
        """The ciphertext, and whether the P bit has to be set: payloads are padded to whole blocks (RFC 3550 5.1)."""
        missing = -len(payload) % BLOCK
        if missing:
            payload += bytes((missing,)) * missing
        elif not payload:
            return b"", False
        vector = int.from_bytes(initial_vector(sequence, timestamp), "big")
        first = int.from_bytes(payload[:BLOCK], "big") ^ vector ^ self._last
        ciphertext = self._context.update(first.to_bytes(BLOCK, "big") + payload[BLOCK:])
        self._last = int.from_bytes(ciphertext[-BLOCK:], "big")
        return ciphertext, missing > 0


class PayloadDecryptor:
    """One direction: payloads in."""

    def __init__(self, key: bytes) -> None:
        self._context = Cipher(algorithms.AES(key), modes.CBC(_NOTHING)).decryptor()
        self._last = 0

    def decrypt(self, ciphertext: bytes, sequence: int, timestamp: int, is_padded: bool) -> bytes:
        """The payload. Raises CiphertextError.

        With the P bit whole blocks end in padding, whose last octet counts it and whose others may be anything; without
        it a last block that is not whole has stolen ciphertext from the one before.
        """
        size = len(ciphertext)
        if is_padded:
            if size == 0 or size % BLOCK:
                raise CiphertextError("padding, but no whole blocks")
            payload = self._chain(ciphertext, sequence, timestamp)
            padding = payload[-1]
            if not 0 < padding <= size:
                raise CiphertextError("impossible padding")
            return payload[:-padding]
        if size % BLOCK == 0:
            return self._chain(ciphertext, sequence, timestamp) if size else b""
        if size < BLOCK:
            raise CiphertextError("less than a block")
        return self._chain_of_stolen(ciphertext, sequence, timestamp)

    def _chain_of_stolen(self, ciphertext: bytes, sequence: int, timestamp: int) -> bytes:
        """The last whole block and the rest after it stand for two blocks, of which the second gave up its end."""
        rest = len(ciphertext) % BLOCK
        whole, short = ciphertext[: -BLOCK - rest], ciphertext[-rest:]
        block = self._block(ciphertext[-BLOCK - rest : -rest])
        end = bytes(a ^ b for a, b in zip(block, short, strict=False))
        return self._chain(whole + short + block[rest:], sequence, timestamp) + end

    def _chain(self, ciphertext: bytes, sequence: int, timestamp: int) -> bytes:
        plain = self._context.update(ciphertext)
        vector = int.from_bytes(initial_vector(sequence, timestamp), "big")
        first = int.from_bytes(plain[:BLOCK], "big") ^ vector ^ self._last
        self._last = int.from_bytes(ciphertext[-BLOCK:], "big")
        return first.to_bytes(BLOCK, "big") + plain[BLOCK:]

    def _block(self, ciphertext: bytes) -> bytes:
        """One block by itself, without a chain."""
        plain = int.from_bytes(self._context.update(ciphertext), "big") ^ self._last
        self._last = int.from_bytes(ciphertext, "big")
        return plain.to_bytes(BLOCK, "big")
