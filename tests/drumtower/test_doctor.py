"""`doctor`: each finding, good and bad, has words and, where something is to be done, advice."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from config.settings import Settings, load
from drumtower import doctor, doctor_command
from drumtower.checks import announcements, capacity, codecs, dot1x, keys, machine, network, relay, storage, terminals
from drumtower.checks.finding import Check, Finding, Level, ok
from store.database import Database
from store.terminals import Terminal


def make(tmp_path: Path, **environ: str) -> Settings:
    base = {"HOME": str(tmp_path / "home"), "DRUMTOWER_SERVER_DATA": str(tmp_path / "data")}
    return load(None, {**base, **{f"DRUMTOWER_{key.upper()}": value for key, value in environ.items()}})


def levels(check: Check, settings: Settings) -> dict[Level, str]:
    findings = list(check(settings))
    assert all(finding.advice for finding in findings if finding.level is not Level.OK)
    return {level: " ".join(f.text for f in findings if f.level is level) for level in {f.level for f in findings}}


def test_fresh_installation_has_nothing_to_mend(tmp_path: Path) -> None:
    settings = make(tmp_path)
    left_out = (network.check_ports, machine.check_confinement, capacity.check_capacity)
    checks = [check for check in doctor.CHECKS if check not in left_out]
    findings = list(doctor.examine(settings, tuple(checks)))
    assert [finding for finding in findings if finding.level is Level.FAIL] == []
    # It only looks.
    assert list(tmp_path.iterdir()) == []


def test_addresses(tmp_path: Path) -> None:
    assert Level.FAIL not in levels(network.check_addresses, make(tmp_path))
    found = levels(network.check_addresses, make(tmp_path, server_listen="127.0.0.1,192.0.2.77"))
    assert "192.0.2.77" in found[Level.FAIL]
    assert "127.0.0.1" in found[Level.OK]


def test_ports_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_ANSWER_S", 0.2)
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen(1)
        udp.bind(("127.0.0.1", 0))
        portal, media = tcp.getsockname()[1], udp.getsockname()[1]
        settings = make(tmp_path, server_http_port=str(portal), net_webrtc_port=str(media), sip_port="0")
        tcp.close()
        with socket.socket() as other:
            other.bind(("127.0.0.1", portal))
            other.listen(1)
            other.settimeout(0.1)
            found = levels(network.check_ports, settings)
    assert f"port {portal} (portal): in use" in found[Level.FAIL]
    assert f"port {media} (browsers' media): in use" in found[Level.FAIL]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"net_webrtc_port": "40500"}, "webrtc_port 40500 lies among"),
        ({"sip_port": "40100"}, "port 40100 lies among"),
        ({"net_last_rtp_port": "40002"}, "no call"),
    ],
)
def test_colliding_ports(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    assert words in levels(network.check_ranges, make(tmp_path, **environ))[Level.FAIL]


def test_disk(tmp_path: Path) -> None:
    assert Level.FAIL not in levels(machine.check_disk, make(tmp_path))
    found = levels(machine.check_disk, make(tmp_path, recording_min_free_bytes=str(1 << 60)))
    assert "free" in found[Level.FAIL]
    found = levels(machine.check_disk, make(tmp_path, recording_directory="/proc/nowhere"))
    assert "cannot be written" in found[Level.FAIL]


def test_codecs_and_machine_of_this_installation(tmp_path: Path) -> None:
    settings = make(tmp_path)
    for check in (codecs.check_codecs, codecs.check_libraries, machine.check_clock, machine.check_fonts):
        assert Level.FAIL not in levels(check, settings)


def test_missing_codec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "_NEEDED", (("h267", "r", "decode H.267"),))
    assert "lacks h267 (decode H.267)" in levels(codecs.check_codecs, make(tmp_path))[Level.FAIL]


@pytest.mark.parametrize(("state", "level"), [(0, Level.OK), (5, Level.WARN), (None, Level.WARN)])
def test_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: int | None, level: Level) -> None:
    monkeypatch.setattr(machine, "_clock_state", lambda: state)
    assert list(machine.check_clock(make(tmp_path)))[-1].level is level


def test_confinement_is_really_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert levels(machine.check_confinement, make(tmp_path))
    monkeypatch.setattr("sys.executable", "/nonexistent")
    assert "everything" in levels(machine.check_confinement, make(tmp_path))[Level.WARN]


def test_master_key(tmp_path: Path) -> None:
    settings = make(tmp_path)
    path = Path(settings.secrets.master_key_file)
    assert "will be made" in levels(keys.check_master_key, settings)[Level.OK]
    path.parent.mkdir(parents=True)
    path.write_bytes(base64.b64encode(bytes(range(32))))
    path.chmod(0o644)
    assert "others may read" in levels(keys.check_master_key, settings)[Level.FAIL]
    path.chmod(0o600)
    found = levels(keys.check_master_key, settings)
    assert set(found) == {Level.OK}
    assert base64.b64encode(bytes(range(32))).decode() not in str(found)
    inside = make(tmp_path, secrets_master_key_file=str(tmp_path / "data" / "master.key"))
    assert "under the data directory" in levels(keys.check_master_key, inside)[Level.FAIL]
    gone = make(tmp_path, secrets_credential_file=str(tmp_path / "gone"))
    assert "missing" in levels(keys.check_master_key, gone)[Level.FAIL]


def test_passphrase(tmp_path: Path) -> None:
    found = levels(keys.check_master_key, make(tmp_path, secrets_passphrase="geheim geheim geheim"))
    assert set(found) == {Level.OK}
    assert "geheim" not in str(found)
    path = tmp_path / "passphrase"
    settings = make(tmp_path, secrets_passphrase_file=str(path))
    assert Level.FAIL in levels(keys.check_master_key, settings)
    path.write_text("geheim geheim geheim")
    path.chmod(0o644)
    assert "others may read" in levels(keys.check_master_key, settings)[Level.FAIL]
    path.chmod(0o600)
    assert set(levels(keys.check_master_key, settings)) == {Level.OK}


def test_certificate(tmp_path: Path) -> None:
    assert "no HTTPS" in levels(keys.check_certificate_dates, make(tmp_path))[Level.OK]
    assert "will be made" in levels(keys.check_certificate_dates, make(tmp_path, server_https="on"))[Level.OK]
    (tmp_path / "data" / "tls").mkdir(parents=True)
    (tmp_path / "data" / "tls" / "server.pem").write_text("rubbish")
    assert Level.FAIL in levels(keys.check_certificate_dates, make(tmp_path, server_https="on"))
    given = make(tmp_path, server_tls_certificate=str(tmp_path / "c"), server_tls_key=str(tmp_path / "k"))
    assert Level.FAIL in levels(keys.check_certificate_dates, given)
    assert Level.FAIL in levels(keys.check_tls_keys, given)
    (tmp_path / "k").write_text("")
    (tmp_path / "k").chmod(0o644)
    assert "others may read" in levels(keys.check_tls_keys, given)[Level.WARN]


def test_sip_certificate(tmp_path: Path) -> None:
    certificate, key = str(tmp_path / "server.pem"), str(tmp_path / "key.pem")
    assert levels(keys.check_sip_certificate, make(tmp_path)) == {}
    assert (
        "in clear"
        in levels(keys.check_sip_certificate, make(tmp_path, server_listen="192.0.2.1", sip_tls="off"))[Level.WARN]
    )
    assert "of the server" in levels(keys.check_sip_certificate, make(tmp_path, server_listen="192.0.2.1"))[Level.OK]
    own = make(tmp_path, sip_tls_certificate=certificate, sip_tls_key=key)
    assert Level.FAIL in levels(keys.check_sip_certificate, own)
    for days, level, words in ((400, Level.OK, "another 399 days"), (20, Level.WARN, "ends in 19 days")):
        write_certificate(tmp_path, days)
        assert words in levels(keys.check_sip_certificate, own)[level]
    write_certificate(tmp_path, -1)
    assert Level.FAIL in levels(keys.check_sip_certificate, own)
    believing = make(tmp_path, server_https="on", sip_tls_authorities=certificate)
    assert "ended" in levels(keys.check_sip_certificate, believing)[Level.WARN]


def write_certificate(folder: Path, days: int) -> None:
    """server.pem and key.pem of a certificate that ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sip")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "server.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*form))


def test_database(tmp_path: Path) -> None:
    settings = make(tmp_path)
    assert "will be made" in levels(storage.check_database, settings)[Level.OK]
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "drumtower.db").write_bytes(b"rubbish" * 100)
    assert Level.FAIL in levels(storage.check_database, settings)
    lost = make(tmp_path, store_url="postgresql://u:geheim@127.0.0.1:1/d", store_busy_timeout_s="2")
    found = levels(storage.check_database, lost)
    assert "geheim" not in found[Level.FAIL]


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_settings: Settings) -> Iterator[Finding]:
        yield ok("first", "fine")
        raise RuntimeError("no luck")

    parser = argparse.ArgumentParser()
    doctor_command.add_parser(parser.add_subparsers())
    settings = make(tmp_path)
    for checks, status in (((machine.check_fonts,), 0), ((breaks, machine.check_fonts), 1)):
        monkeypatch.setattr(doctor.examine, "__defaults__", (checks,))
        for arguments in (["doctor"], ["doctor", "--json"]):
            options = parser.parse_args(arguments)
            assert options.command(options, settings) == status
    text, *_ = capsys.readouterr()
    assert "could not be checked: no luck" in text
    assert json.loads(text[text.rindex("\n[\n") :])[0] == {
        "check": "first",
        "level": "ok",
        "text": "fine",
        "advice": "",
    }


def test_relays_are_asked_only_where_there_are_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no TURN server" in levels(relay.check_relays, make(tmp_path))[Level.OK]
    named = make(tmp_path, webrtc_turn_urls="turn:127.0.0.1:9?transport=tcp")
    assert "secret is missing" in levels(relay.check_relays, named)[Level.FAIL]
    monkeypatch.setenv("DRUMTOWER_TURN_SECRET", "north")
    assert "cannot be reached" in levels(relay.check_relays, named)[Level.FAIL]
    file = tmp_path / "turn-secret"
    file.write_text("north\n")
    file.chmod(0o644)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"turn:127.0.0.1:{silent.getsockname()[1]}"
        settings = make(tmp_path, webrtc_turn_urls=url, webrtc_turn_secret_file=str(file))
        assert "others may read" in levels(relay.check_relays, settings)[Level.FAIL]
        file.chmod(0o600)
        monkeypatch.setattr(relay, "_PATIENCE_S", 0.1)
        found = levels(relay.check_relays, settings)[Level.FAIL]
    assert "does not answer" in found
    assert "north" not in found


def test_announcements(tmp_path: Path) -> None:
    assert set(levels(announcements.check_announcements, make(tmp_path))) == {Level.OK}
    folder = tmp_path / "prompts"
    settings = make(tmp_path, audio_prompt_directory=str(folder), audio_prompt_languages="zh,fr")
    found = levels(announcements.check_announcements, settings)[Level.WARN]
    assert str(folder) in found and "'fr'" in found
    folder.mkdir()
    for name in ("muted.zh.opus", "nonsense.zh.wav", "menu.de.wav"):
        (folder / name).write_bytes(b"no sound")
    found = levels(announcements.check_announcements, settings)[Level.WARN]
    assert all(word in found for word in ("muted.zh.opus", "'nonsense'", "'de'"))


@pytest.mark.parametrize(
    ("algorithms", "level"),
    [("SHA-256,MD5", Level.OK), ("SHA-256", Level.OK), ("MD5", Level.WARN), ("MD5,SHA-256", Level.WARN)],
)
def test_digests(tmp_path: Path, algorithms: str, level: Level) -> None:
    [(found, text)] = levels(terminals.check_digests, make(tmp_path, sip_digest_algorithms=algorithms)).items()
    assert (found, "MD5" in text) == (level, "MD5" in algorithms)


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, Level.OK, "H.235.1"),
        ({"h323_enabled": "false"}, Level.OK, "switched off"),
        ({"h323_authentication": "known"}, Level.WARN, "without a secret"),
        ({"h323_authentication": "off"}, Level.WARN, "anybody"),
        ({"h323_call_model": "routed"}, Level.OK, "through this server"),
    ],
)
def test_gatekeeper(tmp_path: Path, changes: dict[str, str], level: Level, words: str) -> None:
    assert words in levels(terminals.check_gatekeeper, make(tmp_path, **changes))[level]


def test_ports_of_h323(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        found = levels(network.check_ports, make(tmp_path, h323_ras_port=str(port), h323_signalling_port="0"))
        assert f"port {port} (H.323 gatekeeper): in use" in found[Level.FAIL]
        off = levels(network.check_ports, make(tmp_path, h323_enabled="false"))
    assert not any("H.323" in text for text in off.values())
    assert (
        "signalling_port 40100 lies among"
        in (levels(network.check_ranges, make(tmp_path, h323_signalling_port="40100"))[Level.FAIL])
    )


def test_secrets_of_before_h323_are_named(tmp_path: Path) -> None:
    settings = make(tmp_path)
    assert levels(terminals.check_h323_secrets, settings) == {}

    async def fill() -> None:
        settings.data.mkdir(exist_ok=True)
        database = Database(settings.database_url)
        await database.open()
        await database.terminals.add(Terminal("old", "Old", b"sealed"))
        await database.terminals.add(Terminal("new", "New", b"sealed", b"key"))
        await database.close()

    asyncio.run(fill())
    text = levels(terminals.check_h323_secrets, settings)[Level.WARN]
    assert text.startswith("1 terminal(s)")
    assert text.endswith(": old")
    assert levels(terminals.check_h323_secrets, make(tmp_path, h323_enabled="false")) == {}


_SITE = '[[dot1x.sites]]\nname = "north"\nnetworks = ["10.0.0.0/8"]\nmode = "{mode}"\n{more}'
_LISTENER = """
[dot1x.listener]
listen = ["127.0.0.1"]
[[dot1x.listener.clients]]
name = "switches"
networks = ["10.0.0.0/24"]
site = "north"
secret_file = "{secret}"
"""


def with_dot1x(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "drumtower.toml"
    file.write_text(text)
    return load(file, {"HOME": str(tmp_path / "home"), "DRUMTOWER_SERVER_DATA": str(tmp_path / "data")})


def test_sessions_of_the_network(tmp_path: Path) -> None:
    assert levels(dot1x.check_dot1x, make(tmp_path)).keys() == {Level.OK}
    found = levels(dot1x.check_dot1x, with_dot1x(tmp_path, _SITE.format(mode="enforce", more="")))
    assert "are refused" in found[Level.OK]
    assert "no switch tells of its sessions" in found[Level.WARN]
    found = levels(dot1x.check_dot1x, with_dot1x(tmp_path, _SITE.format(mode="off", more="")))
    assert found.keys() == {Level.OK}


def test_secrets_of_switches(tmp_path: Path) -> None:
    secret = tmp_path / "switches.secret"
    settings = with_dot1x(tmp_path, _SITE.format(mode="monitor", more="") + _LISTENER.format(secret=secret))
    assert str(secret) in levels(dot1x.check_dot1x, settings)[Level.FAIL]
    secret.write_text("qO3xk7-amber-signal-71\n")
    secret.chmod(0o600)
    assert levels(dot1x.check_dot1x, settings).keys() == {Level.OK}


def test_an_address_of_ours_that_no_call_comes_in_at(tmp_path: Path) -> None:
    settings = with_dot1x(tmp_path, _SITE.format(mode="off", more='arrives_at = ["192.0.2.9"]\n'))
    assert "no call comes in at 192.0.2.9" in levels(dot1x.check_dot1x, settings)[Level.WARN]


@pytest.mark.parametrize(("text", "level"), [("qO3xk7-amber-signal-71", Level.OK), ("radius-secret-12", Level.WARN)])
def test_secrets_of_switches_that_take_orders(tmp_path: Path, text: str, level: Level) -> None:
    secret = tmp_path / "orders.secret"
    switch = f'[[dot1x.switches]]\nname = "ward"\nsite = "north"\nnetworks = ["10.0.0.1"]\nsecret_file = "{secret}"\n'
    settings = with_dot1x(tmp_path, _SITE.format(mode="off", more="") + switch)
    assert str(secret) in levels(dot1x.check_dot1x, settings)[Level.FAIL]
    secret.touch(0o600)
    secret.write_text(text)
    found = levels(dot1x.check_dot1x, settings)
    assert max(found) == level
    assert ("can guess the secret" in found.get(Level.WARN, "")) == (level is Level.WARN)
