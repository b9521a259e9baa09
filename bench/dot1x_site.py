"""A network of its own for `bench dot1x`: a line with two ends, and who may be at them or behind them.

Everything is in one namespace: the port, the terminals' end, and RADIUS servers on its loopback.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import freeradius
from bench.dot1x_load import IDENTITY, TERMINALS
from bench.dot1x_ours import PASSWORD_VARIABLE, PORT, READY
from bench.programs import ToolError
from config.settings import load
from crypto.network_certificates import NetworkCertificates, key_password
from drumtower.keyring import master_key

PROGRAMS = ("hostapd", "freeradius", "unshare", "nsenter", "ip")
_TERMINALS_END = "term0"
_LINE = (
    f"ip link set lo up && ip link add {PORT} type veth peer name {_TERMINALS_END} && ip link set {PORT} up && "
    f"ip link set {_TERMINALS_END} up && echo {READY} && exec cat"
)
_THEIR_PORT, _OUR_PORT = 1812, 1822
_PATIENCE_S = 20.0
_SETTINGS = """[server]
data = "{folder}/data"
[secrets]
master_key_file = "{folder}/master.key"
[dot1x]
nas_identifier = "bench"
nas_address = "127.0.0.1"
[dot1x.pae]
start_interval_s = 0
max_supplicants_per_port = {terminals}
[[dot1x.servers]]
name = "freeradius"
address = "127.0.0.1"
authentication_port = {their_port}
accounting_port = 0
secret_file = "{folder}/secret"
[dot1x.eap_server]
port = {our_port}
methods = ["{method}"]
max_remembered = 200000
certificate = "{folder}/certificates/server.pem"
key = "{folder}/certificates/server.key"
client_ca = "{folder}/certificates/ca.pem"
[[dot1x.eap_server.clients]]
name = "bench"
networks = ["127.0.0.0/8"]
secret_file = "{folder}/secret"
"""
_HOSTAPD = f"""interface={PORT}
driver=wired
logger_syslog=0
logger_stdout=-1
logger_stdout_level=2
ieee8021x=1
eapol_version=2
eap_reauth_period=0
own_ip_addr=127.0.0.1
nas_identifier=bench
auth_server_addr=127.0.0.1
auth_server_port={{port}}
auth_server_shared_secret={{secret}}
"""


class Site:
    """For one EAP method. Close it. Raises ToolError where there is no right to make one."""

    def __init__(self, folder: Path, method: str) -> None:
        self.method = method
        self._folder = folder
        self._secret, self._password = secrets.token_hex(24), secrets.token_hex(12)
        self._certificates = folder / "certificates"
        self._settings = folder / "drumtower.toml"
        self._write()
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", _LINE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline().strip() != READY.encode():
            self.close()
            raise ToolError("no network namespace with a line in it can be made here (it takes root)")

    def close(self) -> None:
        """The line goes with the namespace, and that with its holder."""
        self._holder.communicate()

    # ---- who may be there

    def our_authenticator(self) -> AbstractContextManager[int]:
        """It asks FreeRADIUS. The number of its process; like all of these."""
        return self._ours("authenticator")

    def our_server(self) -> AbstractContextManager[int]:
        """With a fresh database."""
        shutil.rmtree(self._folder / "data")
        (self._folder / "data").mkdir()
        return self._ours("server")

    @contextlib.contextmanager
    def hostapd(self, asks_us: bool = False) -> Iterator[int]:
        """It asks FreeRADIUS, or our server."""
        file, log = self._folder / "hostapd.conf", self._folder / "hostapd.log"
        log.unlink(missing_ok=True)
        file.touch(0o600)
        file.write_text(_HOSTAPD.format(port=_OUR_PORT if asks_us else _THEIR_PORT, secret=self._secret))
        with self._running("hostapd", "-f", str(log), str(file)) as process:
            _wait(process, log, "AP-ENABLED")
            yield process.pid

    @contextlib.contextmanager
    def freeradius(self) -> Iterator[int]:
        """It proposes the method of the site first, as our server does."""
        folder = self._folder / "radius"
        shutil.rmtree(folder, ignore_errors=True)
        password = key_password(master_key(load(self._settings, self._environment()))).decode()
        freeradius.write(
            folder, _THEIR_PORT, self.method, IDENTITY, self._password, self._secret, self._certificates, password
        )
        log = folder / "radius.log"
        with self._running("freeradius", "-f", "-l", str(log), "-d", str(folder)) as process:
            _wait(process, log, "Ready to process requests")
            yield process.pid

    def load(self, seconds: float) -> Load:
        """Put load on whoever is there."""
        command = [
            sys.executable, "-m", "bench.dot1x_load", self.method, str(seconds), _TERMINALS_END,
            str(self._certificates),
        ]  # fmt: skip
        done = subprocess.run(
            [*self._prefix(), *command], input=self._password + "\n", capture_output=True, text=True, check=True,
            timeout=seconds + 60,
        )  # fmt: skip
        return Load(**json.loads(done.stdout))

    # ---- how

    def _write(self) -> None:
        values = {"folder": self._folder, "terminals": TERMINALS, "their_port": _THEIR_PORT, "our_port": _OUR_PORT}
        self._settings.write_text(_SETTINGS.format(method=self.method, **values))
        file = self._folder / "secret"
        file.touch(0o600)
        file.write_text(self._secret)
        (self._folder / "data").mkdir()
        made = NetworkCertificates(
            self._certificates, key_password(master_key(load(self._settings, self._environment())))
        )
        now = datetime.now(UTC)
        made.ensure_authority(now)
        made.ensure_server("radius.bench.test", now)
        made.make_client(IDENTITY, now)

    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self._folder)}

    @contextlib.contextmanager
    def _ours(self, what: str) -> Iterator[int]:
        command = (sys.executable, "-m", "bench.dot1x_ours", what, str(self._settings))
        with self._running(*command) as process:
            assert process.stdout is not None
            if process.stdout.readline().strip() != READY.encode():
                raise RuntimeError((self._folder / "process.log").read_text(errors="replace")[-2000:])
            yield process.pid

    @contextlib.contextmanager
    def _running(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        environment = {**os.environ, PASSWORD_VARIABLE: self._password}
        with (self._folder / "process.log").open("wb") as log:
            process = subprocess.Popen(
                [*self._prefix(), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                env=environment,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    def _prefix(self) -> tuple[str, ...]:
        return ("nsenter", "--target", str(self._holder.pid), "--net")


@dataclass(frozen=True)
class Load:
    """What came of a load."""

    succeeded: float
    failed: float
    stalled: float
    elapsed_s: float


def _wait(process: subprocess.Popen[bytes], log: Path, wanted: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not log.exists() or wanted not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(log.read_text(errors="replace")[-2000:] if log.exists() else f"no {log.name}")
        time.sleep(0.05)
