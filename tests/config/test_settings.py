"""Settings: file and environment, defaults that are safe, and errors that say where and what."""

from __future__ import annotations

import os
import string
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.environment import load_settings, take_secret
from config.server import ServerSettings
from config.settings import Settings, SettingsError, load

HOME = {"HOME": "/home/someone"}


def from_text(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "drumtower.toml"
    path.write_text(text, "utf-8")
    return load(path, {**HOME, **environ})


def test_defaults_are_loopback_and_keep_the_key_apart() -> None:
    found = load(None, HOME)
    assert found.server.listen == ("127.0.0.1",)
    assert not found.server.is_https
    assert found.secrets.master_key_file == "/home/someone/.config/drumtower/master.key"
    assert found.database_url == "sqlite:///data/drumtower.db"
    assert found.recordings == Path("data/recordings")
    assert [entry.address for entry in found.net.addresses] == ["127.0.0.1"]
    assert (found.gate.tries_per_call, found.gate.room_failures, found.gate.room_block_s) == (3, 20, 600.0)


def test_environment_wins_over_file(tmp_path: Path) -> None:
    text = '[server]\nhttp_port = 9000\nnames = ["a.example"]\n[gate]\ntries_per_call = 2\n'
    found = from_text(tmp_path, text, DRUMTOWER_SERVER_HTTP_PORT="9001", DRUMTOWER_NET_HAS_GSO="false")
    assert (found.server.http_port, found.server.names, found.gate.tries_per_call) == (9001, ("a.example",), 2)
    assert not found.net.has_gso


def test_file_named_by_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("[server]\nhttp_port = 9002\n")
    assert load(None, {**HOME, "DRUMTOWER_CONFIG": str(path)}).server.http_port == 9002


@pytest.mark.parametrize(
    ("text", "addresses"),
    [("192.0.2.1, ::1", ("192.0.2.1", "::1")), ('["192.0.2.1"]', ("192.0.2.1",)), ("127.0.0.1", ("127.0.0.1",))],
)
def test_lists_in_the_environment(text: str, addresses: tuple[str, ...]) -> None:
    assert load(None, {**HOME, "DRUMTOWER_SERVER_LISTEN": text}).server.listen == addresses


def test_sip_h323_and_media_follow_the_servers_addresses(tmp_path: Path) -> None:
    text = '[server]\nlisten = ["10.0.0.5", "::1"]\n[[server.external]]\nlocal = "10.0.0.5"\nexternal = "203.0.113.5"\n'
    found = from_text(tmp_path, text)
    wanted = [("10.0.0.5", "203.0.113.5"), ("::1", "::1")]
    assert [(entry.address, entry.advertised()) for entry in found.net.addresses] == wanted
    assert [(entry.address, entry.advertised()) for entry in found.sip.listen] == wanted
    assert [(entry.address, entry.advertised()) for entry in found.h323.listen] == wanted
    own = from_text(tmp_path, text + '[[net.addresses]]\naddress = "10.0.0.6"\n')
    assert [entry.address for entry in own.net.addresses] == ["10.0.0.6"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[server]\nhttp_port = "x"', ["[server] http_port", "int"]),
        ("[server]\nhttp_port = 0", ["[server] http_port", ">= 1"]),
        ("[net]\nwebrtc_port = 70000", ["[net] webrtc_port", "<= 65535"]),
        ("[sip]\nport = -1", ["[sip] port", ">= 0"]),
        ("[server]\nhttp_prt = 1", ["[server] http_prt", "did you mean http_port"]),
        ("[srver]\nhttp_port = 1", ["[srver]", "did you mean server"]),
        ("server = 1", ["[server]"]),
        ('[server]\nhttps = "maybe"', ["[server] https", "'auto', 'on', 'off'"]),
        ('[server]\nlisten = ["0.0.0.0"]', ["[server] listen", "wildcard"]),
        ('[server]\nlisten = ["::"]', ["[server] listen", "wildcard"]),
        ("[server]\nlisten = []", ["[server] listen", "at least one"]),
        ('[server]\nlisten = ["hospital.example"]', ["[server] listen", "numeric"]),
        ('[server]\nlisten = ["10.0.0.1"]\nhttps = "off"', ["[server] https", "loopback"]),
        ('[server]\ntls_key = "a"', ["tls_certificate and tls_key"]),
        ('[[server.external]]\nlocal = "10.0.0.1"\nexternal = "192.0.2.1"', ["external.local", "listen"]),
        (
            '[[server.external]]\nlocal = "127.0.0.1"\nexternal = "192.0.2.1"\nnetworks = ["10.0.0.1/8"]',
            ["external", "10.0.0.1/8"],
        ),
        ("[gate]\ntries_per_call = true", ["[gate] tries_per_call", "int", "bool"]),
        ("[gate]\ntries_per_call = 11", ["[gate] tries_per_call", "<= 10"]),
        ('[store]\nurl = "mysql://u:geheim@h/d"', ["[store] url", "postgresql://"]),
        ('[secrets]\npassphrase = "geheim"', ["[secrets] passphrase", "passphrase_file"]),
        ("[server", ["not TOML"]),
    ],
)  # fmt: skip
def test_errors_name_file_section_key_and_what_is_allowed(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        from_text(tmp_path, text)
    message = str(caught.value)
    assert str(tmp_path / "drumtower.toml") in message
    assert [word for word in words if word not in message] == []
    assert "geheim" not in message


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DRUMTOWER_SERVER_HTTP_PORT", "99999", ["<= 65535"]),
        ("DRUMTOWER_SERVER_HTTP_PORT", "no", ["int"]),
        ("DRUMTOWER_SERVER_HTP_PORT", "1", ["did you mean http_port"]),
        ("DRUMTOWER_SERVER_HTTPS", "maybe", ["'auto', 'on', 'off'"]),
        ("DRUMTOWER_SERVER_LISTEN", "[", []),
        ("DRUMTOWER_SERVER_LISTEN", "hall", ["numeric"]),
        ("DRUMTOWER_NET_MULTIPLEX_PORT", "2777", ["even"]),
        ("DRUMTOWER_NET_MULTIPLEX_PORT", "40998", ["between first_rtp_port"]),
    ],
)
def test_errors_name_the_variable(variable: str, value: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, {**HOME, variable: value})
    assert [word for word in [variable, *words] if word not in str(caught.value)] == []


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "missing.toml", HOME)
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(SettingsError, match="UTF-8"):
        load(tmp_path / "latin.toml", HOME)
    (tmp_path / "large.toml").write_bytes(b"#" * (1 << 21))
    with pytest.raises(SettingsError, match="larger"):
        load(tmp_path / "large.toml", HOME)


@pytest.mark.parametrize(
    ("listen", "https", "certificate", "is_https"),
    [
        (("127.0.0.1", "::1"), "auto", "", False),
        (("127.0.0.1",), "on", "", True),
        (("127.0.0.1",), "auto", "c.pem", True),
        (("127.0.0.1",), "off", "c.pem", False),
        (("127.0.0.1", "192.0.2.1"), "auto", "", True),
        (("fe80::1%eth0",), "auto", "", True),
    ],
)
def test_https_is_a_must_elsewhere(listen: tuple[str, ...], https: str, certificate: str, is_https: bool) -> None:
    found = msgspec.convert(
        {"listen": listen, "https": https, "tls_certificate": certificate, "tls_key": certificate}, ServerSettings
    )
    assert found.is_https is is_https


@pytest.mark.parametrize(
    ("peer", "seen"),
    [
        ("10.1.2.3", "10.0.0.5"), ("9.9.9.9", "8.8.4.4"), ("172.20.0.9", "172.16.0.5"), ("", "172.16.0.5"),
        ("fe80::1%eth0", "10.0.0.5"),
    ],
)  # fmt: skip
def test_external_address_by_network(tmp_path: Path, peer: str, seen: str) -> None:
    text = """
        [server]
        listen = ["10.0.0.5", "10.0.0.6"]
        [[server.external]]
        local = "10.0.0.5"
        external = "172.16.0.5"
        networks = ["172.16.0.0/12"]
        [[server.external]]
        local = "10.0.0.5"
        external = "8.8.4.4"
    """
    found = from_text(tmp_path, text)
    for addresses in (found.net.addresses, found.sip.listen):
        assert [entry.advertised(peer) for entry in addresses] == [seen, "10.0.0.6"]


def test_systemd_credential_is_found(tmp_path: Path) -> None:
    (tmp_path / "drumtower-master-key").write_text("x")
    found = load(None, {**HOME, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found.secrets.credential_file == str(tmp_path / "drumtower-master-key")


def test_secrets_are_in_no_repr() -> None:
    found = load(
        None,
        {
            **HOME,
            "DRUMTOWER_SECRETS_PASSPHRASE": "geheim geheim geheim",
            "DRUMTOWER_STORE_URL": "postgresql://user:geheim@db/drumtower",
        },
    )
    assert found.secrets.passphrase == "geheim geheim geheim"
    assert "geheim" not in repr(found)
    assert "geheim" not in str(found.secrets) + str(found.store)
    assert "geheim" not in repr(list(found.secrets.__rich_repr__()) + list(found.store.__rich_repr__()))


def test_secret_variables_are_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRUMTOWER_PASSWORD", "once")
    assert take_secret("DRUMTOWER_PASSWORD") == "once"
    assert take_secret("DRUMTOWER_PASSWORD") is None


_TABLES = ("SERVER", "GATE", "NET", "STORE")
_FIELDS = ("LISTEN", "HTTP_PORT", "URL", "X", "ADDRESSES")
_KEYS = [f"DRUMTOWER_{table}_{field}" for table in _TABLES for field in _FIELDS]


@given(st.dictionaries(st.sampled_from(_KEYS), st.text(max_size=30), max_size=3))
@settings(max_examples=100, deadline=None)
def test_any_environment_is_understood_or_refused_in_words(environ: dict[str, str]) -> None:
    try:
        load(None, {**HOME, **environ})
    except SettingsError as error:
        assert "DRUMTOWER_" in str(error)


@pytest.mark.exhaustive
@given(
    st.dictionaries(
        st.sampled_from(["server", "gate", "store", "net", "other"]),
        st.dictionaries(
            st.sampled_from(["listen", "http_port", "url", "tries_per_call", "addresses", "x"]),
            st.one_of(st.integers(), st.booleans(), st.text(string.ascii_letters, max_size=5), st.just(["127.0.0.1"])),
            max_size=2,
        ),
        max_size=2,
    )
)
@settings(max_examples=100, deadline=None)
def test_any_file_is_understood_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, tables: dict[str, dict[str, object]]
) -> None:
    def literal(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else msgspec.json.encode(value).decode()

    lines = [
        line
        for name, table in tables.items()
        for line in [f"[{name}]", *(f"{key} = {literal(value)}" for key, value in table.items())]
    ]
    path = tmp_path_factory.mktemp("settings") / "x.toml"
    path.write_text("\n".join(lines))
    try:
        load(path, HOME)
    except SettingsError as error:
        assert str(path) in str(error)


def test_child_processes_inherit_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRUMTOWER_SECRETS_PASSPHRASE", "geheim, but long enough")
    monkeypatch.setenv("DRUMTOWER_STORE_URL", "postgresql://drumtower:geheim@localhost/drumtower")
    monkeypatch.setenv("DRUMTOWER_SIP_PORT", "5070")
    found = load_settings()
    assert found.secrets.passphrase == "geheim, but long enough"
    assert found.store.url.startswith("postgresql://drumtower:geheim")
    assert not [variable for variable, value in os.environ.items() if "geheim" in value]
    assert os.environ["DRUMTOWER_SIP_PORT"] == "5070"


def test_digest_algorithms_and_times_of_registrations() -> None:
    assert load(None, {}).sip.digest_algorithms == ("SHA-256", "MD5")
    assert load(None, {"DRUMTOWER_SIP_DIGEST_ALGORITHMS": "MD5"}).sip.digest_algorithms == ("MD5",)
    for key, value in (("sip_digest_algorithms", "SHA-1"), ("sip_digest_algorithms", ""), ("sip_realm", 'a"b')):
        with pytest.raises(SettingsError, match=key.upper()):
            load(None, {f"DRUMTOWER_{key.upper()}": value})
    with pytest.raises(SettingsError, match="must not fall"):
        load(None, {"DRUMTOWER_REGISTRAR_MIN_EXPIRES_S": "7200"})
