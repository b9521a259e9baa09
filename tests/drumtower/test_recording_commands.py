"""`recording` from the command line: what there is, and which bytes of it do not hold."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from config.settings import Settings, load
from drumtower import recording_commands
from drumtower.keyring import master_key
from recorder.deck import Deck
from recorder.library import Library
from store.database import Database
from tests.drumtower.command_line import Run, typing
from tests.mcu.test_conference import House
from tests.recorder.media import LEG, frames
from tests.recorder.test_deck import SETTINGS, ended


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(
        None,
        {
            "HOME": str(tmp_path / "home"),
            "DRUMTOWER_SERVER_DATA": str(tmp_path / "data"),
            "DRUMTOWER_RECORDING_MIN_FREE_BYTES": "0",
            "DRUMTOWER_GATE_HASH_MEMORY_KIB": "8192",
        },
    )


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    return typing(settings, capsys, recording_commands, before="recording")


async def _record(settings: Settings) -> Path:
    database = Database(settings.database_url, settings.store)
    await database.open()
    library = Library(database.recordings, settings.recordings, master_key(settings), settings.recording)
    order = await library.begin(House().policy, LEG, "admin", (320, 180, 25))
    deck = Deck(SETTINGS)
    deck.start(order)
    for frame in frames(3):
        deck.feed(frame)
    deck.stop_all(10)
    (end,) = ended(deck.messages(0))
    await library.finish(end, ["Ward 3"])
    await database.close()
    return Path(order.path)


def test_recordings_are_listed_and_checked_byte_by_byte(settings: Settings, run: Run) -> None:
    assert run("list") == (0, "no recordings\n", "")
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    first, second = asyncio.run(_record(settings)), asyncio.run(_record(settings))
    status, out, _ = run("list")
    assert status == 0
    assert [line.split()[:2] for line in out.splitlines()] == [[second.stem, "room"], [first.stem, "room"]]
    assert "1001  0:03  complete" in out
    assert [each["id"] for each in json.loads(run("list", "--json")[1])] == [second.stem, first.stem]
    assert json.loads(run("list", "--room", "1002", "--json")[1]) == []

    status, out, _ = run("verify", first.stem)
    assert (status, out) == (0, f"{first.stem}  whole\n")
    data = bytearray(first.read_bytes())
    data[5000] ^= 1
    first.write_bytes(data)
    index = second.with_suffix(".dti")
    pages = bytearray(index.read_bytes())
    pages[300] ^= 1
    index.write_bytes(pages)
    status, out, err = run("verify", "--all")
    assert status == 1
    broken_index, broken = out.splitlines()
    assert broken.startswith(f"{first.stem}  a chunk was changed or is torn: bytes ")
    start, end = (int(word) for word in broken.split("bytes ")[1].partition(" of ")[0].split(" to "))
    assert start <= 5000 <= end
    assert broken_index.endswith(f"of {index.name}")
    assert "2 of 2 recordings are not whole" in err
    first.write_bytes(bytes(data[:4000]))
    second.unlink()
    status, out, _ = run("verify", first.stem, second.stem)
    assert status == 1
    assert out.splitlines()[1] == f"{second.stem}  the file is missing"


def test_what_is_not_there_or_not_said_is_refused(run: Run) -> None:
    assert run("verify", "nothing")[::2] == (1, "drumtower: there is no recording nothing\n")
    with pytest.raises(SystemExit):
        run("verify")
