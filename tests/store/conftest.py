"""A fresh database for each test: SQLite always, PostgreSQL where Debian's server is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from store.database import Database
from tests.databases import migrated as migrated
from tests.peers import missing

BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), Path("/nonexistent"))


def as_postgres(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A private server on a Unix socket; its URL without a database."""
    if not (BIN / "initdb").exists():
        missing("no PostgreSQL server on this machine (scripts/peers.sh)")
    directory = Path(tempfile.mkdtemp(prefix="drumtower-pg-"))
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres", "postgres")
    try:
        data = str(directory / "data")
        quick = ["-o", f"-c listen_addresses='' -k {directory} -c fsync=off"]
        commands = [
            [str(BIN / "initdb"), "-D", data, "-U", "drumtower", "-A", "trust", "-N"],
            [str(BIN / "pg_ctl"), "-D", data, "-w", "-l", str(directory / "log"), *quick, "start"],
        ]
        for command in commands:
            done = subprocess.run(as_postgres(*command), capture_output=True, text=True, cwd="/", check=False)
            if done.returncode:
                missing(f"PostgreSQL does not start: {done.stderr[-200:]}")
        yield f"postgresql://drumtower@/{{name}}?host={directory}"
        stop = [str(BIN / "pg_ctl"), "-D", data, "-m", "immediate", "stop"]
        subprocess.run(as_postgres(*stop), capture_output=True, cwd="/", check=False)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.interop, pytest.mark.shares])])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kept' / 'drumtower.db'}"
    template: str = request.getfixturevalue("postgres")
    name = f"dt_{uuid.uuid4().hex[:12]}"
    host = template.partition("host=")[2]
    create = [str(BIN / "createdb"), "-h", host, "-U", "drumtower", name]
    subprocess.run(as_postgres(*create), check=True, cwd="/", capture_output=True)
    return template.format(name=name)


@pytest.fixture
async def database(url: str, migrated: bytes) -> AsyncIterator[Database]:
    """An opened database."""
    opened = Database(url)
    if opened.connections.is_sqlite:
        Path(url.removeprefix("sqlite:///")).write_bytes(migrated)
    await opened.open()
    yield opened
    await opened.close()
