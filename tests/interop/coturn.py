"""coturn with a configuration of its own: a relay that leads to our server and nowhere else."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

from tests.interop.namespace import OTHER_TERMINAL, SERVER, TERMINAL
from tests.interop.process import end

PORT = 3478
SECRET = "a secret of two servers"
URLS = [f"turn:{OTHER_TERMINAL}:{PORT}?transport={transport}" for transport in ("udp", "tcp")]
RELAY = TERMINAL
"""The address from which relayed packets come."""

_CONFIGURATION = f"""
listening-ip={OTHER_TERMINAL}
listening-port={PORT}
relay-ip={RELAY}
use-auth-secret
static-auth-secret={SECRET}
realm=hospital.example
allowed-peer-ip={SERVER}
denied-peer-ip=0.0.0.0-255.255.255.255
no-tls
no-dtls
no-cli
verbose
simple-log
log-file=stdout
"""


class Coturn:
    """Runs until stop()."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "coturn.log"
        configuration = folder / "turnserver.conf"
        configuration.write_text(_CONFIGURATION + f"pidfile={folder / 'coturn.pid'}\nuserdb={folder / 'coturn.db'}\n")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["turnserver", "-c", str(configuration)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait_until_it_listens()

    def log(self) -> str:
        """What it printed."""
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """End the process."""
        end(self._process)

    def _wait_until_it_listens(self) -> None:
        for _ in range(200):
            try:
                socket.create_connection((OTHER_TERMINAL, PORT), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"coturn does not listen: {self.log()[-2000:]}")
