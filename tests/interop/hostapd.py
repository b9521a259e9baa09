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
from tests.interop.supplicant import write_configuration

_PATIENCE_S = 20
_OUTCOME = re.compile(r"^hat(\d+): CTRL-EVENT-EAP-(SUCCESS|FAILURE)", re.MULTILINE)
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


async def who_gets_in(folder: Path, secret: str, wires: Mapping[str, Wire]) -> dict[str, bool]:
    """What hostapd's terminals say has become of them, all at once; by the names of their wires."""
    names = list(wires)
    with _lines(len(names)), _running(folder, secret, list(wires.values())) as log:
        async with asyncio.timeout(_PATIENCE_S):
            while len(found := _outcomes(log)) < len(names):
                await asyncio.sleep(0.05)
    return {name: found[number] for number, name in enumerate(names)}


def _outcomes(log: Path) -> dict[int, bool]:
    """The first of each counts: after a failure it is tried again."""
    found: dict[int, bool] = {}
    for number, word in _OUTCOME.findall(log.read_text(errors="replace")):
        found.setdefault(int(number), word == "SUCCESS")
    return found


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
def _running(folder: Path, secret: str, wires: list[Wire]) -> Iterator[Path]:
    folder.mkdir()
    ports, terminals = [], []
    for number, wire in enumerate(wires):
        path = folder / f"hostapd{number}.conf"
        path.touch(0o600)
        path.write_text(_CONFIGURATION.format(interface=f"hap{number}", port=wire.radius_port, secret=secret))
        ports.append(str(path))
        written = write_configuration(folder / f"terminal{number}", wire.network)
        terminals += ["-N"] * bool(terminals) + ["-D", "wired", "-i", f"hat{number}", "-c", str(written)]
    log = folder / "wpa.log"
    with (folder / "hostapd.log").open("wb") as said:
        authenticator = subprocess.Popen(["hostapd", *ports], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    with log.open("wb") as said:
        supplicants = subprocess.Popen(
            ["wpa_supplicant", *terminals], stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
    try:
        yield log
    finally:
        end(supplicants)
        end(authenticator)


def _ip(lines: list[str]) -> None:
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True, capture_output=True)
