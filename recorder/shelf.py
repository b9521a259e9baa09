"""Files and keys of recordings by their ids: what everything here opens a sealed file by."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from crypto.keys import KeyFault, MasterKey
from crypto.sealing import KEY_BYTES, MAX_HEAD_BYTES, Head, SealError, labelled
from recorder.errors import NoSuchFileError
from recorder.label import Label
from recorder.storage import INDEX_SUFFIX, RECORDING_SUFFIX, Storage, StoredFile

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
WRITER_PATIENCE_S = 5.0
"""A recorder that lost its server ends its files within this time."""


@dataclass(frozen=True, slots=True)
class SealedFile:
    """An open file, its head, and the key of its data."""

    file: StoredFile
    head: Head
    key: bytes


class Shelf:
    """The storage and the master key, joined."""

    def __init__(self, storage: Storage, master: MasterKey) -> None:
        self.storage = storage
        self._master = master

    def new_head(self, recording_id: str, label: Label) -> tuple[bytes, bytes]:
        """A fresh data key, and the head of the file that it seals."""
        key = secrets.token_bytes(KEY_BYTES)
        head = Head(recording_id, self._master.wrap(key, _context(recording_id)))
        return key, labelled(head, key, label.serialize()).serialize()

    def open(self, recording_id: str, patience_s: float = 0.0) -> SealedFile:
        """The file of a recording and its key. Raises SealError, KeyFault, OSError, NoSuchFileError among them."""
        file = self.storage.open(file_name(recording_id), patience_s)
        try:
            head, length = Head.parse(file.read_at(0, MAX_HEAD_BYTES))
            if head.id != recording_id:
                raise SealError("the file belongs to another recording", 0, length)
            try:
                return SealedFile(file, head, self._master.unwrap(head.wrapped_key, _context(recording_id)))
            except KeyFault as error:
                raise SealError(str(error), 0, length) from error
        except BaseException:
            file.close()
            raise


def file_name(recording_id: str) -> str:
    """The sealed file of a recording. Raises NoSuchFileError for what is no id."""
    return _name(recording_id, RECORDING_SUFFIX)


def index_name(recording_id: str) -> str:
    """The index beside it. Raises NoSuchFileError for what is no id."""
    return _name(recording_id, INDEX_SUFFIX)


def _name(recording_id: str, suffix: str) -> str:
    if not _ID.match(recording_id):
        raise NoSuchFileError
    return recording_id + suffix


def recording_ids(names: list[str]) -> set[str]:
    """Whose sealed files these are; other files are nobody's."""
    ids = (name.removesuffix(RECORDING_SUFFIX) for name in names if name.endswith(RECORDING_SUFFIX))
    return {found for found in ids if _ID.match(found)}


def _context(recording_id: str) -> str:
    """What the wrapped key of a recording is bound to."""
    return f"recording/{recording_id}"
