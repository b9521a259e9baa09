"""`terminal` from the command line: what is printed, what is kept, and what never is."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from config.settings import Settings, load
from crypto.h235.password_key import PasswordKey
from crypto.ha1 import Ha1
from crypto.secret import Secret
from drumtower import terminal_commands
from drumtower.keyring import master_key
from store.database import Database
from store.terminals import Terminal
from tests.drumtower.command_line import Run, typing


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(None, {"HOME": str(tmp_path / "home"), "DRUMTOWER_SERVER_DATA": str(tmp_path / "data")})


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    return typing(settings, capsys, terminal_commands, before="terminal")


def stored(settings: Settings) -> dict[str, Terminal]:
    async def look() -> list[Terminal]:
        database = Database(settings.database_url)
        try:
            return await database.terminals.all()
        finally:
            await database.close()

    return {terminal.alias: terminal for terminal in asyncio.run(look())}


async def add(settings: Settings, terminal: Terminal) -> None:
    database = Database(settings.database_url)
    try:
        await database.open()
        await database.terminals.add(terminal)
    finally:
        await database.close()


def ha1(settings: Settings, alias: str) -> Ha1:
    return Ha1.unseal(master_key(settings), alias, stored(settings)[alias].secret)


def test_a_generated_secret_is_printed_once_and_kept_sealed(run: Run, settings: Settings) -> None:
    status, out, err = run("add", "ward-3", "--name", "三病区", "--site", "North")
    assert (status, err) == (0, "")
    secret = out.splitlines()[-1].rpartition(" ")[2]
    assert ha1(settings, "ward-3") == Ha1.of("ward-3", "drumtower", secret)
    database = Path(settings.data / "drumtower.db").read_bytes()
    assert secret.encode() not in database
    assert ha1(settings, "ward-3").md5.encode() not in database
    assert run("list") == (0, "ward-3                   三病区 (North)\n", "")


def test_a_secret_of_before_h323_is_marked_until_it_is_set_again(run: Run, settings: Settings) -> None:
    settings.data.mkdir()
    asyncio.run(add(settings, Terminal("old", "Old", b"sealed", site="North")))
    assert run("list")[1] == "old                      Old (North, for H.323 set its secret again)\n"
    secret = run("set-secret", "old")[1].splitlines()[-1].rpartition(" ")[2]
    assert run("list")[1] == "old                      Old (North)\n"
    sealed = stored(settings)["old"].h235_key
    assert sealed is not None
    assert PasswordKey.unseal(master_key(settings), "old", sealed) == PasswordKey.of(secret)


def test_secrets_from_file_environment_and_standard_input(
    run: Run, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("from-a-file-1\n")
    assert run("add", "a", "--secret-file", str(tmp_path / "secret"))[:2] == (0, "created a\n")
    monkeypatch.setenv("DRUMTOWER_TERMINAL_SECRET", "from-environment")
    assert run("set-secret", "a", "--secret-env")[0] == 0
    assert ha1(settings, "a") == Ha1.of("a", "drumtower", Secret("from-environment"))
    monkeypatch.setattr("sys.stdin", io.StringIO("from-a-pipe-1\n"))
    assert run("set-secret", "a", "--secret-file", "-")[0] == 0
    assert ha1(settings, "a") == Ha1.of("a", "drumtower", Secret("from-a-pipe-1"))


def test_disable_enable_remove(run: Run, settings: Settings) -> None:
    run("add", "a")
    assert run("disable", "a")[1] == "a is disabled\n"
    assert run("list")[1] == "a                        a (disabled)\n"
    assert run("enable", "a")[0] == 0
    assert stored(settings)["a"].is_enabled
    assert run("remove", "a")[0] == 0
    assert stored(settings) == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("remove", "nobody"), "no terminal nobody"), (("disable", "nobody"), "no terminal nobody"),
        (("set-secret", "nobody"), "no terminal nobody"), (("add", "a"), "taken"), (("add", "Ward 3"), "alias"),
        (("add", "b", "--name", "x" * 81), "name"), (("add", "b", "--secret-prompt"), "no terminal to ask"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], words: str) -> None:
    run("add", "a")
    status, _, err = run(*arguments)
    assert status == 1
    assert words in err


@pytest.mark.parametrize("secret", ["short", "x" * 129, "aaaaaaaaaaaa", "päss-wörter", "tab\tinside it"])
def test_weak_secrets_are_refused(run: Run, tmp_path: Path, secret: str) -> None:
    (tmp_path / "secret").write_text(secret)
    status, _, err = run("add", "a", "--secret-file", str(tmp_path / "secret"))
    assert (status, "secret:" in err, secret in err) == (1, True, False)
