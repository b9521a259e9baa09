"""Session keys of encrypted media on their way from the master (H.235.6 7.6, V3KeySyncMaterial.encryptedSessionKey)."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from crypto.h235.algorithm import Algorithm

_NO_IV = bytes(16)


class SessionKeyError(ValueError):
    """What should hold a session key has not the size of one."""


def wrap(session_key: bytes, key_encryption_key: bytes) -> bytes:
    """Encrypt it: AES-CBC, an initial vector of zeros, zeros after a key that does not fill its last block."""
    padded = session_key.ljust(-(-len(session_key) // 16) * 16, b"\0")
    encryptor = Cipher(algorithms.AES(key_encryption_key), modes.CBC(_NO_IV)).encryptor()
    return encryptor.update(padded)


def unwrap(wrapped: bytes, key_encryption_key: bytes, algorithm: Algorithm) -> bytes:
    """The session key of `algorithm`. Raises SessionKeyError."""
    if len(wrapped) != -(-algorithm.key_bytes // 16) * 16:
        raise SessionKeyError(f"a session key of {len(wrapped)} bytes for {algorithm.name}")
    decryptor = Cipher(algorithms.AES(key_encryption_key), modes.CBC(_NO_IV)).decryptor()
    return decryptor.update(wrapped)[: algorithm.key_bytes]
