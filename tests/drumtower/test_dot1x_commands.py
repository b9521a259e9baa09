"""`dot1x` from the command line: certificates and secrets are made once, readable by nobody else."""

from __future__ import annotations

import argparse
import stat
from pathlib import Path

import pytest

from auth8021x.eapserver.contexts import TlsContexts, TlsFiles
from auth8021x.eapserver.secret_strength import weakness
from config.settings import Settings, load
from crypto.network_certificates import key_password
from crypto.secret_file import read_secret
from drumtower import dot1x_commands
from drumtower.keyring import master_key
from tests.drumtower.command_line import Run, typing


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(None, {"HOME": str(tmp_path / "home"), "DRUMTOWER_SERVER_DATA": str(tmp_path / "data")})


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    return typing(settings, capsys, dot1x_commands, before="dot1x")


def test_certificates_are_made_once_and_the_server_can_use_them(run: Run, settings: Settings):
    status, out, _ = run("certificates", "--client", "vt1")
    assert status == 0
    assert ("authority: made" in out, "server: made" in out, "device vt1: made" in out) == (True, True, True)
    folder = dot1x_commands.certificates_folder(settings)
    assert {path.name for path in folder.iterdir()} == {
        f"{a}.{b}" for a in ("ca", "server", "vt1") for b in ("pem", "key")
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    password = key_password(master_key(settings))
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


def test_users_and_devices(run: Run, tmp_path: Path):
    file = tmp_path / "password"
    file.touch(0o600)
    file.write_text("vtpass-1\n")
    assert run("add", "vt1", "--password-file", str(file), "--md5")[0] == 0
    assert run("add", "cart-7", "--mac", "0200.5E00.5301", "--bypass")[0] == 0
    assert run("disable", "VT1")[1] == "vt1 is disabled\n"
    assert run("set-group", "VT1")[1] == "vt1 is in no group\n"
    out = run("list")[1]
    assert [line.split(None, 1) for line in out.splitlines()] == [
        ["cart-7", "02:00:5e:00:53:01, by its address alone"],
        ["vt1", "password, EAP-MD5, disabled"],
    ]
    assert "vtpass" not in out
    assert run("set-password", "vt1", "--password-file", str(file))[0] == 0
    assert run("remove", "cart-7")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "vt1", "--group", "video"), "no such group"),
        (("add", "vt1", "--mac", "ward"), "no MAC address"),
        (("add", "vt1", "--bypass"), "MAC address"),
        (("add", "vt1", "--md5"), "needs a password"),
        (("remove", "vt1"), "there is no vt1"),
        (("set-group", "vt1", "video"), "no such group"),
        (("set-group", "vt1"), "there is no vt1"),
        (("enable", "vt1"), "there is no vt1"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], words: str):
    status, _, error = run(*arguments)
    assert (status, words in error) == (1, True)
