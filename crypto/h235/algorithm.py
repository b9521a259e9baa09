"""The media ciphers of H.235.6 that are offered and taken. DES and triple DES are not."""

from __future__ import annotations

from enum import Enum


class Algorithm(Enum):
    """AES in CBC mode; the value is its OID (H.235.6, Table 3)."""

    AES_128_CBC = "2.16.840.1.101.3.4.1.2"
    AES_192_CBC = "2.16.840.1.101.3.4.1.22"
    AES_256_CBC = "2.16.840.1.101.3.4.1.42"

    @property
    def key_bytes(self) -> int:
        """16, 24 or 32."""
        return {Algorithm.AES_128_CBC: 16, Algorithm.AES_192_CBC: 24}.get(self, 32)
