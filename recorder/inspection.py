"""Checking that a recording is whole: its seal, its chain, and its end against the row."""

from __future__ import annotations

from dataclasses import dataclass

from crypto.sealing import SealError, verify
from recorder.shelf import Shelf
from store.recordings import Recording


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the seal of a recording found."""

    is_intact: bool
    first_bad: tuple[int, int] | None = None
    """First and last-plus-one byte of the first part of the sealed file that does not hold; the same number twice
    where something is missing there."""
    reason: str = ""

    @property
    def first_bad_byte(self) -> int | None:
        """Where the broken part begins."""
        return None if self.first_bad is None else self.first_bad[0]


def inspect(shelf: Shelf, recording: Recording) -> Verdict:
    """Read the whole file of a recording that has ended. Raises OSError, NoSuchFileError among them."""
    try:
        sealed = shelf.open(recording.id)
    except SealError as error:
        return Verdict(is_intact=False, first_bad=(error.offset, error.end), reason=error.reason)
    try:
        found = verify(sealed.file.read_at, sealed.file.size, sealed.key)
    except SealError as error:
        return Verdict(is_intact=False, first_bad=(error.offset, error.end), reason=error.reason)
    finally:
        sealed.file.close()
    if found.first_bad is not None:
        return Verdict(is_intact=False, first_bad=found.first_bad, reason="a chunk was changed or is torn")
    end = found.size, found.size
    if recording.chain_head and found.chain_head != recording.chain_head:
        return Verdict(is_intact=False, first_bad=end, reason="the file ends elsewhere than it did")
    if recording.state == "complete" and not found.is_complete:
        return Verdict(is_intact=False, first_bad=end, reason="the end is missing")
    return Verdict(is_intact=True)
