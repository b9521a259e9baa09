"""`dot1x` from the command line: certificates and secrets are made once, readable by nobody else."""

from __future__ import annotations

import argparse
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from auth8021x.eapserver.contexts import TlsContexts, TlsFiles
from auth8021x.eapserver.secret_strength import weakness
from config.settings import Settings, load
from crypto.secret_file import read_secret
from drumtower import dot1x_commands
from drumtower.keyring import master_key

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(None, {"HOME": str(tmp_path / "home"), "DRUMTOWER_SERVER_DATA": str(tmp_path / "data")})


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    parser = argparse.ArgumentParser()
    dot1x_commands.add_parser(parser.add_subparsers())

    def call(*arguments: str) -> tuple[int, str, str]:
        options = parser.parse_args(["dot1x", *arguments])
        status: int = options.command(options, settings)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_certificates_are_made_once_and_the_server_can_use_them(run: Run, settings: Settings):
    status, out, _ = run("certificates", "--client", "vt1")
    assert status == 0
    assert ("authority: made" in out, "server: made" in out, "device vt1: made" in out) == (True, True, True)
    folder = dot1x_commands.certificates_folder(settings)
    assert {path.name for path in folder.iterdir()} == {
        f"{a}.{b}" for a in ("ca", "server", "vt1") for b in ("pem", "key")
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    password = dot1x_commands.key_password(master_key(settings))
    TlsContexts(TlsFiles(folder / "server.pem", folder / "server.key", folder / "ca.pem", password), 1)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    status, out, error = run("certificates", "--client", "vt1")
    assert (status, "was there" in out, "there already" in error) == (1, True, True)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_secret_is_strong_and_never_shown_or_written_over(run: Run, tmp_path: Path):
    file = tmp_path / "switch.secret"
    status, out, _ = run("secret", str(file))
    secret = read_secret(file).reveal()
    assert (status, weakness(secret.encode())) == (0, "")
    assert secret not in out
    status, _, error = run("secret", str(file))
    assert (status, str(file) in error, read_secret(file).reveal()) == (1, True, secret)


def test_names_that_are_none_are_refused(run: Run):
    status, _, error = run("certificates", "--client", "../vt1")
    assert (status, "../vt1" in error) == (1, True)


def test_the_help_says_what_becomes_of_the_files(capsys: pytest.CaptureFixture[str]):
    parser = argparse.ArgumentParser()
    dot1x_commands.add_parser(parser.add_subparsers())
    with pytest.raises(SystemExit):
        parser.parse_args(["dot1x", "certificates", "--help"])
    assert "Nothing is ever written over" in capsys.readouterr().out
