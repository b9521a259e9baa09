"""Debian's hostapd as the authenticator of several wires, with a terminal on each: the reference for ours."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.process import end
from tests.interop.supplicant import Supplicant

_PATIENCE_S = 20
_OUTCOME = re.compile(r"CTRL-EVENT-EAP-(SUCCESS|FAILURE)")
_CONFIGURATION = """
interface={interface}
driver=wired
logger_stdout=-1
logger_stdout_level=2
ieee8021x=1
use_pae_group_addr=1
eapol_version=2
own_ip_addr=127.0.0.1
nas_identifier=reference
auth_server_addr=127.0.0.1
auth_server_port={port}
auth_server_shared_secret={secret}
"""


@dataclass(frozen=True, slots=True)
class Wire:
    """A terminal, by its network block, and the port of the RADIUS server that is asked about it."""

    network: str
    radius_port: int


@dataclass(frozen=True, slots=True)
class Ending:
    """What a terminal says has become of it; after a failure it tries again, but the first counts."""

    is_in: bool
    log: str


async def who_gets_in(folder: Path, secret: str, wires: Mapping[str, Wire]) -> dict[str, Ending]:
    """What hostapd's terminals say, all at once; by the names of their wires."""
    names = list(wires)
    with _lines(len(names)), _running(folder, secret, list(wires.values())) as logs:
        async with asyncio.timeout(_PATIENCE_S):
            while None in (found := [_ending(log) for log in logs]):
                await asyncio.sleep(0.05)
    return {name: ending for name, ending in zip(names, found, strict=True) if ending is not None}


def _ending(log: Path) -> Ending | None:
    text = log.read_text(errors="replace")
    found = _OUTCOME.search(text)
    return None if found is None else Ending(found[1] == "SUCCESS", text)


@contextmanager
def _lines(count: int) -> Iterator[None]:
    made = [
        line
        for number in range(count)
        for line in (
            f"link add hap{number} type veth peer name hat{number}", f"link set hap{number} up",
            f"link set hat{number} up",
        )
    ]  # fmt: skip
    _ip(made)
    try:
        yield
    finally:
        _ip([f"link del hap{number}" for number in range(count)])


@contextmanager
def _running(folder: Path, secret: str, wires: list[Wire]) -> Iterator[list[Path]]:
    folder.mkdir()
    ports = []
    for number, wire in enumerate(wires):
        path = folder / f"hostapd{number}.conf"
        path.touch(0o600)
        path.write_text(_CONFIGURATION.format(interface=f"hap{number}", port=wire.radius_port, secret=secret))
        ports.append(str(path))
    with (folder / "hostapd.log").open("wb") as said:
        authenticator = subprocess.Popen(["hostapd", *ports], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    terminals = [
        Supplicant(folder / f"terminal{number}", wire.network, f"hat{number}") for number, wire in enumerate(wires)
    ]
    try:
        yield [terminal.path for terminal in terminals]
    finally:
        for terminal in terminals:
            terminal.stop()
        end(authenticator)


def _ip(lines: list[str]) -> None:
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True, capture_output=True)
