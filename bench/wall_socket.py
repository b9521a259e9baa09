"""A wall socket for `bench soak`: a terminal there signs in by 802.1X, is asked anew by orders, and put out by others.

The port is one of ours, in a bridge of its own, with the RADIUS server that comes with us behind it.
"""

from __future__ import annotations

import ctypes
import math
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from auth8021x.ports.eapol_socket import mac_of
from auth8021x.wire import attribute, authenticity, mac_address, packet
from auth8021x.wire.dictionary import Code, TerminationAction, Type
from auth8021x.wire.packet import Packet
from bench.server import Server

PROGRAMS: Final = ("ip", "bridge", "nft", "wpa_supplicant")
_ORDER_S, _PATIENCE_S = 2.0, 2.0
_ENDED_EVERY: Final = 4
"""Orders; the others have the terminal asked anew after a second (PEAP, a whole handshake)."""
_PORT, _TERMINAL, _BRIDGE = "soakport", "soakterm", "soakbr"
_NAME, _SERVER_NAME, _DAS_PORT = "vt1", "radius.drumtower", 3799
_CLONE_NEWNET: Final = 0x40000000
_SETTINGS = f"""
[[dot1x.sites]]
name = "ward"
networks = ["10.88.0.0/24"]
[[dot1x.servers]]
name = "own"
address = "127.0.0.1"
accounting_port = 0
secret_file = "{{folder}}/radius.secret"
[dot1x.eap_server]
methods = ["peap"]
[[dot1x.eap_server.clients]]
name = "own-ports"
networks = ["127.0.0.1"]
secret_file = "{{folder}}/radius.secret"
[dot1x.dynamic]
listen = ["127.0.0.1"]
port = {_DAS_PORT}
[[dot1x.dynamic.clients]]
name = "policy"
address = "127.0.0.1"
secret_file = "{{folder}}/radius.secret"
[dot1x.enforcement]
drivers = ["bridge", "nftables"]
[[dot1x.enforcement.ports]]
interface = "{_PORT}"
bridge = "{_BRIDGE}"
"""
_WPA = """ap_scan=0
fast_reauth=0
network={{
key_mgmt=IEEE8021X
eapol_flags=0
eap=PEAP
identity="{name}"
anonymous_identity="anonymous"
password="{password}"
ca_cert="{folder}/server/data/dot1x/ca.pem"
domain_match="{server_name}"
phase2="auth=MSCHAPV2"
}}
"""


def trouble() -> str:
    """Why there can be none here, "" where there can. From then on this process has a network of its own."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"there is no {', '.join(missing)}"
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        return f"no network namespace: {os.strerror(ctypes.get_errno())} (it takes root)"
    return ""


class WallSocket:
    """Made before the server. Nobody else may be in this network namespace."""

    def __init__(self, folder: Path) -> None:
        self.orders = self.done = 0
        """Orders that were sent, and that were acknowledged."""
        self._folder = folder
        self._secret, self._password = secrets.token_hex(24), secrets.token_hex(12)
        for name, text in (("radius.secret", self._secret), ("password", self._password)):
            (folder / name).touch(0o600)
            (folder / name).write_text(text)
        for command in (
            "link set lo up", f"link add {_BRIDGE} type bridge", f"link set {_BRIDGE} up",
            f"link add {_PORT} type veth peer name {_TERMINAL}", f"link set {_PORT} up", f"link set {_TERMINAL} up",
        ):  # fmt: skip
            subprocess.run(["ip", *command.split()], check=True)
        self._mac = mac_of(_TERMINAL)
        self._order_at = math.inf

    @property
    def settings(self) -> str:
        """For the server."""
        return _SETTINGS.format(folder=self._folder)

    @property
    def preparation(self) -> tuple[tuple[str, ...], ...]:
        """Commands of the administrator, before it serves."""
        password = str(self._folder / "password")
        return (("dot1x", "certificates"), ("dot1x", "add", _NAME, "--password-file", password))

    @contextmanager
    def terminal(self) -> Iterator[None]:
        """It is plugged in, and speaks."""
        file = self._folder / "wpa.conf"
        values = {"name": _NAME, "password": self._password, "server_name": _SERVER_NAME, "folder": self._folder}
        file.touch(0o600)
        file.write_text(_WPA.format(**values))
        with (self._folder / "wpa.log").open("wb") as log:
            process = subprocess.Popen(
                ["wpa_supplicant", "-D", "wired", "-i", _TERMINAL, "-c", str(file)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def turn(self, now: float) -> None:
        """Send an order, where it is time for one: whoever is put out is back at once."""
        if now >= self._order_at:
            self.orders += 1
            self.done += self._order()
        elif self._order_at < math.inf:
            return
        self._order_at = now + _ORDER_S

    def _order(self) -> bool:
        found = (
            attribute.number(Type.EVENT_TIMESTAMP, int(time.time())),
            attribute.text(Type.CALLING_STATION_ID, mac_address.station_id(self._mac)),
        )
        asked = Packet(Code.DISCONNECT_REQUEST, self.orders % 256, attributes=found)
        if self.orders % _ENDED_EVERY:
            renewed = (
                attribute.number(Type.SESSION_TIMEOUT, 1),
                attribute.number(Type.TERMINATION_ACTION, TerminationAction.RADIUS_REQUEST),
            )
            asked = Packet(Code.COA_REQUEST, self.orders % 256, attributes=(*found, *renewed))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            made.settimeout(_PATIENCE_S)
            made.connect(("127.0.0.1", _DAS_PORT))
            made.send(authenticity.seal_request(asked, self._secret.encode()).serialize())
            try:
                return packet.parse(made.recv(4096)).code in (Code.DISCONNECT_ACK, Code.COA_ACK)
            except OSError:
                return False


def logins(server: Server) -> float:
    """How many have succeeded."""
    return max(0.0, server.metric("dot1x_total", 'event="eap-server-accepted"'))


def is_in(server: Server) -> bool:
    """Whether the terminal is."""
    return server.metric("dot1x_open", 'kind="terminals-in"') == 1
