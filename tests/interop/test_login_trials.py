"""`drumtower dot1x test-user` and `status` against FreeRADIUS, and against the embedded server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from config.settings import Settings, load
from drumtower import dot1x_commands
from drumtower.eap_server import EmbeddedRadius
from drumtower.keyring import master_key
from store.database import Database
from tests.drumtower.command_line import typing
from tests.interop.freeradius import SECRET, SERVER_NAME, FreeRadius

Run = Callable[..., tuple[int, str]]
_EMBEDDED = """[[dot1x.eap_server.clients]]
name = "loopback"
networks = ["127.0.0.1"]
secret_file = "{secret}"

[[dot1x.eap_server.groups]]
name = "video"
vlan = "42"
session_timeout_s = 600

[dot1x.eap_server]
methods = ["tls", "peap", "ttls", "md5"]
"""
CLIENT, EXPIRED = "vt-0001.hospital.test", "vt-0002.hospital.test"


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.touch(0o600)
    file.write_text(text + "\n")
    return file


def settings_of(folder: Path, text: str) -> Settings:
    file = written(folder, "drumtower.toml", text)
    return load(file, {"HOME": str(folder / "home"), "DRUMTOWER_SERVER_DATA": str(folder / "data")})


def runner(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; its exit status, and all that it said."""
    call = typing(settings, capsys, dot1x_commands, before="dot1x")

    def run(*arguments: object) -> tuple[int, str]:
        status, out, error = call(*(str(each) for each in arguments))
        assert "vtpass" not in out + error
        return status, out + error

    return run


class Site:
    """FreeRADIUS, and settings that name it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.server = FreeRadius(folder / "radius").start()
        self.folder = folder
        self._capsys = capsys
        self._right, self._wrong = written(folder, "right", "vtpass1"), written(folder, "wrong", "guess")

    def try_(self, *arguments: object, name: str = "vt1", is_right: bool = True, **described: str) -> tuple[int, str]:
        password = ("--password-file", self._right if is_right else self._wrong)
        return self.run("test-user", name, *password, *arguments, **described)

    def run(self, *arguments: object, secret: str = SECRET, before: str = "", more: str = "") -> tuple[int, str]:
        file = written(self.folder, "secret", secret)
        main = f'[[dot1x.servers]]\nname = "main"\naddress = "127.0.0.1"\nsecret_file = "{file}"\n{more}\n'
        first = before.format(secret=file)
        return runner(settings_of(self.folder, first + main), self._capsys)(*arguments)

    def trust(self) -> tuple[object, ...]:
        return "--ca", self.server.folder / "ca.pem", "--server-name", SERVER_NAME


@pytest.fixture
def site(needs: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    needs("freeradius")
    made = Site(tmp_path, capsys)
    yield made
    made.server.stop()


@pytest.mark.parametrize(("method", "how"), [("md5", "EAP-MD5"), ("peap", "PEAP"), ("ttls", "TTLS"), ("pap", "PAP")])
def test_a_password(site: Site, method: str, how: str):
    trust = site.trust() if method in ("peap", "ttls") else ()
    status, said = site.try_("--method", method, *trust)
    assert status == 0, said
    assert f"vt1: let in by main ({how}" in said
    for line in ("VLAN     42", "role     telemed-video", "for      3600 s, then it is asked again"):
        assert line in said
    assert (f"CN={SERVER_NAME}, until" in said) is bool(trust)
    status, said = site.try_("--method", method, *trust, is_right=False)
    assert status == 1
    assert "vt1: main refused" in said
    assert "VLAN" not in said


def test_certificates(site: Site):
    folder = site.server.folder
    status, said = site.try_("--certificate", folder / "client.pem", *site.trust(), name=CLIENT)
    assert (status, "(EAP-TLS, " in said, "VLAN     43" in said) == (0, True, True), said
    status, said = site.try_("--certificate", folder / "expired.pem", *site.trust(), name=EXPIRED)
    assert (status, "refused" in said) == (1, True), said
    other = ("--ca", folder / "ca.pem", "--server-name", "radius.elsewhere.test")
    status, said = site.try_("--certificate", folder / "client.pem", *other, name=CLIENT)
    assert (status, "certificate is not believed" in said) == (1, True), said
    status, said = site.try_("--method", "peap", "--any-server")
    assert status == 0, said


def test_an_address(site: Site):
    status, said = site.run("test-user", "0200.00AA.0001", "--method", "mac")
    assert (status, "(by its address alone, 1 request" in said, "VLAN     99" in said) == (0, True, True), said
    status, said = site.run("test-user", "02:00:00:aa:00:02", "--method", "mac")
    assert (status, "main refused" in said) == (1, True), said


def test_why_nobody_answers(site: Site):
    timers = "[dot1x.timers]\nretransmit_s = 0.1\nmax_tries = 2\n"
    status, said = site.try_("--method", "md5", secret="another secret than the server has", more=timers)
    assert (status, "have another secret" in said) == (1, True), said
    status, said = site.try_("--method", "pap", name="old", more=timers)
    assert (status, "without Message-Authenticator" in said) == (1, True), said
    site.server.stop()
    status, said = site.try_("--method", "md5", more=timers)
    assert (status, "main (127.0.0.1): nothing listens at that port" in said) == (1, True), said


def test_the_next_server_where_one_is_silent(site: Site):
    dead = '[[dot1x.servers]]\nname = "dead"\naddress = "127.0.0.2"\nsecret_file = "{secret}"\n'
    timers = "[dot1x.timers]\nretransmit_s = 0.3\n"
    status, said = site.try_("--method", "md5", before=dead, more=timers)
    assert (status, "let in by main" in said) == (0, True), said
    status, said = site.try_("--method", "md5", "--server", "dead", before=dead, more=timers)
    assert (status, "dead (127.0.0.2)" in said) == (1, True), said
    status, said = site.run("status", before=dead, more=timers)
    assert status == 0
    first, second = said.splitlines()[-2:]
    assert first.count("nothing listens at that port") == 2, said
    assert second.count(" ms") == 2, said


@pytest.fixture
async def embedded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Run]:
    """The embedded server with a user and a device, as an administrator makes them."""
    secret = tmp_path / "switch.secret"
    settings = settings_of(tmp_path, _EMBEDDED.format(secret=secret))
    run = runner(settings, capsys)

    def prepare() -> None:
        assert run("secret", secret)[0] == 0
        assert run("certificates", "--server", SERVER_NAME, "--client", "cart-7")[0] == 0
        password = written(tmp_path, "password", "vtpass-1")
        assert run("add", "vt1", "--group", "video", "--md5", "--password-file", password)[0] == 0
        assert run("add", "cart-7", "--group", "video")[0] == 0

    await asyncio.to_thread(prepare)
    database = Database(settings.database_url)
    await database.open()
    server = EmbeddedRadius(settings.dot1x, settings.data, database, master_key(settings))
    await server.start()
    yield run
    await server.stop()
    await database.close()


async def test_the_embedded_server(embedded: Run, tmp_path: Path):
    right, wrong = tmp_path / "password", written(tmp_path, "wrong", "guess")
    for method in ("peap", "ttls", "md5"):
        status, said = await asyncio.to_thread(
            embedded, "test-user", "vt1", "--method", method, "--password-file", right
        )
        assert (status, "vt1: let in by the embedded server" in said, "VLAN     42" in said) == (0, True, True), said
    status, said = await asyncio.to_thread(embedded, "test-user", "vt1", "--password-file", wrong)
    assert (status, "the embedded server refused" in said) == (1, True), said
    certificate = tmp_path / "data" / "dot1x" / "cart-7.pem"
    status, said = await asyncio.to_thread(embedded, "test-user", "cart-7", "--certificate", certificate)
    assert (status, "(EAP-TLS, " in said) == (0, True), said
    status, said = await asyncio.to_thread(embedded, "status")
    assert (status, said.splitlines()[-1].startswith("embedded")) == (0, True), said
    assert "authentication answers in" in said.splitlines()[-1]


def test_radsec(needs: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    needs("freeradius")
    server = FreeRadius(tmp_path / "radius", radsec_port=2083).start()
    folder, password = server.folder, written(tmp_path, "right", "vtpass1")
    described = (
        f'[[dot1x.servers]]\nname = "main"\naddress = "127.0.0.1"\ntransport = "radsec"\ntls_name = "{SERVER_NAME}"\n'
        f'tls_ca = "{folder}/ca.pem"\ntls_certificate = "{folder}/client.pem"\ntls_key = "{folder}/client.key"\n'
        "[dot1x.timers]\nretransmit_s = 0.5\n"
    )
    run = runner(settings_of(tmp_path, described), capsys)
    try:
        status, said = run("test-user", "vt1", "--method", "md5", "--password-file", password)
        assert (status, "let in by main (EAP-MD5" in said) == (0, True), said
        status, said = run("status")
        assert "127.0.0.1 RadSec authentication answers in" in said, said
    finally:
        server.stop()
    status, said = run("test-user", "vt1", "--method", "md5", "--password-file", password)
    assert (status, "main (127.0.0.1): does not answer" in said) == (1, True), said
