"""A disk that keeps what was synced, and of the rest what chance will have: files and their names both.

`Watched` notes every operation below a folder while it happens on a real disk; `Disk` repeats the first of them and
tells what a power cut might leave then. File systems may write names before contents and contents before names, whole
pages in any order, and lengths before what is in them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_PAGE_BYTES = 4096
Image = dict[str, bytes]
"""A folder: names and contents."""


@dataclass(frozen=True)
class Operation:
    """One change of the folder, or of the rows beside it."""

    kind: str
    """create, write, cut, sync, sync-names, rename, remove, rows"""
    name: str = ""
    data: Any = None
    at_s: float = 0.0


class Watched:
    """The operations below a folder, in order."""

    def __init__(self, folder: Path, now: Callable[[], float] = lambda: 0.0) -> None:
        self._folder = str(folder)
        self._now = now
        self._opened: dict[int, str] = {}
        self.operations: list[Operation] = []
        self.before: Callable[[Operation], object] = lambda _: None
        """Called first; what it raises the operation raises."""

    def note(self, kind: str, name: str = "", data: object = None) -> None:
        """Something happens."""
        operation = Operation(kind, name, data, self._now())
        self.before(operation)
        self.operations.append(operation)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Until the end of it."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("open", "write", "close", "fsync", "fdatasync", "ftruncate", "unlink", "replace"):
                patch.setattr(os, name, getattr(self, f"_{name}")(getattr(os, name)))
            for name in ("rename", "link", "pwrite", "writev", "truncate"):
                patch.setattr(os, name, self._unknown(name, getattr(os, name)))
            yield

    def _is_here(self, path: object) -> bool:
        return isinstance(path, str | os.PathLike) and str(path).startswith(self._folder)

    def _unknown(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            assert not any(self._is_here(each) or each in self._opened for each in given), f"{name} is not modelled"
            return real(*given, **named)

        return call

    def _open(self, real: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, mode: int = 0o777, **named: Any) -> int:
            name = os.path.basename(path) if self._is_here(path) else ""
            is_new = bool(name) and flags & os.O_CREAT and not os.path.exists(path)
            if is_new:
                self.note("create", name)
            descriptor = real(path, flags, mode, **named)
            if name and (flags & (os.O_WRONLY | os.O_RDWR) or str(path) == self._folder):
                self._opened[descriptor] = "" if str(path) == self._folder else name
            return descriptor

        return call

    def _write(self, real: Callable[..., int]) -> Callable[..., int]:
        def call(descriptor: int, data: bytes) -> int:
            if descriptor in self._opened:
                self.note("write", self._opened[descriptor], bytes(data))
            return real(descriptor, data)

        return call

    def _close(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def call(descriptor: int) -> None:
            self._opened.pop(descriptor, None)
            real(descriptor)

        return call

    def _fsync(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def call(descriptor: int) -> None:
            if descriptor in self._opened:
                name = self._opened[descriptor]
                self.note("sync" if name else "sync-names", name)
            real(descriptor)

        return call

    _fdatasync = _fsync

    def _ftruncate(self, real: Callable[[int, int], None]) -> Callable[[int, int], None]:
        def call(descriptor: int, size: int) -> None:
            if descriptor in self._opened:
                self.note("cut", self._opened[descriptor], size)
            real(descriptor, size)

        return call

    def _replace(self, real: Callable[..., None]) -> Callable[..., None]:
        def call(old: Any, new: Any, **named: Any) -> None:
            if self._is_here(old):
                self.note("rename", os.path.basename(old), os.path.basename(new))
            real(old, new, **named)

        return call

    def _unlink(self, real: Callable[..., None]) -> Callable[..., None]:
        def call(path: Any, **named: Any) -> None:
            if self._is_here(path):
                self.note("remove", os.path.basename(path))
            real(path, **named)

        return call


@dataclass
class _File:
    now: bytes = b""
    kept: bytes = b""


@dataclass
class Disk:
    """What is in the folder, and what of it would be left."""

    names: dict[str, _File] = field(default_factory=dict)
    kept_names: dict[str, _File] = field(default_factory=dict)
    rows: Any = None
    kept_rows: Any = None

    @classmethod
    def of(cls, image: Image, rows: Any = None) -> Disk:
        """A disk with nothing on its way."""
        files = {name: _File(data, data) for name, data in image.items()}
        return cls(dict(files), dict(files), rows, rows)

    def apply(self, operation: Operation) -> None:
        """The next thing that happened."""
        name, data = operation.name, operation.data
        match operation.kind:
            case "create":
                self.names[name] = _File()
            case "write":
                self.names[name].now += data
            case "cut":
                self.names[name].now = self.names[name].now[:data]
            case "sync":
                self.names[name].kept = self.names[name].now
            case "sync-names":
                self.kept_names = dict(self.names)
            case "rename":
                self.names[data] = self.names.pop(name)
            case "remove":
                del self.names[name]
            case "rows":
                self.rows, is_durable = data
                self.kept_rows = self.rows if is_durable else self.kept_rows

    def after_a_cut(self, chance: random.Random, chances: int = 1) -> Iterator[tuple[Image, Any]]:
        """Folders and rows that may be there when the power is back: the worst, the best, the odd, and by chance."""
        yield {name: file.kept for name, file in self.kept_names.items()}, self.kept_rows
        yield {name: file.now for name, file in self.names.items()}, self.rows
        yield {name: file.now for name, file in self.kept_names.items()}, self.kept_rows
        yield {name: file.kept for name, file in self.names.items()}, self.kept_rows
        yield {name: _blank(file) for name, file in self.names.items()}, self.kept_rows
        yield {name: _last_page(file) for name, file in self.names.items()}, self.kept_rows
        for _ in range(chances):
            names = self.names if chance.random() < 0.5 else self.kept_names
            rows = self.rows if chance.random() < 0.5 else self.kept_rows
            yield {name: _torn(file, chance) for name, file in names.items()}, rows


def _blank(file: _File) -> bytes:
    """The length is there, what was written is not."""
    return file.kept + bytes(max(0, len(file.now) - len(file.kept)))


def _last_page(file: _File) -> bytes:
    """What was written last is there, and nothing of what was written before it."""
    first = max(len(file.kept), len(file.now) - _PAGE_BYTES)
    return file.kept + bytes(max(0, first - len(file.kept))) + file.now[first:]


def _torn(file: _File, chance: random.Random) -> bytes:
    """Some pages of what was not synced."""
    if not file.now.startswith(file.kept):
        return chance.choice((file.now, file.kept))
    size = chance.randint(len(file.kept), len(file.now))
    made = bytearray(file.now[:size])
    for start in range(len(file.kept) // _PAGE_BYTES * _PAGE_BYTES, size, _PAGE_BYTES):
        begin, end = max(start, len(file.kept)), min(start + _PAGE_BYTES, size)
        if chance.random() < 0.3:
            made[begin:end] = bytes(end - begin)
    return bytes(made)


def put_down(image: Image, folder: Path) -> None:
    """Make a real folder of it."""
    folder.mkdir(parents=True)
    for name, data in image.items():
        (folder / name).write_bytes(data)
