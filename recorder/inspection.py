"""Checking that a recording is whole: its seal, its chain, its end against the row, and the index beside it."""

from __future__ import annotations

from dataclasses import dataclass

from crypto.sealing import MAX_HEAD_BYTES, Head, SealError, Verified, companion_key, verify
from recorder.errors import NoSuchFileError
from recorder.index import StoredIndex
from recorder.shelf import SealedFile, Shelf, file_name, index_name
from store.recordings import Recording


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the seal of a recording found."""

    is_intact: bool
    first_bad: tuple[int, int] | None = None
    """First and last-plus-one byte of the first part of `file` that does not hold; the same number twice where
    something is missing there."""
    reason: str = ""
    file: str = ""
    """The file with the broken part: the recording, or its index."""

    @property
    def first_bad_byte(self) -> int | None:
        """Where the broken part begins."""
        return None if self.first_bad is None else self.first_bad[0]


def inspect(shelf: Shelf, recording: Recording) -> Verdict:
    """Read the whole file of a recording that has ended. Raises OSError, NoSuchFileError among them."""
    name = file_name(recording.id)
    try:
        sealed = shelf.open(recording.id)
    except SealError as error:
        return _bad(error, name)
    try:
        found = verify(sealed.file.read_at, sealed.file.size, sealed.key)
        reason, bad = _fault(found, recording)
        if reason:
            return Verdict(is_intact=False, first_bad=bad, reason=reason, file=name)
        return _inspect_index(shelf, recording.id, sealed, found)
    except SealError as error:
        return _bad(error, name)
    finally:
        sealed.file.close()


def _fault(found: Verified, recording: Recording) -> tuple[str, tuple[int, int] | None]:
    if found.first_bad is not None:
        return "a chunk was changed or is torn", found.first_bad
    end = found.size, found.size
    if recording.chain_head and found.chain_head != recording.chain_head:
        return "the file ends elsewhere than it did", end
    if recording.state == "complete" and not found.is_complete:
        return "the end is missing", end
    return "", None


def _inspect_index(shelf: Shelf, recording_id: str, sealed: SealedFile, found: Verified) -> Verdict:
    """One that is missing is made again when somebody watches; one that was changed is evidence."""
    name = index_name(recording_id)
    try:
        file = shelf.storage.open(name)
    except NoSuchFileError:
        return Verdict(is_intact=True)
    try:
        head, _ = Head.parse(file.read_at(0, MAX_HEAD_BYTES))
        pages = verify(file.read_at, file.size, companion_key(sealed.key, head))
        if pages.first_bad is not None:
            return Verdict(is_intact=False, first_bad=pages.first_bad, reason="a page was changed", file=name)
        if not StoredIndex(file, sealed.key).belongs_to(found.size, found.chain_head):
            return Verdict(is_intact=False, first_bad=(0, file.size), reason="the index is of another end", file=name)
        return Verdict(is_intact=True)
    except SealError as error:
        return _bad(error, name)
    finally:
        file.close()


def _bad(error: SealError, name: str) -> Verdict:
    return Verdict(is_intact=False, first_bad=(error.offset, error.end), reason=error.reason, file=name)
