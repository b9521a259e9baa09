"""The head of a sealed file: its id, its wrapped key, and a sealed label that says what it is.

The label lets a file that lost its row in the database be listed again; nobody reads it without the key.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field, replace
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.sealing.chunk import SealError

_MAGIC: Final = b"DTSR"
_UNLABELLED: Final = 1
_VERSION: Final = 2
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_MAX_WRAPPED_BYTES: Final = 1024
_MAX_LABEL_BYTES: Final = 2048
MAX_HEAD_BYTES: Final = 6 + 255 + 2 + _MAX_WRAPPED_BYTES + 2 + _MAX_LABEL_BYTES
_LENGTH: Final = struct.Struct(">H")
# Chunks are numbered from 0 in 8 bytes, so that none has this nonce.
_LABEL_NONCE: Final = b"\xff" * 12


@dataclass(frozen=True, slots=True)
class Head:
    """What a sealed file says of itself."""

    id: str
    wrapped_key: bytes = field(repr=False)
    label: bytes = field(default=b"", repr=False)
    """Sealed, see labelled()."""
    version: int = _VERSION

    def serialize(self) -> bytes:
        """The bytes at the beginning of the file. Raises ValueError for what does not fit."""
        if not _ID.match(self.id) or len(self.wrapped_key) > _MAX_WRAPPED_BYTES or len(self.label) > _MAX_LABEL_BYTES:
            raise ValueError("bad id, wrapped key or label")
        name = self.id.encode("ascii")
        head = _MAGIC + bytes((self.version, len(name))) + name + _LENGTH.pack(len(self.wrapped_key)) + self.wrapped_key
        return head if self.version == _UNLABELLED else head + _LENGTH.pack(len(self.label)) + self.label

    @classmethod
    def parse(cls, data: bytes) -> tuple[Head, int]:
        """The head at the beginning of `data` and its length. Raises SealError."""
        if len(data) < 6 or data[:4] != _MAGIC or data[4] not in (_UNLABELLED, _VERSION):
            raise SealError("not a sealed file", 0, min(6, len(data)))
        end = 6 + data[5]
        name = data[6:end].decode("ascii", "replace")
        if not _ID.match(name) or len(name) < data[5]:
            raise SealError("bad head", 0, min(end, len(data)))
        wrapped, end = _field(data, end, _MAX_WRAPPED_BYTES)
        label = b""
        if data[4] == _VERSION:
            label, end = _field(data, end, _MAX_LABEL_BYTES)
        return cls(name, wrapped, label, data[4]), end


def _field(data: bytes, start: int, most: int) -> tuple[bytes, int]:
    """What lies behind its length, and where it ends."""
    end = start + _LENGTH.size
    if len(data) >= end:
        (length,) = _LENGTH.unpack_from(data, start)
        if length <= most and end + length <= len(data):
            return data[end : end + length], end + length
    raise SealError("bad head", 0, min(end, len(data)))


def labelled(head: Head, key: bytes, label: bytes) -> Head:
    """`head` with what the file is, sealed under its data key together with the rest of the head; once for each key."""
    return replace(head, label=AESGCM(key).encrypt(_LABEL_NONCE, label, _before_label(head)))


def open_label(head: Head, key: bytes) -> bytes:
    """What the file is; b"" where it has no label. Raises SealError when the head was changed."""
    if not head.label:
        return b""
    try:
        return AESGCM(key).decrypt(_LABEL_NONCE, head.label, _before_label(head))
    except (InvalidTag, ValueError):
        raise SealError("the head was changed", 0, len(head.serialize())) from None


def _before_label(head: Head) -> bytes:
    return replace(head, label=b"").serialize()
