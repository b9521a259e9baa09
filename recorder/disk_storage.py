"""Files of recordings in a folder of this machine."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from recorder.errors import NoSuchFileError

_LOOK_S = 0.05


class DiskStorage:
    """See recorder.storage.Storage. The folder is made when something is first written into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def create(self, name: str) -> DiskFile:
        """See Storage."""
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(self.folder.parent)
        return DiskFile(self.folder / name)

    def open(self, name: str, patience_s: float = 0.0) -> OpenFile:
        """See Storage."""
        return OpenFile(self.folder / name, patience_s)

    def rename(self, name: str, new: str) -> None:
        """See Storage."""
        (self.folder / name).replace(self.folder / new)
        _sync_folder(self.folder)

    def cut(self, name: str, size: int) -> None:
        """See Storage."""
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, name: str) -> None:
        """See Storage."""
        path = self.folder / name
        if path.exists():
            path.unlink(missing_ok=True)
            _sync_folder(self.folder)

    def names(self) -> list[str]:
        """See Storage."""
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.is_dir() else []

    def free_bytes(self) -> int:
        """See Storage."""
        folder = self.folder
        while not folder.is_dir():
            folder = folder.parent
        disk = os.statvfs(folder)
        return disk.f_bavail * disk.f_frsize


class DiskFile:
    """See recorder.storage.GrowingFile; it never overwrites a file."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._has_name = False
        # Held until the file is closed: a server that starts anew does not mend what is still being written.
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def append(self, data: bytes | bytearray) -> None:
        """See GrowingFile."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def sync(self) -> None:
        """See GrowingFile."""
        os.fdatasync(self._descriptor)
        if not self._has_name:
            # A new name is safe only once its folder is synced: else a power cut takes the whole file, synced or not.
            _sync_folder(self._path.parent)
            self._has_name = True

    def close(self) -> None:
        """See GrowingFile."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class OpenFile:
    """See recorder.storage.StoredFile."""

    def __init__(self, path: Path, patience_s: float) -> None:
        """Raises OSError: BlockingIOError when its writer takes longer than `patience_s`, where that is not 0."""
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NoSuchFileError from error
        try:
            if patience_s:
                _wait_for_writer(self._descriptor, patience_s)
            self.size = os.fstat(self._descriptor).st_size
        except BaseException:
            self.close()
            raise

    def read_at(self, offset: int, length: int) -> bytes:
        """See StoredFile."""
        return os.pread(self._descriptor, length, offset)

    def close(self) -> None:
        """See StoredFile."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _wait_for_writer(descriptor: int, patience_s: float) -> None:
    """A recorder whose server was killed finishes its file first."""
    deadline_s = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_LOOK_S)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            return


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
