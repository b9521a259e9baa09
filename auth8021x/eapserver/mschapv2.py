"""MSCHAPv2 (RFC 2759): what the peer's answer has to be, and our own proof that we know the password, too."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from crypto.md4 import md4
from crypto.nt_hash import NtHash

CHALLENGE_BYTES: Final = 16
RESPONSE_BYTES: Final = 24
_MAGIC_1: Final = b"Magic server to client signing constant"
_MAGIC_2: Final = b"Pad to make it do more than one iteration"
"""8.7."""


def without_domain(name: str) -> str:
    r"""The user name that counts: DOMAIN\name is name (4)."""
    return name.rpartition("\\")[2]


def nt_response(authenticator_challenge: bytes, peer_challenge: bytes, name: str, nt_hash: NtHash) -> bytes:
    """GenerateNTResponse (8.1), from the hash of the password: 24 octets."""
    challenge = _challenge_hash(peer_challenge, authenticator_challenge, name)
    padded = nt_hash.octets + bytes(5)  # 8.5: three keys of 56 bits
    return b"".join(_des(challenge, padded[start : start + 7]) for start in (0, 7, 14))


def is_right(
    response: bytes, authenticator_challenge: bytes, peer_challenge: bytes, name: str, nt_hash: NtHash
) -> bool:
    """Whether the peer knows the password; takes as long for any wrong answer."""
    return hmac.compare_digest(nt_response(authenticator_challenge, peer_challenge, name, nt_hash), response)


def authenticator_response(
    response: bytes, authenticator_challenge: bytes, peer_challenge: bytes, name: str, nt_hash: NtHash
) -> str:
    """GenerateAuthenticatorResponse (8.7): "S=" and 40 hex digits."""
    digest = hashlib.sha1(md4(nt_hash.octets) + response + _MAGIC_1, usedforsecurity=False).digest()
    challenge = _challenge_hash(peer_challenge, authenticator_challenge, name)
    return "S=" + hashlib.sha1(digest + challenge + _MAGIC_2, usedforsecurity=False).hexdigest().upper()


def _challenge_hash(peer_challenge: bytes, authenticator_challenge: bytes, name: str) -> bytes:
    """8.2."""
    octets = peer_challenge + authenticator_challenge + without_domain(name).encode()
    return hashlib.sha1(octets, usedforsecurity=False).digest()[:8]


def _des(block: bytes, key: bytes) -> bytes:
    """DesEncrypt (8.6): 56 bits of key, to each seven of which DES wants one of parity, which it does not look at."""
    bits = int.from_bytes(key, "big")
    spread = bytes((bits >> shift & 0x7F) << 1 for shift in range(49, -1, -7))
    encryptor = Cipher(TripleDES(spread * 3), modes.ECB()).encryptor()  # noqa: S305  # RFC 2759 has no other
    return encryptor.update(block) + encryptor.finalize()
