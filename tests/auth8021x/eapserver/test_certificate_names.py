"""Whom a certificate names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from auth8021x.eapserver import certificate_names

NOW = datetime(2026, 11, 1, tzinfo=UTC)
UPN = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


def made(*extensions: x509.ExtensionType, common: str = "vt1") -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    )  # fmt: skip
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_alternative_names_come_before_the_common_name():
    names = x509.SubjectAlternativeName([
        x509.OtherName(UPN, b"\x0c\x08vt1@ward"), x509.OtherName(UPN, b"\x16\x03abc"),
        x509.RFC822Name("vt1@w.example"), x509.DNSName("vt1.w.example"), x509.DNSName("vt1"),
    ])  # fmt: skip
    found = certificate_names.read(made(names), NOW.timestamp() + 5)
    assert found == certificate_names.Named(
        ("vt1.w.example", "vt1", "vt1@w.example", "vt1@ward"), is_current=True, is_for_clients=True
    )


@pytest.mark.parametrize(("offset_s", "is_current"), [(-1, False), (0, True), (86_399, True), (86_400, False)])
def test_it_holds_from_its_beginning_to_its_end(offset_s: int, is_current: bool):
    found = certificate_names.read(made(), NOW.timestamp() + offset_s)
    assert found is not None
    assert (found.names, found.is_current) == (("vt1",), is_current)


@pytest.mark.parametrize(
    ("usage", "is_for_clients"),
    [
        (ExtendedKeyUsageOID.CLIENT_AUTH, True),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, True),
        (ExtendedKeyUsageOID.SERVER_AUTH, False),
    ],
)
def test_what_it_is_for(usage: ObjectIdentifier, is_for_clients: bool):
    found = certificate_names.read(made(x509.ExtendedKeyUsage([usage])), NOW.timestamp())
    assert found is not None
    assert found.is_for_clients is is_for_clients


def test_names_are_bounded_and_rubbish_is_none():
    many = x509.SubjectAlternativeName([x509.DNSName(f"vt{number}") for number in range(100)])
    found = certificate_names.read(made(many), NOW.timestamp())
    assert found is not None
    assert len(found.names) == 16
    whole = made()
    for size in range(0, len(whole), 7):
        assert certificate_names.read(whole[:size], NOW.timestamp()) is None
