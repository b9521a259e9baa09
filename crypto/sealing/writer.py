"""Writing a sealed file: plain text in, chunks out."""

from __future__ import annotations

from collections.abc import Callable

from crypto.sealing.chunk import MAX_PLAIN_BYTES, Sealer
from crypto.sealing.head import Head


class SealWriter:
    """Seals what is written; `emit` takes the bytes of the file in order, the head at once."""

    def __init__(
        self, emit: Callable[[bytes], object], head: bytes, key: bytes, chunk_bytes: int = MAX_PLAIN_BYTES
    ) -> None:
        """`chunk_bytes` is the most that one chunk takes of the plain text."""
        Head.parse(head)
        self._emit = emit
        self._sealer = Sealer(key, head)
        self._chunk_bytes = chunk_bytes
        self._link = self._sealer.head_link
        self._waiting: bytes | memoryview = b""
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
        # What waits is a view: what it looks at must not change.
        fixed = plain if isinstance(plain, bytes) else bytes(plain)
        whole = memoryview(b"".join((self._waiting, fixed)) if self._waiting else fixed)
        rest = 0
        while len(whole) - rest > self._chunk_bytes:
            self._seal(whole[rest : rest + self._chunk_bytes], is_last=False)
            rest += self._chunk_bytes
        self._waiting = whole[rest:]

    def flush(self) -> None:
        """Seal what waits, so that it can reach the disk."""
        if self._waiting and not self._is_finished:
            self._seal(self._waiting, is_last=False)
            self._waiting = b""

    def finish(self) -> None:
        """Seal the rest as the last chunk."""
        if not self._is_finished:
            self._seal(self._waiting, is_last=True)
            self._is_finished = True

    def _seal(self, plain: bytes | memoryview, *, is_last: bool) -> None:
        start, sealed, self._link = self._sealer.seal(self._number, self._link, plain, is_last=is_last)
        self._number += 1
        self.size += len(start) + len(sealed)
        self._emit(start)
        self._emit(sealed)
