"""Certificates for 802.1X: what they say, who may read them, and that nothing is ever written over."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from crypto.certificates import CertificateError, read_chain, read_key
from crypto.network_certificates import LEAF_DAYS, NetworkCertificates, write_new

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def made(tmp_path: Path) -> NetworkCertificates:
    found = NetworkCertificates(tmp_path / "dot1x", b"a password")
    assert found.ensure_authority(NOW)
    return found


def test_all_that_is_needed_to_begin(made: NetworkCertificates, tmp_path: Path):
    folder = tmp_path / "dot1x"
    assert made.ensure_server("radius.ward.example", NOW)
    client = made.make_client("vt1@ward.example", NOW)
    assert {path.name for path in folder.iterdir()} == {
        "ca.pem", "ca.key", "server.pem", "server.key", "vt1@ward.example.pem", "vt1@ward.example.key",
    }  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    authority, device = read_chain(made.authority.read_bytes())[0], read_chain(client.read_bytes())[0]
    device.verify_directly_issued_by(authority)
    assert device.not_valid_after_utc == NOW + timedelta(days=LEAF_DAYS)
    usage = device.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not device.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = device.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.RFC822Name) == ["vt1@ward.example"]


def test_our_own_keys_are_encrypted_and_those_for_devices_are_not(made: NetworkCertificates, tmp_path: Path):
    made.ensure_server("radius", NOW)
    made.make_client("vt1", NOW)
    for name in ("ca", "server"):
        with pytest.raises(TypeError):
            read_key(tmp_path / "dot1x" / f"{name}.key", None)
    read_key(tmp_path / "dot1x" / "vt1.key", None)


def test_nothing_is_written_over(made: NetworkCertificates, tmp_path: Path):
    made.ensure_server("radius", NOW)
    made.make_client("vt1", NOW)
    before = {path.name: path.read_bytes() for path in (tmp_path / "dot1x").iterdir()}
    assert not made.ensure_authority(NOW)
    assert not made.ensure_server("another", NOW)
    with pytest.raises(CertificateError, match="already"):
        made.make_client("vt1", NOW)
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "dot1x" / "ca.key", b"")
    assert {path.name: path.read_bytes() for path in (tmp_path / "dot1x").iterdir()} == before


def test_a_half_that_is_left_is_not_written_over_either(made: NetworkCertificates, tmp_path: Path):
    (tmp_path / "dot1x" / "ca.pem").unlink()
    assert not made.ensure_authority(NOW)
    with pytest.raises(CertificateError, match=r"ca\.pem"):
        made.make_client("vt1", NOW)


@pytest.mark.parametrize("name", ["", "ca", "server", "../vt1", "a/b", ".hidden", "x" * 65, "a b", "ä"])
def test_names_that_are_no_file_are_refused(made: NetworkCertificates, name: str):
    with pytest.raises(CertificateError):
        made.make_client(name, NOW)


def test_with_another_master_key_nothing_is_signed(made: NetworkCertificates, tmp_path: Path):
    with pytest.raises(CertificateError, match="key of the CA"):
        NetworkCertificates(tmp_path / "dot1x", b"another").make_client("vt1", NOW)
