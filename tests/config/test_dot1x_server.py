"""Settings of the embedded RADIUS server: safe defaults, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.settings import SettingsError, load
from tests.config.test_dot1x_sites import ROOT, from_text

CLIENT = '[[dot1x.eap_server.clients]]\nname = "{name}"\nnetworks = ["{network}"]\n'


def test_loopback_and_certificates_alone_at_first():
    found = load(None, {"HOME": "/home/someone"}).dot1x.eap_server
    assert (found.listen, found.methods, found.bypasses, found.clients) == (("127.0.0.1",), ("tls",), False, ())


def test_the_example_of_the_guide(tmp_path: Path):
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/radius-server.md").read_text(), re.DOTALL)
    found = from_text(tmp_path, "\n".join(blocks)).dot1x.eap_server
    assert (found.listen, found.methods, found.bypasses) == (("10.20.0.5",), ("tls", "peap"), True)
    assert [(group.name, group.vlan) for group in found.groups] == [("video", "42"), ("old", "99")]


def test_the_secret_of_a_client_comes_from_a_credential(tmp_path: Path):
    (tmp_path / "drumtower-radius-core").touch()
    text = CLIENT.format(name="core", network="10.0.0.0/8")
    found = from_text(tmp_path, text, CREDENTIALS_DIRECTORY=str(tmp_path)).dot1x.eap_server
    assert found.clients[0].secret_file == str(tmp_path / "drumtower-radius-core")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CLIENT.format(name="a", network="10.0.0.1/8"), "host bits"),
        (CLIENT.format(name="a", network="10.0.0.1") * 2, "a name of its own"),
        (CLIENT.format(name="a", network="10.0.0.1") + CLIENT.format(name="b", network="10.0.0.1/32"), "same network"),
        (CLIENT.format(name="a", network="10.0.0.1") + 'vlans = { video = "42" }\n', "there is no group video"),
        ('[[dot1x.eap_server.groups]]\nname = "video"\nclients = ["ward"]\n', "there is no client ward"),
        ('[dot1x.eap_server]\nmethods = ["leap"]\n', "methods"),
        ("[dot1x.eap_server]\nmethods = []\n", "methods"),
        ('[dot1x.eap_server]\nmethods = ["tls", "tls"]\n', "twice"),
        ('[dot1x.eap_server]\nlisten = ["everywhere"]\n', "everywhere"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, words: str):
    with pytest.raises(SettingsError) as caught:
        from_text(tmp_path, text)
    assert words in str(caught.value)
