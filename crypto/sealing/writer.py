"""Writing a sealed file: plain text in, chunks out."""

from __future__ import annotations

from collections.abc import Callable

from crypto.sealing.chunk import MAX_PLAIN_BYTES, OVERHEAD_BYTES, Sealer
from crypto.sealing.head import Head


class SealWriter:
    """Seals what is written; `emit` takes the bytes of the file in order, and owns them; the head at once."""

    def __init__(
        self, emit: Callable[[bytes | bytearray], object], head: bytes, key: bytes, chunk_bytes: int = MAX_PLAIN_BYTES
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
        full = max(0, len(whole) - 1) // self._chunk_bytes * self._chunk_bytes
        self._seal(whole[:full])
        self._waiting = whole[full:]

    def write_through(self, plain: bytes) -> None:
        """Append, and seal all of it at once, so that it can reach the disk. Raises ValueError after finish()."""
        if self._waiting or self._is_finished:
            self.write(plain)
            self.flush()
        else:
            self._seal(memoryview(plain))

    def flush(self) -> None:
        """Seal what waits, so that it can reach the disk."""
        if not self._is_finished:
            self._seal(memoryview(self._waiting))
            self._waiting = b""

    def finish(self) -> None:
        """Seal the rest as the last chunk."""
        if not self._is_finished:
            self._seal(memoryview(self._waiting), is_last=True)
            self._is_finished = True

    def _seal(self, plain: memoryview, *, is_last: bool = False) -> None:
        """As chunks, put down one behind the other: nothing is copied. Nothing happens for nothing, but at the end."""
        step = self._chunk_bytes
        starts = range(0, len(plain), step) if plain else range(is_last)
        if not starts:
            return
        made = bytearray(len(plain) + len(starts) * OVERHEAD_BYTES)
        view, offset = memoryview(made), 0
        for start in starts:
            piece = plain[start : start + step]
            end = offset + len(piece) + OVERHEAD_BYTES
            is_end = is_last and start == starts[-1]
            self._link = self._sealer.seal(self._number, self._link, piece, view[offset:end], is_last=is_end)
            self._number += 1
            offset = end
        self.size += len(made)
        self._emit(made)
