"""`drumtower serve` where it cannot: one line that says why, exit status 1, nothing left running."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind(("127.0.0.1", 0))
        tcp.bind(("127.0.0.1", udp.getsockname()[1]))
        tcp.listen()
        yield udp.getsockname()[1]


def serve(folder: Path, **variables: object) -> tuple[int, list[str]]:
    """The exit status, and what was printed beside the log."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DRUMTOWER_")}
    environment |= {
        "DRUMTOWER_SERVER_DATA": str(folder / "data"),
        "DRUMTOWER_SECRETS_MASTER_KEY_FILE": str(folder / "keys" / "master.key"),
        "DRUMTOWER_SIP_PORT": "0", "DRUMTOWER_NET_WEBRTC_PORT": "0", "DRUMTOWER_LOG": "ERROR",
        "DRUMTOWER_H323_RAS_PORT": "0", "DRUMTOWER_H323_SIGNALLING_PORT": "0",
    } | {f"DRUMTOWER_{name}": str(value) for name, value in variables.items()}  # fmt: skip
    command = [sys.executable, "-m", "drumtower", "serve"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("drumtower: ")]


@pytest.mark.parametrize(
    "port", ["SERVER_HTTP_PORT", "SIP_PORT", "H323_RAS_PORT", "H323_SIGNALLING_PORT", "NET_WEBRTC_PORT"]
)
def test_a_port_that_is_taken_is_named(tmp_path: Path, taken: int, port: str) -> None:
    status, lines = serve(tmp_path, **({"SERVER_HTTP_PORT": _free()} | {port: taken}))
    assert status == 1
    assert len(lines) == 1
    assert str(taken) in lines[0]
    assert "in use" in lines[0]


def test_a_key_that_others_may_read_and_a_folder_that_cannot_be_made_are_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    status, (line,) = serve(tmp_path)
    assert (status, str(tmp_path / "data") in line) == (1, True)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "master.key").write_text("x")
    (tmp_path / "keys" / "master.key").chmod(0o644)
    (tmp_path / "data").unlink()
    status, (line,) = serve(tmp_path)
    assert (status, "chmod 600" in line) == (1, True)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
