"""The part of MediaSecurity that the channels of a call need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from crypto.h235.algorithm import Algorithm


class Security(Protocol):
    """H.235.6 of one call: half keys, and session keys under them."""

    @property
    def is_agreed(self) -> bool:
        """Whether session keys can be made and read."""

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """What media may be encrypted with, best first; () without agreement."""

    @property
    def offered_algorithms(self) -> tuple[Algorithm, ...]:
        """What may come of half keys of ours that wait for an answer; () where none wait."""

    def accept(self, tokens: Iterable[Mapping[str, Any]]) -> bool:
        """The answer to ours; whether there is a secret now."""

    def new_key(self, algorithm: Algorithm, payload_type: int) -> tuple[bytes, dict[str, Any]]:
        """A session key, and the encryptionSync that tells it."""

    def read_key(self, synchronization: Mapping[str, Any], algorithm: Algorithm) -> tuple[bytes, int]:
        """Session key and payload type of an encryptionSync. Raises MalformedPduError."""
