"""Recordings on a real disk: progress, ends of every kind, and none that hurts another."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config.recording import RecordingSettings
from crypto.sealing import Head, verify
from mcu.worker.messages import Message, RecordingEnded, RecordingProgress, StartRecording
from recorder import disk
from recorder.deck import Deck
from tests.recorder.media import LEG, frames

KEY = bytes(range(32))
SETTINGS = RecordingSettings(min_free_bytes=0)


def order(path: Path, leg: int = LEG, name: str = "one") -> StartRecording:
    return StartRecording(leg, name, str(path), KEY, Head(name, b"").serialize(), 320, 180, 25)


def wait(deck: Deck, is_enough: Callable[[list[Message]], bool]) -> list[Message]:
    """Poll as the process does, with a clock of its own, until enough messages came."""
    told: list[Message] = []
    for poll in range(1000):
        told += deck.messages(poll * 100_000)
        if is_enough(told):
            return told
        time.sleep(0.005)
    raise AssertionError(told)


def ended(told: list[Message]) -> list[RecordingEnded]:
    return [message for message in told if isinstance(message, RecordingEnded)]


def check(path: Path, end: RecordingEnded) -> None:
    data = path.read_bytes()
    found = verify(lambda offset, length: data[offset : offset + length], len(data), KEY)
    assert found.is_complete
    assert (found.chain_head, found.size) == (end.chain_head, end.size_bytes)


def test_a_recording_reports_progress_and_ends_complete(tmp_path: Path) -> None:
    deck = Deck(SETTINGS)
    deck.start(order(tmp_path / "one.dtr"))
    for frame in frames(4):
        deck.feed(frame)
    told = wait(deck, lambda told: any(isinstance(m, RecordingProgress) and m.duration_s > 2.5 for m in told))
    deck.stop(LEG)
    (end,) = ended(wait(deck, lambda told: bool(ended(told))))
    assert end.error == ""
    assert end.duration_s == pytest.approx(3.98, abs=0.05)
    assert len(deck) == 0
    assert [m.size_bytes for m in told] == sorted(m.size_bytes for m in told)
    check(tmp_path / "one.dtr", end)
    assert (tmp_path / "one.dtr").stat().st_mode & 0o777 == 0o600


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "one.dtr"
    path.write_bytes(b"precious")
    deck = Deck(SETTINGS)
    deck.start(order(path))
    (end,) = deck.messages(0)
    assert isinstance(end, RecordingEnded)
    assert end.error == "file-exists"
    assert path.read_bytes() == b"precious"


def test_a_write_error_ends_one_recording_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_write = os.write
    written = {"bytes": 0}
    deck = Deck(SETTINGS)
    deck.start(order(tmp_path / "one.dtr"))
    deck.start(order(tmp_path / "two.dtr", leg=8, name="two"))
    (bad,) = [
        int(link.name)
        for link in Path("/proc/self/fd").iterdir()
        if link.exists() and link.samefile(tmp_path / "one.dtr")
    ]

    def write(descriptor: int, data: memoryview) -> int:
        if descriptor == bad:
            written["bytes"] += len(data)
            if written["bytes"] > 2000:
                raise OSError(28, "No space left on device")
        return real_write(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    for one, two in zip(frames(4), frames(4, leg=8), strict=True):
        deck.feed(one)
        deck.feed(two)
    (end,) = ended(wait(deck, lambda told: bool(ended(told))))
    assert (end.recording, end.error) == ("one", "disk-full")
    assert end.size_bytes > 0
    deck.stop(8)
    (end,) = ended(wait(deck, lambda told: bool(ended(told))))
    assert (end.recording, end.error) == ("two", "")
    check(tmp_path / "two.dtr", end)


def test_a_disk_that_gets_full_ends_the_file_in_good_order(tmp_path: Path) -> None:
    deck = Deck(RecordingSettings(min_free_bytes=1 << 60))
    deck.start(order(tmp_path / "one.dtr"))
    for frame in frames(4):
        deck.feed(frame)
    (end,) = ended(wait(deck, lambda told: bool(ended(told))))
    assert end.error == "disk-full"
    check(tmp_path / "one.dtr", end)


def test_a_disk_that_does_not_keep_up_ends_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "MAX_WAITING_BYTES", 20_000)
    monkeypatch.setattr(os, "write", lambda descriptor, data: time.sleep(0.05) or len(data))
    deck = Deck(SETTINGS)
    deck.start(order(tmp_path / "one.dtr"))
    for frame in frames(9):
        deck.feed(frame)
    (end,) = ended(wait(deck, lambda told: bool(ended(told))))
    assert end.error == "disk-too-slow"


def test_the_longest_duration_ends_a_recording(tmp_path: Path) -> None:
    deck = Deck(RecordingSettings(min_free_bytes=0, max_duration_s=2))
    deck.start(order(tmp_path / "one.dtr"))
    for frame in frames(4):
        deck.feed(frame)
    (end,) = ended(wait(deck, lambda told: bool(ended(told))))
    assert (end.error, round(end.duration_s)) == ("longest-duration", 2)
    check(tmp_path / "one.dtr", end)
    assert deck.counters["unknown_leg"] > 0


def test_unknown_legs_and_second_starts_are_counted(tmp_path: Path) -> None:
    deck = Deck(SETTINGS)
    deck.start(order(tmp_path / "one.dtr"))
    deck.start(order(tmp_path / "two.dtr"))
    deck.feed(frames(1, leg=99)[0])
    deck.stop(99)
    assert (deck.counters["started_twice"], deck.counters["unknown_leg"]) == (1, 1)
    deck.stop_all(2)
    assert ended(deck.messages(0))[0].error == ""
