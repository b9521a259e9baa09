"""wpa_supplicant on a wire: a terminal that speaks 802.1X, with Debian's build of it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.process import end

_INNER = {"PEAP": ['phase1="peapver=0"', 'phase2="auth=MSCHAPV2"'], "TTLS": ['phase2="auth=PAP"']}


@dataclass(frozen=True, slots=True)
class Trust:
    """Which RADIUS server a terminal believes: the CA of its certificate, and its name."""

    authority: Path
    name: str

    @property
    def lines(self) -> list[str]:
        """For a network."""
        return [f'ca_cert="{self.authority}"', f'domain_match="{self.name}"']


def password_network(method: str, password: str, trust: Trust, identity: str = "vt1") -> str:
    """A network block of wpa_supplicant.conf for MD5, PEAP or TTLS."""
    lines = [f"eap={method}", f'identity="{identity}"', f'password="{password}"']
    if method != "MD5":
        lines += ['anonymous_identity="anonymous"', *trust.lines, *_INNER[method]]
    return "\n".join(lines)


def tls_network(identity: str, certificate: Path, trust: Trust) -> str:
    """One for EAP-TLS; `certificate` is the path without its ending."""
    files = [f'client_cert="{certificate}.pem"', f'private_key="{certificate}.key"']
    return "\n".join(["eap=TLS", f'identity="{identity}"', *trust.lines, *files])


def write_configuration(folder: Path, network: str) -> Path:
    """The file that makes a terminal of a network block."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "wpa.conf"
    head = f"ap_scan=0\neapol_version=2\nfast_reauth=0\nctrl_interface={folder}/ctrl\n"
    path.write_text(f"{head}network={{\nkey_mgmt=IEEE8021X\neapol_flags=0\n{network}\n}}\n")
    return path


class Supplicant:
    """Speaks from the moment it is made until it is stopped; `prefix` goes before the command (Apart.prefix)."""

    def __init__(self, folder: Path, network: str, interface: str, prefix: Sequence[str] = ()) -> None:
        path = write_configuration(folder, network)
        self._interface = interface
        self.path, self._ctrl = folder / "wpa.log", folder / "ctrl"
        """What it writes, and where it takes commands."""
        command = [*prefix, "wpa_supplicant", "-D", "wired", "-i", interface, "-c", str(path)]
        with self.path.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self) -> str:
        """What it wrote so far."""
        return self.path.read_text(errors="replace")

    def command(self, word: str) -> None:
        """What wpa_cli has it do."""
        subprocess.run(
            ["wpa_cli", "-p", str(self._ctrl), "-i", self._interface, word], check=True, capture_output=True
        )  # fmt: skip

    def fall_silent(self) -> None:
        """Say nothing more, not even goodbye; the line stays as it is."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it."""
        end(self._process)
