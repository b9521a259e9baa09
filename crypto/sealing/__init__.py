"""Sealed files: encrypted and chained while they are written, readable at any offset, complete up to where they end.

A file is a head and chunks, all numbers big-endian:

    head:   "DTSR", version (1 byte, 2), length of the id (1 byte), id (ASCII),
            length of the wrapped key (2 bytes), the data key wrapped under the master key (crypto.keys),
            length of the label (2 bytes), AES-256-GCM ciphertext and tag of what the file is (sealing.head);
            version 1 has no label
    chunk:  word (4 bytes: bit 31 marks the last chunk, the rest is the length of the plain text, at most 65536),
            link before it (32 bytes), AES-256-GCM ciphertext and tag (plain length + 16 bytes)

The link of the head is its SHA-256; the link of a chunk is SHA-256(link before it, word, ciphertext and tag). The nonce
is the number of the chunk from 0, which never repeats under the key of the file; the additional data are the link of
the head (which binds the id), the number, the word and the link before it. So a reader of one chunk knows that it
belongs to this file and place, and who knows the last link knows the whole file. A file that was cut off has no last
chunk; what follows its last whole chunk is dropped. docs/adr/0002-sealed-recordings.md says why.
"""

from crypto.sealing.chunk import KEY_BYTES, MAX_PLAIN_BYTES, Place, ReadAt, SealError, link_after
from crypto.sealing.head import MAX_HEAD_BYTES, Head, labelled, open_label
from crypto.sealing.pages import SealedPages, companion_head, companion_key
from crypto.sealing.reader import Places, ScannedPlaces, SealReader
from crypto.sealing.verification import Verified, verify
from crypto.sealing.writer import SealWriter

__all__ = [
    "KEY_BYTES",
    "MAX_HEAD_BYTES",
    "MAX_PLAIN_BYTES",
    "Head",
    "Place",
    "Places",
    "ReadAt",
    "ScannedPlaces",
    "SealError",
    "SealReader",
    "SealWriter",
    "SealedPages",
    "Verified",
    "companion_head",
    "companion_key",
    "labelled",
    "link_after",
    "open_label",
    "verify",
]
