"""Settings of our own ports: nothing is enforced until somebody says so, and what cannot work is refused."""

import re
from pathlib import Path

import pytest

from config.dot1x import PaeSettings
from config.dot1x_enforcement import PortSettings, site_of
from config.settings import SettingsError
from tests.config.test_dot1x import from_text
from tests.config.test_dot1x_sites import ROOT

PORT = '[[dot1x.enforcement.ports]]\ninterface = "p1"\nbridge = "br0"\n'
VLAN = '[[dot1x.enforcement.networks]]\nvlan = "42"\nbridge = "br42"\n'
SITE = '[[dot1x.sites]]\nname = "{name}"\nnetworks = ["10.{number}.0.0/16"]\n'
NORTH, SOUTH = SITE.format(name="north", number=1), SITE.format(name="south", number=2)


def enforcement(drivers: str, *tables: str) -> str:
    return f"[dot1x.enforcement]\ndrivers = {drivers}\n" + "".join(tables)


def test_ports_and_networks(tmp_path: Path):
    found = from_text(tmp_path, enforcement('["bridge", "nftables"]', PORT, VLAN) + NORTH).enforcement
    assert (found.drivers, found.timeout_s, found.checks_addresses) == (("bridge", "nftables"), 15, True)
    assert [(port.interface, port.bridge) for port in found.ports] == [("p1", "br0")]
    assert [(network.vlan, network.bridge) for network in found.networks] == [("42", "br42")]
    assert from_text(tmp_path, "").enforcement.drivers == ()


def test_the_site_of_a_port(tmp_path: Path):
    found = from_text(tmp_path, enforcement("[]", PORT, 'site = "south"\n') + NORTH + SOUTH)
    assert site_of(found.enforcement.ports[0], ["north", "south"]) == "south"
    assert site_of(PortSettings("p1", "br0"), ["north"]) == "north"


def test_the_examples_of_the_guide(tmp_path: Path):
    whole, policies = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/radius.md").read_text(), re.DOTALL)
    assert from_text(tmp_path, policies).pae == PaeSettings(), "it says what holds without it"
    found = from_text(tmp_path, whole)
    assert [port.interface for port in found.enforcement.ports] == ["enp3s0", "enp4s0"]
    assert found.servers[0].secret_file == found.eap_server.clients[0].secret_file


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (enforcement('["bridge"]'), "drivers need ports"),
        (enforcement('["bridge"]', PORT, PORT), "ports: one is there twice"),
        (enforcement('["bridge"]', PORT, VLAN, VLAN), "networks: one is there twice"),
        (enforcement('["bridge", "bridge"]', PORT), "drivers: one is there twice"),
        (enforcement('["bridge"]', PORT, VLAN.replace("br42", "p1")), "cannot be a bridge"),
        (enforcement('["nftables"]', PORT, VLAN), 'need the driver "bridge"'),
        (enforcement('["ebtables"]', PORT), "drivers"),
        (enforcement('["bridge"]', PORT.replace('"p1"', '"p1 master br9"')), "interface"),
        (enforcement('["bridge"]', PORT.replace('"p1"', '"-force"')), "interface"),
        (enforcement('["bridge"]', PORT.replace('"p1"', '"p*"')), "interface"),
        (enforcement('["bridge"]', PORT), "need a site"),
        (enforcement("[]", PORT), "need a site"),
        (enforcement("[]", PORT) + NORTH + SOUTH, "p1: there are several sites"),
        (enforcement("[]", PORT, 'site = "west"\n') + NORTH, "p1: there is no site west"),
        (enforcement("[]", PORT, 'site = "No Name"\n') + NORTH, "site"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, text: str, words: str):
    with pytest.raises(SettingsError, match="dot1x") as caught:
        from_text(tmp_path, text)
    assert words in str(caught.value)
