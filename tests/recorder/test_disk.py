"""The writer of a file: what it says is on the disk is there after a power cut."""

import os
from pathlib import Path

import pytest

from recorder.disk import DiskWriter
from recorder.disk_storage import DiskStorage
from recorder.tape import Mark


def test_the_name_is_on_the_disk_before_anything_counts_as_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done: list[str] = []

    def fsync(descriptor: int) -> None:
        done.append(f"sync {os.readlink(f'/proc/self/fd/{descriptor}')}")

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "fdatasync", fsync)
    writer = DiskWriter(DiskStorage(tmp_path), "one", 0)
    assert writer.synced.size_bytes == 0
    writer.put(b"sound", Mark(5, 0.1, "head"))
    writer.finish()
    writer.join(10)
    assert done == [f"sync {tmp_path / 'one'}", f"sync {tmp_path}"]
    assert (writer.synced, writer.error, (tmp_path / "one").read_bytes()) == (Mark(5, 0.1, "head"), "", b"sound")


def test_a_folder_that_cannot_be_synced_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fsync(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    writer = DiskWriter(DiskStorage(tmp_path), "one", 0)
    writer.put(b"sound", Mark(5, 0.1, "head"))
    writer.finish()
    writer.join(10)
    assert (writer.error, writer.is_done) == ("eio", True)
