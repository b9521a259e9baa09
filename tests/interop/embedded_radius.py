"""Our embedded RADIUS server in this process, with a user and the certificates of a few devices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from auth8021x.eapserver.account import Account
from auth8021x.eapserver.udp import EapServerSockets, server
from config.dot1x_server import EapServerSettings
from crypto.network_certificates import LEAF_DAYS, NetworkCertificates
from crypto.nt_hash import NtHash
from crypto.secret import Secret
from tests.interop.supplicant import Trust

SECRET = "u7-Qm2xR9_fKz4Lw8vTb"
SERVER_NAME = "radius.ward.example"
EXPIRED_SERVER = "of-last-year"
"""Folder of a server whose certificate has expired, and of the CA that signed it."""
_PASSWORD = b"of the keys that stay here"


class PaperBook:
    """One user, and the devices whose certificates are made here."""

    def __init__(self) -> None:
        vt1 = Account("vt1", "video", NtHash.of("vtpass1"), Secret("vtpass1"))
        names = ("cart-7", "expired", "foreign")
        self._accounts = {"vt1": vt1, **{name: Account(name, "video") for name in names}}

    def account(self, identity: str) -> Account | None:
        return self._accounts.get(identity.casefold())

    def device(self, mac: bytes) -> Account | None:
        return None


def make_certificates(folder: Path) -> None:
    """Of the server and of devices: cart-7, stranger (in no book), expired, and other/foreign of another CA."""
    now = datetime.now(UTC)
    made = NetworkCertificates(folder, _PASSWORD)
    made.ensure_authority(now)
    made.ensure_server(SERVER_NAME, now)
    made.make_client("cart-7", now)
    made.make_client("stranger", now)
    made.make_client("expired", now - timedelta(days=10), days=3)
    other = NetworkCertificates(folder / "other", _PASSWORD)
    other.ensure_authority(now)
    other.make_client("foreign", now)
    old = NetworkCertificates(folder / EXPIRED_SERVER, _PASSWORD)
    old.ensure_authority(now)
    old.ensure_server(SERVER_NAME, now - timedelta(days=LEAF_DAYS + 1))


def trust(folder: Path) -> Trust:
    """What its terminals believe."""
    return Trust(folder / "ca.pem", SERVER_NAME)


@contextmanager
def listening(certificates: Path, tmp_path: Path) -> Iterator[EapServerSockets]:
    """On a port of its own choice, every method switched on."""
    file = tmp_path / "embedded.secret"
    file.touch(0o600)
    file.write_text(SECRET)
    described = {
        "port": 0, "methods": ["tls", "peap", "ttls", "md5"], "groups": [{"name": "video", "vlan": "42"}],
        "clients": [{"name": "loopback", "networks": ["127.0.0.0/8"], "secret_file": str(file)}],
    }  # fmt: skip
    settings = msgspec.convert(described, EapServerSettings)
    sockets = EapServerSockets(server(settings, PaperBook(), certificates, _PASSWORD), settings)
    try:
        yield sockets
    finally:
        sockets.close()
