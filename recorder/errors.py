"""What can go wrong with a recording; the words travel in RecordingEnded and in the database."""

from __future__ import annotations

from mcu.taping import RegisterError


class RecordingError(RegisterError):
    """Base of the errors of this package; `reason` is a word for logs, counters and the database."""


class DiskFullError(RecordingError):
    """Less is free than the settings demand."""

    def __init__(self) -> None:
        super().__init__("disk-full")


class NoSuchFileError(RecordingError, FileNotFoundError):
    """The file of a recording is not where it should be."""

    def __init__(self) -> None:
        super().__init__("file-missing")


class BadFileError(RecordingError):
    """A file that is not what the recorder wrote."""


class BadIndexError(BadFileError):
    """An index that was changed; it can be made again from the recording."""

    def __init__(self) -> None:
        super().__init__("bad-index")
