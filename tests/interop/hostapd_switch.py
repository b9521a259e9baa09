"""Debian's hostapd as somebody else's switch: it asks a RADIUS server, accounts, and takes Disconnect (RFC 5176)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auth8021x.ports.eapol_socket import mac_of
from tests.interop.process import end

PORT, FAR = "swport", "swterm"
"""Its port, and the interface of the terminal on it."""
DAS_PORT = 3799
_CONFIGURATION = """
interface={port}
driver=wired
logger_stdout=-1
logger_stdout_level=0
ieee8021x=1
use_pae_group_addr=1
eapol_version=2
eap_reauth_period=0
own_ip_addr=127.0.0.1
nas_identifier=switch7
auth_server_addr=127.0.0.1
auth_server_port={auth_port}
auth_server_shared_secret={secret}
acct_server_addr=127.0.0.1
acct_server_port={acct_port}
acct_server_shared_secret={secret}
radius_das_port={das_port}
radius_das_client=127.0.0.1 {secret}
radius_das_time_window=300
radius_das_require_event_timestamp=1
radius_das_require_message_authenticator=1
"""


@dataclass
class HostapdSwitch:
    """One port of it."""

    path: Path
    mac: bytes
    """Of the terminal."""

    def log(self) -> str:
        """What it wrote so far."""
        return self.path.read_text(errors="replace")


@contextmanager
def running(folder: Path, secret: str, auth_port: int, acct_port: int) -> Iterator[HostapdSwitch]:
    """It and its line, from the beginning to the end of a test."""
    folder.mkdir()
    configuration = folder / "hostapd.conf"
    configuration.touch(0o600)
    values = {"port": PORT, "auth_port": auth_port, "acct_port": acct_port, "das_port": DAS_PORT, "secret": secret}
    configuration.write_text(_CONFIGURATION.format(**values))
    _ip(f"link add {PORT} type veth peer name {FAR}")
    process = None
    try:
        for each in (PORT, FAR):
            _ip(f"link set {each} up")
        mac = mac_of(FAR)
        log = folder / "hostapd.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                ["hostapd", str(configuration)], stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
        yield HostapdSwitch(log, mac)
    finally:
        if process is not None:
            end(process)
        _ip(f"link del {PORT}")


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True, capture_output=True)
