"""`dot1x test-user` before it asks anybody: what it needs, and what cannot be. With servers: tests/interop."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import load
from drumtower import dot1x_commands
from tests.drumtower.command_line import Run, typing


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    file, secret = tmp_path / "drumtower.toml", tmp_path / "radius.secret"
    secret.touch(0o600)
    secret.write_text("between us and the server\n")
    file.write_text(f'[[dot1x.servers]]\nname = "main"\naddress = "127.0.0.1"\nsecret_file = "{secret}"\n')
    settings = load(file, {"HOME": str(tmp_path), "DRUMTOWER_SERVER_DATA": str(tmp_path / "data")})
    monkeypatch.setenv("DRUMTOWER_DOT1X_PASSWORD", "vtpass1")
    return typing(settings, capsys, dot1x_commands, before="dot1x test-user vt1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--ca FILE, or --any-server"),
        (("--method", "ttls"), "--ca FILE, or --any-server"),
        (("--method", "tls", "--any-server"), "--certificate FILE"),
        (("--any-server", "--certificate", "/nowhere.pem"), "/nowhere.pem"),
        (("--ca", "/nowhere.pem"), "/nowhere.pem"),
        (("--server", "second", "--any-server"), "there are main"),
        (("--embedded", "--method", "md5"), "no RADIUS server"),
        (("--method", "md5", "--password-env", "--mac", "ward"), "no MAC address"),
        (("--method", "md5", "--password-file", "/nowhere"), "/nowhere"),
        (("--method", "md5"), "no terminal to ask"),
        (("--method", "mac"), "vt1: no MAC address"),
    ],
)
def test_what_cannot_be_tried_is_said(run: Run, arguments: tuple[str, ...], words: str):
    status, out, error = run(*arguments)
    assert (status, out) == (1, "")
    assert words in error
    assert "vtpass1" not in error


def test_a_password_is_no_argument(run: Run, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        run("--password", "vtpass1")
    assert "unrecognized arguments" in capsys.readouterr().err
