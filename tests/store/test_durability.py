"""What has to outlive a power cut: the file ahead of which SQLite writes is synced before a row counts as kept."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import needs_programs

pytestmark = [pytest.mark.interop, pytest.mark.shares]

_SCRIPT = """
import asyncio, os, sys
from datetime import UTC, datetime
from store.database import Database
from store.recordings import Recording

NOW = datetime(2030, 5, 1, tzinfo=UTC)

async def main():
    database = Database("sqlite:///" + sys.argv[1])
    await database.open()
    rows = database.recordings
    steps = {
        "add": lambda: rows.add(Recording("r1", "1001", "Ward", NOW, "admin")),
        "note": lambda: rows.note_error("r1", "file-missing"),
        "took-part": lambda: rows.took_part("r1", ("Dr. Wang",)),
        "end": lambda: rows.end("r1", ended_at=NOW, size_bytes=1, duration_s=1.0, chain_head="ab"),
        "delete": lambda: rows.delete("r1"),
        "nothing": lambda: asyncio.sleep(0),
    }
    for name, step in steps.items():
        os.write(2, f"step {name}\\n".encode())
        await step()
    await database.close()

asyncio.run(main())
"""


def test_rows_of_recordings_are_synced_before_they_count_as_kept(tmp_path: Path) -> None:
    needs_programs("strace")
    log = tmp_path / "calls"
    command = ["strace", "-f", "-y", "-o", str(log), "-e", "trace=write,fsync,fdatasync"]
    subprocess.run(
        [*command, sys.executable, "-c", _SCRIPT, str(tmp_path / "kept.db")],
        check=True,
        capture_output=True,
        timeout=60,
    )
    synced: dict[str, bool] = {}
    step = ""
    for line in log.read_text(errors="replace").splitlines():
        if begun := re.search(r'write\(2<[^>]*>, "step ([a-z-]+)', line):
            step = begun[1]
            synced[step] = False
        elif step and re.search(r"f(data)?sync\(\d+<[^>]*\.db-wal>", line):
            synced[step] = True
    assert synced == {
        "add": True, "note": False, "took-part": True, "end": True, "delete": True, "nothing": synced["nothing"],
    }  # fmt: skip
