"""Settings of 802.1X: secrets from files and credentials, never in a repr, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth8021x.radius import setup
from config.dot1x import Dot1xSettings, RadiusServerSettings
from config.settings import SettingsError, load
from crypto.secret_file import SecretFault

HOME = {"HOME": "/home/someone"}


def from_text(tmp_path: Path, text: str, **environ: str):
    path = tmp_path / "drumtower.toml"
    path.write_text(text, "utf-8")
    return load(path, {**HOME, **environ}).dot1x


ONE = '[[dot1x.servers]]\nname = "main"\naddress = "192.0.2.1"\n'


def test_defaults_ask_nobody_and_listen_nowhere():
    found = load(None, HOME).dot1x
    assert found == Dot1xSettings()
    assert (found.servers, found.dynamic.listen, found.pae.bypass, found.pae.guest) == ((), (), "off", "off")
    assert RadiusServerSettings("main", "192.0.2.1").demands_message_authenticator
    assert found.pae.logoff == "honour"


def test_servers_in_their_order(tmp_path: Path):
    second = '[[dot1x.servers]]\nname = "second"\naddress = "2001:db8::1"\nauthentication_port = 1645\n'
    found = from_text(tmp_path, ONE + second + "[dot1x.pae]\nquiet_period_s = 0.5\n")
    assert [(each.name, each.authentication_port) for each in found.servers] == [("main", 1812), ("second", 1645)]
    assert found.pae.quiet_period_s == 0.5


def test_a_credential_of_systemd_is_found(tmp_path: Path):
    credential = tmp_path / "drumtower-radius-main"
    credential.touch(0o600)
    credential.write_text("geheim geheim\n")
    client = '[[dot1x.dynamic.clients]]\nname = "other"\naddress = "192.0.2.1"\nsecret_file = "/own"\n'
    found = from_text(tmp_path, ONE + client, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert found.servers[0].secret_file == str(credential)
    assert found.dynamic.clients[0].secret_file == "/own"
    assert setup.shared_secret(found.servers[0].secret_file) == b"geheim geheim"
    assert "geheim" not in repr(found)


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path):
    file = tmp_path / "secret"
    file.write_text("geheim")
    file.chmod(0o644)
    with pytest.raises(SecretFault, match="chmod 600") as caught:
        setup.shared_secret(str(file))
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ONE + ONE, "a name of its own"),
        (ONE + 'transport = "radsec"\n', "tls_ca"),
        (ONE.replace("192.0.2.1", "radius.example"), "does not appear to be an IPv4 or IPv6 address"),
        (ONE.replace('"main"', '"../main"'), "name"),
        ('[dot1x.pae]\nguest = "all"\n', "guest_network"),
        ("[dot1x.pae]\nserver_timeout_s = 10\n", "max_request_s"),
        ('[dot1x.pae]\nlogoff = "never"\n', "logoff"),
        ('[dot1x.dynamic]\nlisten = ["everywhere"]\n', "everywhere"),
        ('[dot1x]\nservers = "main"\n', "servers"),
        ("[dot1x]\ndynamic = 3\n", "dynamic"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str):
    with pytest.raises(SettingsError, match="dot1x") as caught:
        from_text(tmp_path, text)
    assert words in str(caught.value)
