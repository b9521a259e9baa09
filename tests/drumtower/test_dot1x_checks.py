"""What `doctor` says of our own 802.1X ports and of RADIUS: each thing that keeps them from starting, and advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from drumtower.checks import dot1x, network_ports, radius
from drumtower.checks.finding import Level
from tests.drumtower.test_doctor import levels, make, with_dot1x

_SITE = '[[dot1x.sites]]\nname = "ward"\nnetworks = ["10.0.0.0/8"]\nmode = "enforce"\n'
_PORT = '[[dot1x.enforcement.ports]]\ninterface = "{name}"\nbridge = "nosuchbr"\n'
_SERVER = '[[dot1x.servers]]\nname = "main"\naddress = "192.0.2.1"\nsecret_file = "{file}"\n'
_OWN = '[[dot1x.eap_server.clients]]\nname = "ports"\nnetworks = ["127.0.0.1"]\nsecret_file = "{file}"\n'
_ALL_RIGHTS = "Name:\tpython\nCapEff:\t000001ffffffffff\n"


@pytest.fixture(autouse=True)
def rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    status = tmp_path / "status"
    status.write_text(_ALL_RIGHTS)
    monkeypatch.setattr(network_ports, "_STATUS", status)
    return status


def secret(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "radius.secret"
    file.touch(0o600)
    file.write_text(text)
    return file


def test_nothing_is_said_where_nothing_is_set(tmp_path: Path):
    assert levels(network_ports.check_network_ports, make(tmp_path)) == {}
    assert levels(radius.check_radius, make(tmp_path)) == {}


def test_interfaces_bridges_and_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(network_ports, "path_of", lambda program: None if program == "nft" else f"/sbin/{program}")
    drivers = '[dot1x.enforcement]\ndrivers = ["bridge", "nftables"]\n'
    text = _SITE + drivers + _PORT.format(name="lo") + _PORT.format(name="nosuch0")
    found = levels(network_ports.check_network_ports, with_dot1x(tmp_path, text))
    assert "port nosuch0: there is no such interface" in found[Level.FAIL]
    assert "there is no bridge nosuchbr" in found[Level.FAIL]
    assert "nft is not installed" in found[Level.FAIL]
    assert "bridge is not installed" not in found[Level.FAIL]
    assert found[Level.OK] == "802.1X on lo"


def test_ports_that_keep_nobody_out_and_that_nobody_gets_in_by(tmp_path: Path):
    found = levels(network_ports.check_network_ports, with_dot1x(tmp_path, _SITE + _PORT.format(name="lo")))
    assert Level.FAIL not in found
    assert "keeps nobody out" in found[Level.WARN]
    assert "no RADIUS server is asked" in found[Level.WARN]


@pytest.mark.parametrize(("driver", "is_warned"), [("bridge", True), ("nftables", False)])
def test_a_bridge_alone_stays_open_after_a_crash(tmp_path: Path, driver: str, is_warned: bool):
    text = f'{_SITE}[dot1x.enforcement]\ndrivers = ["{driver}"]\n{_PORT.format(name="lo")}'
    found = levels(network_ports.check_network_ports, with_dot1x(tmp_path, text))
    assert ("when the server crashes" in found.get(Level.WARN, "")) is is_warned


def test_rights(tmp_path: Path, rights: Path):
    settings = with_dot1x(tmp_path, _SITE + _PORT.format(name="lo"))
    assert "CAP_NET_RAW" not in levels(network_ports.check_network_ports, settings)[Level.WARN]
    rights.write_text("CapEff:\t0000000000002000\n")  # CAP_NET_RAW alone
    assert "CAP_NET_ADMIN" in levels(network_ports.check_network_ports, settings)[Level.WARN]


def test_orders_that_nobody_may_give(tmp_path: Path):
    text = _SITE + _PORT.format(name="lo") + '[dot1x.dynamic]\nlisten = ["127.0.0.1"]\n'
    settings = with_dot1x(tmp_path, text)
    assert "nobody may send Disconnect" in levels(network_ports.check_network_ports, settings)[Level.WARN]
    client = '[[dot1x.dynamic.clients]]\nname = "policy"\naddress = "192.0.2.1"\nsecret_file = "/nowhere/policy"\n'
    settings = with_dot1x(tmp_path, text + client)
    assert "/nowhere/policy" in levels(network_ports.check_network_ports, settings)[Level.FAIL]


def test_secrets_of_servers(tmp_path: Path):
    settings = with_dot1x(tmp_path, _SERVER.format(file="/nowhere/main"))
    assert "main: /nowhere/main" in levels(radius.check_radius, settings)[Level.FAIL]
    settings = with_dot1x(tmp_path, _SERVER.format(file=secret(tmp_path, "short")))
    assert levels(radius.check_radius, settings) == {Level.OK: "the secret of main can be read"}
    excused = _SERVER.format(file=secret(tmp_path, "short")) + "demands_message_authenticator = false\n"
    assert "BlastRADIUS" in levels(radius.check_radius, with_dot1x(tmp_path, excused))[Level.WARN]
    radsec = (
        _SERVER.format(file="")
        + 'transport = "radsec"\ntls_ca = "/no/ca"\ntls_certificate = "/no/c"\ntls_key = "/no/k"\n'
    )
    assert "/no/ca is missing" in levels(radius.check_radius, with_dot1x(tmp_path, radsec))[Level.FAIL]


def test_clients_that_are_excused_are_named(tmp_path: Path):
    strong = secret(tmp_path, "qO3xk7-amber-signal-71")
    own = _OWN.format(file=strong) + "demands_message_authenticator = false\n"
    found = levels(radius.check_radius, with_dot1x(tmp_path, own))[Level.WARN]
    assert "ports is believed without Message-Authenticator" in found
    giver = f'name = "policy"\naddress = "192.0.2.1"\nsecret_file = "{strong}"\ndemands_message_authenticator = false\n'
    text = f'[dot1x.dynamic]\nlisten = ["127.0.0.1"]\n[[dot1x.dynamic.clients]]\n{giver}'
    assert "policy may give orders" in levels(radius.check_radius, with_dot1x(tmp_path, text))[Level.WARN]


def test_our_own_server(tmp_path: Path):
    settings = with_dot1x(tmp_path, _OWN.format(file=secret(tmp_path, "testing123")))
    found = levels(radius.check_radius, settings)[Level.FAIL]
    assert "the secret of ports is too weak" in found
    assert "server.pem" in found
    settings = with_dot1x(tmp_path, _OWN.format(file=secret(tmp_path, "qO3xk7-amber-signal-71")))
    (settings.data / "dot1x").mkdir(parents=True)
    for name in ("server.pem", "server.key", "ca.pem"):
        (settings.data / "dot1x" / name).touch()
    assert levels(radius.check_radius, settings) == {Level.OK: "our own RADIUS server answers on 127.0.0.1 port 1812"}


def test_a_site_with_a_port_of_ours_is_told_of_its_sessions(tmp_path: Path):
    assert "no switch tells" in levels(dot1x.check_dot1x, with_dot1x(tmp_path, _SITE))[Level.WARN]
    found = levels(dot1x.check_dot1x, with_dot1x(tmp_path, _SITE + _PORT.format(name="lo")))
    assert found.keys() == {Level.OK}
