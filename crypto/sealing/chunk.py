"""One chunk of a sealed file: its layout, its nonce, what its tag binds, and where chunks lie."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
MAX_PLAIN_BYTES: Final = 1 << 16
WORD: Final = struct.Struct(">I")
LAST: Final = 1 << 31
_LINK_BYTES: Final = 32
_TAG_BYTES: Final = 16
_HEAD_BYTES: Final = WORD.size + _LINK_BYTES
OVERHEAD_BYTES: Final = _HEAD_BYTES + _TAG_BYTES
"""What a chunk is longer than its plain text."""
_NONCE_BYTES: Final = 12

ReadAt = Callable[[int, int], bytes]
"""(offset, length) -> at most `length` bytes of the sealed file, fewer only at its end."""


class SealError(Exception):
    """A sealed file is not what it should be; the broken part is from `offset` to before `end` (0: not known)."""

    def __init__(self, reason: str, offset: int = 0, end: int = 0) -> None:
        super().__init__(f"{reason} at byte {offset}")
        self.reason = reason
        self.offset = offset
        self.end = end


@dataclass(frozen=True, slots=True)
class Place:
    """One chunk: its number, where it lies in the sealed file, and how long and where its plain text is."""

    number: int
    offset: int
    plain_offset: int
    plain_bytes: int
    is_last: bool

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.offset + OVERHEAD_BYTES + self.plain_bytes


def places(read_at: ReadAt, offset: int, size: int) -> Iterator[Place]:
    """The whole chunks from `offset` up to the last one, or to a torn end; reads 4 bytes of each."""
    number = plain_offset = 0
    while offset + OVERHEAD_BYTES <= size:
        (word,) = WORD.unpack(read_at(offset, WORD.size))
        place = Place(number, offset, plain_offset, word & ~LAST, bool(word & LAST))
        # An empty chunk can only be the last; zeros are what a file system leaves after a power cut.
        is_sane = place.plain_bytes <= MAX_PLAIN_BYTES and (place.plain_bytes or place.is_last)
        if not is_sane or place.end > size:
            return
        yield place
        if place.is_last:
            return
        number, offset, plain_offset = number + 1, place.end, plain_offset + place.plain_bytes


class Sealer:
    """Seals and opens the chunks of one file under its key."""

    def __init__(self, key: bytes, head: bytes) -> None:
        """`head` is the whole head of the file."""
        self._cipher = AESGCM(key)
        self.head_link = hashlib.sha256(head).digest()

    def seal(self, number: int, link: bytes, plain: memoryview, out: memoryview, *, is_last: bool) -> bytes:
        """Write the chunk to `out`, which has its length; the link after it."""
        word = WORD.pack(len(plain) | (LAST if is_last else 0))
        out[:_HEAD_BYTES] = word + link
        sealed = out[_HEAD_BYTES:]
        self._cipher.encrypt_into(_nonce(number), plain, self._additional(number, word, link), sealed)
        return _next_link(link, word, sealed)

    def open(self, number: int, chunk: bytes) -> bytes | None:
        """The plain text; None where chunk, place or key are not what was sealed."""
        word, link = chunk[: WORD.size], chunk[WORD.size : _HEAD_BYTES]
        try:
            sealed = memoryview(chunk)[_HEAD_BYTES:]
            return self._cipher.decrypt(_nonce(number), sealed, self._additional(number, word, link))
        except (InvalidTag, ValueError):
            return None

    def _additional(self, number: int, word: bytes, link: bytes) -> bytes:
        return self.head_link + number.to_bytes(8, "big") + word + link


def link_before(chunk: bytes) -> bytes:
    """The link that a chunk repeats."""
    return chunk[WORD.size : _HEAD_BYTES]


def link_after(chunk: bytes) -> bytes:
    """The link of a chunk."""
    return _next_link(link_before(chunk), chunk[: WORD.size], memoryview(chunk)[_HEAD_BYTES:])


def _next_link(link: bytes, word: bytes, sealed: bytes | memoryview) -> bytes:
    chain = hashlib.sha256(link + word)
    chain.update(sealed)
    return chain.digest()


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")
