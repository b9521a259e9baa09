"""Sealed files whose chunks but the last are all of one length: any place of them is found without looking for it."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.sealing.chunk import KEY_BYTES, LAST, OVERHEAD_BYTES, WORD, ReadAt, Sealer, SealError
from crypto.sealing.head import MAX_HEAD_BYTES, Head

_SALT_BYTES = 32
_KEPT_PAGES = 32


def companion_head(file_id: str) -> Head:
    """The head of a file beside the sealed file `file_id`: in the place of a wrapped key it has a fresh salt."""
    return Head(file_id, secrets.token_bytes(_SALT_BYTES))


def companion_key(key: bytes, head: Head) -> bytes:
    """The key of a companion, from the data key of the file that it belongs to. No salt, and so no key, comes twice."""
    info = b"drumtower/companion/" + head.id.encode()
    return HKDF(SHA256(), KEY_BYTES, salt=head.wrapped_key, info=info).derive(key)


class SealedPages:
    """Reads pages of `page_bytes`, and the last chunk, which has `last_bytes`; pages read of late are kept."""

    def __init__(
        self, read_at: ReadAt, size: int, key_of: Callable[[Head], bytes], page_bytes: int, last_bytes: int
    ) -> None:
        """`key_of` gives the key for the head. Raises SealError."""
        self._read_at = read_at
        self._page_bytes = page_bytes
        data = read_at(0, MAX_HEAD_BYTES)
        self.head, self._start = Head.parse(data)
        self._sealer = Sealer(key_of(self.head), data[: self._start])
        count, rest = divmod(size - self._start - OVERHEAD_BYTES - last_bytes, page_bytes + OVERHEAD_BYTES)
        if rest or count < 0:
            raise SealError("the length is wrong", 0, size)
        self.size = count * page_bytes
        """Bytes of all pages."""
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self.last = self._open(count, last_bytes, LAST)
        """The plain text of the last chunk."""

    def read(self, start: int, length: int) -> bytes:
        """Plain text of the pages. Raises SealError for a page that was changed, or for what is not there."""
        if start < 0 or start + length > self.size:
            raise SealError("nothing is there", self._start, self._start)
        pieces, end = [], start + length
        while start < end:
            number, skip = divmod(start, self._page_bytes)
            pieces.append(self._page(number)[skip : skip + end - start])
            start += len(pieces[-1])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _page(self, number: int) -> bytes:
        page = self._kept.get(number)
        if page is None:
            page = self._kept[number] = self._open(number, self._page_bytes, 0)
            if len(self._kept) > _KEPT_PAGES:
                self._kept.popitem(last=False)
        return page

    def _open(self, number: int, length: int, flag: int) -> bytes:
        offset = self._start + number * (self._page_bytes + OVERHEAD_BYTES)
        chunk = self._read_at(offset, length + OVERHEAD_BYTES)
        plain = self._sealer.open(number, chunk)
        if plain is None or chunk[: WORD.size] != WORD.pack(length | flag):
            raise SealError("a page was changed", offset, offset + length + OVERHEAD_BYTES)
        return plain
