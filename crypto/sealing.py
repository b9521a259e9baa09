"""Sealed files: encrypted and chained while they are written, readable at any offset, complete up to where they end.

A file is a head and chunks, all numbers big-endian:

    head:   "DTSR", version (1 byte, 1), length of the id (1 byte), id (ASCII),
            length of the wrapped key (2 bytes), the data key wrapped under the master key (crypto.keys)
    chunk:  word (4 bytes: bit 31 marks the last chunk, the rest is the length of the plain text, at most 65536),
            link before it (32 bytes), AES-256-GCM ciphertext and tag (plain length + 16 bytes)

The link of the head is its SHA-256; the link of a chunk is SHA-256(link before it, word, ciphertext and tag). The nonce
is the number of the chunk from 0, which never repeats under the key of the file; the additional data are the link of
the head (which binds the id), the number, the word and the link before it. So a reader of one chunk knows that it
belongs to this file and place, and who knows the last link knows the whole file. A file that was cut off has no last
chunk; what follows its last whole chunk is dropped. docs/adr/0002-sealed-recordings.md says why.
"""

from __future__ import annotations

import hashlib
import re
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
MAX_PLAIN_BYTES: Final = 1 << 16
_MAGIC: Final = b"DTSR"
_VERSION: Final = 1
_LINK_BYTES: Final = 32
_TAG_BYTES: Final = 16
_WORD: Final = struct.Struct(">I")
_LAST: Final = 1 << 31
_CHUNK_HEAD_BYTES: Final = _WORD.size + _LINK_BYTES
_MAX_WRAPPED_BYTES: Final = 1024
MAX_HEAD_BYTES: Final = 8 + 255 + _MAX_WRAPPED_BYTES
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")

ReadAt = Callable[[int, int], bytes]
"""(offset, length) -> at most `length` bytes of the sealed file, fewer only at its end."""


class SealError(Exception):
    """A sealed file is not what it should be; `offset` is where the broken part begins."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"{reason} at byte {offset}")
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Head:
    """What a sealed file says of itself in clear."""

    id: str
    wrapped_key: bytes = field(repr=False)

    def serialize(self) -> bytes:
        """The bytes at the beginning of the file. Raises ValueError for what does not fit."""
        if not _ID.match(self.id) or len(self.wrapped_key) > _MAX_WRAPPED_BYTES:
            raise ValueError("bad id or wrapped key")
        name = self.id.encode("ascii")
        return (
            _MAGIC + bytes((_VERSION, len(name))) + name + struct.pack(">H", len(self.wrapped_key)) + self.wrapped_key
        )

    @classmethod
    def parse(cls, data: bytes) -> tuple[Head, int]:
        """The head at the beginning of `data` and its length. Raises SealError."""
        if len(data) < 6 or data[:4] != _MAGIC or data[4] != _VERSION:
            raise SealError("not a sealed file")
        end = 6 + data[5]
        name = data[6:end].decode("ascii", "replace")
        if not _ID.match(name) or len(data) < end + 2:
            raise SealError("bad head")
        (length,) = struct.unpack_from(">H", data, end)
        wrapped = data[end + 2 : end + 2 + length]
        if length > _MAX_WRAPPED_BYTES or len(wrapped) < length:
            raise SealError("bad head")
        return cls(name, wrapped), end + 2 + length


class SealWriter:
    """Seals what is written; `emit` takes the bytes of the file in order, the head at once."""

    def __init__(self, emit: Callable[[bytes], object], head: bytes, key: bytes) -> None:
        Head.parse(head)
        self._emit = emit
        self._cipher = AESGCM(key)
        self._head_link = self._link = hashlib.sha256(head).digest()
        self._waiting = b""
        self._number = 0
        self._is_finished = False
        self.size = len(head)
        """Bytes of the sealed file so far."""
        emit(head)

    @property
    def chain_head(self) -> str:
        """The link of the last chunk, hex."""
        return self._link.hex()

    def write(self, plain: bytes | bytearray | memoryview) -> None:
        """Append; chunks go out as they fill up. Raises ValueError after finish()."""
        if self._is_finished:
            raise ValueError("the file is finished")
        whole = memoryview(b"".join((self._waiting, plain)) if self._waiting else plain)
        rest = 0
        while len(whole) - rest > MAX_PLAIN_BYTES:
            self._seal(whole[rest : rest + MAX_PLAIN_BYTES], 0)
            rest += MAX_PLAIN_BYTES
        self._waiting = bytes(whole[rest:])

    def flush(self) -> None:
        """Seal what waits, so that it can reach the disk."""
        if self._waiting and not self._is_finished:
            self._seal(self._waiting, 0)
            self._waiting = b""

    def finish(self) -> None:
        """Seal the rest as the last chunk."""
        if not self._is_finished:
            self._seal(self._waiting, _LAST)
            self._is_finished = True

    def _seal(self, plain: bytes | memoryview, flag: int) -> None:
        word = _WORD.pack(len(plain) | flag)
        extra = _additional(self._head_link, self._number, word, self._link)
        sealed = self._cipher.encrypt(_nonce(self._number), plain, extra)
        chunk = b"".join((word, self._link, sealed))
        self._link = _next_link(self._link, word, sealed)
        self._number += 1
        self.size += len(chunk)
        self._emit(chunk)


@dataclass(frozen=True, slots=True)
class _Place:
    """One chunk: where it lies in the sealed file, and how long and where its plain text is."""

    offset: int
    plain_offset: int
    plain_bytes: int
    is_last: bool

    @property
    def end(self) -> int:
        return self.offset + _CHUNK_HEAD_BYTES + self.plain_bytes + _TAG_BYTES


class SealReader:
    """Random access to the plain text of a sealed file; every chunk that is read is verified first."""

    def __init__(self, read_at: ReadAt, size: int, key: bytes) -> None:
        """`size` is the length of the sealed file; what is after its last whole chunk is ignored. Raises SealError."""
        self._read_at = read_at
        self._cipher = AESGCM(key)
        head = read_at(0, MAX_HEAD_BYTES)
        _, length = Head.parse(head)
        self._head_link = hashlib.sha256(head[:length]).digest()
        self._places = list(_places(read_at, length, size))
        self._starts = [place.plain_offset for place in self._places]
        self._cached: tuple[int, bytes] = (-1, b"")

    @property
    def size(self) -> int:
        """Bytes of plain text."""
        return self._places[-1].plain_offset + self._places[-1].plain_bytes if self._places else 0

    @property
    def is_complete(self) -> bool:
        """Whether the file was finished."""
        return bool(self._places) and self._places[-1].is_last

    def read(self, start: int, length: int) -> bytes:
        """Plain text from `start`, shorter only at the end. Raises SealError for a chunk that was changed."""
        pieces: list[bytes] = []
        number = max(0, bisect_right(self._starts, start) - 1)
        while length > 0 and number < len(self._places):
            plain = self._open(number)
            skip = start - self._places[number].plain_offset
            piece = plain[skip : skip + length]
            pieces.append(piece)
            start += len(piece)
            length -= len(piece)
            number += 1
        return b"".join(pieces)

    def _open(self, number: int) -> bytes:
        if self._cached[0] == number:
            return self._cached[1]
        place = self._places[number]
        data = self._read_at(place.offset, place.end - place.offset)
        plain = _unseal(self._cipher, self._head_link, number, data)
        if plain is None:
            raise SealError("a chunk was changed", place.offset)
        self._cached = (number, plain)
        return plain


@dataclass(frozen=True, slots=True)
class Verified:
    """What verify() found."""

    chain_head: str
    """The last link that holds, hex."""
    size: int
    """Bytes of the sealed file up to there."""
    is_complete: bool
    """Whether the file was finished and all of it holds."""
    first_bad: tuple[int, int] | None = None
    """First and last-plus-one byte of the first chunk that does not hold, or of a torn end."""


def verify(read_at: ReadAt, size: int, key: bytes) -> Verified:
    """Check every chunk and the whole chain of a file of `size` bytes. Raises SealError when even its head is bad."""
    head = read_at(0, MAX_HEAD_BYTES)
    _, length = Head.parse(head)
    head_link = link = hashlib.sha256(head[:length]).digest()
    cipher = AESGCM(key)
    offset = length
    is_complete = False
    for number, place in enumerate(_places(read_at, length, size)):
        data = read_at(place.offset, place.end - place.offset)
        is_linked = data[_WORD.size : _CHUNK_HEAD_BYTES] == link
        if not is_linked or _unseal(cipher, head_link, number, data) is None:
            return Verified(link.hex(), offset, is_complete=False, first_bad=(place.offset, place.end))
        link = _next_link(link, data[: _WORD.size], data[_CHUNK_HEAD_BYTES:])
        offset = place.end
        is_complete = place.is_last
    first_bad = (offset, size) if offset < size else None
    return Verified(link.hex(), offset, is_complete and first_bad is None, first_bad)


def _places(read_at: ReadAt, offset: int, size: int) -> Iterator[_Place]:
    """The whole chunks up to the last one, or to a torn end."""
    plain_offset = 0
    while offset + _CHUNK_HEAD_BYTES + _TAG_BYTES <= size:
        (word,) = _WORD.unpack(read_at(offset, _WORD.size))
        place = _Place(offset, plain_offset, word & ~_LAST, bool(word & _LAST))
        # An empty chunk can only be the last; zeros are what a file system leaves after a power cut.
        is_sane = place.plain_bytes <= MAX_PLAIN_BYTES and (place.plain_bytes or place.is_last)
        if not is_sane or place.end > size:
            return
        yield place
        if place.is_last:
            return
        offset, plain_offset = place.end, plain_offset + place.plain_bytes


def _unseal(cipher: AESGCM, head_link: bytes, number: int, chunk: bytes) -> bytes | None:
    word, link = chunk[: _WORD.size], chunk[_WORD.size : _CHUNK_HEAD_BYTES]
    try:
        return cipher.decrypt(_nonce(number), chunk[_CHUNK_HEAD_BYTES:], _additional(head_link, number, word, link))
    except (InvalidTag, ValueError):
        return None


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _additional(head_link: bytes, number: int, word: bytes, link: bytes) -> bytes:
    return head_link + number.to_bytes(8, "big") + word + link


def _next_link(link: bytes, word: bytes, sealed: bytes) -> bytes:
    chain = hashlib.sha256(link + word)
    chain.update(sealed)
    return chain.digest()
