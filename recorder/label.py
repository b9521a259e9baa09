"""What a recording says of itself, sealed in its head: enough to list it again when its row was lost."""

from __future__ import annotations

from datetime import datetime

import msgspec

from crypto.sealing import Head, SealError, open_label
from recorder.errors import BadFileError


class Label(msgspec.Struct, frozen=True):
    """What is known when a recording begins."""

    room_number: str
    room_name: str
    started_at: datetime
    started_by: str

    def serialize(self) -> bytes:
        """For crypto.sealing.labelled()."""
        return msgspec.msgpack.encode(self)


def read_label(head: Head, key: bytes) -> Label | None:
    """The label of a file; None where it has none. Raises BadFileError."""
    try:
        data = open_label(head, key)
        return msgspec.msgpack.decode(data, type=Label) if data else None
    except (SealError, msgspec.DecodeError) as error:
        raise BadFileError(str(error)) from error
