"""Our embedded RADIUS server in this process, with a user and the certificates of a few devices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from auth8021x.eapserver.account import Account
from auth8021x.eapserver.udp import EapServerSockets, server
from config.dot1x_server import EapServerSettings
from crypto.nt_hash import NtHash
from crypto.secret import Secret
from tests.auth8021x import certificates
from tests.auth8021x.certificates import PASSWORD, SERVER_NAME
from tests.interop.supplicant import Trust

SECRET = "u7-Qm2xR9_fKz4Lw8vTb"


class PaperBook:
    """One user, and the devices that have certificates."""

    def __init__(self) -> None:
        vt1 = Account("vt1", "video", NtHash.of("vtpass1"), Secret("vtpass1"))
        names = ("cart-7", "expired")
        self._accounts = {"vt1": vt1, **{name: Account(name, "video") for name in names}}

    def account(self, identity: str) -> Account | None:
        return self._accounts.get(identity.casefold())

    def device(self, mac: bytes) -> Account | None:
        return None


def make_certificates(folder: Path) -> None:
    """Those of tests/auth8021x for the device cart-7, and of a server whose time is over."""
    certificates.make(folder, "cart-7")
    certificates.make_expired_server(folder)


def trust(folder: Path) -> Trust:
    """What its terminals believe."""
    return Trust(folder / "ca.pem", SERVER_NAME)


@contextmanager
def listening(folder: Path, tmp_path: Path) -> Iterator[EapServerSockets]:
    """On a port of its own choice, every method switched on, with the certificates of a folder."""
    file = tmp_path / "embedded.secret"
    file.touch(0o600)
    file.write_text(SECRET)
    described = {
        "port": 0, "methods": ["tls", "peap", "ttls", "md5"], "groups": [{"name": "video", "vlan": "42"}],
        "clients": [{"name": "loopback", "networks": ["127.0.0.0/8"], "secret_file": str(file)}],
    }  # fmt: skip
    settings = msgspec.convert(described, EapServerSettings)
    sockets = EapServerSockets(server(settings, PaperBook(), folder, PASSWORD), settings)
    try:
        yield sockets
    finally:
        sockets.close()
