"""What a certificate says, and whether a server may use it (RFC 5280; names as in RFC 9525)."""

from __future__ import annotations

import ipaddress
import os
import secrets
import stat
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

MAX_PEM_BYTES: Final = 1 << 20
RENEW_DAYS: Final = 30


class CertificateError(Exception):
    """A certificate or key cannot be used; the text says why and what to do."""


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 as browsers show it: upper-case hex with colons."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def read_chain(data: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM file, the server's first. Raises ValueError."""
    return x509.load_pem_x509_certificates(data[:MAX_PEM_BYTES])


def read_key(path: Path, password: bytes | None) -> PrivateKeyTypes:
    """The private key of a PEM file. Raises ValueError, TypeError (password missing or too many), OSError."""
    return serialization.load_pem_private_key(path.read_bytes()[:MAX_PEM_BYTES], password)


def demand_private(path: Path) -> None:
    """That nobody but its owner may read a key. Raises CertificateError, OSError."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise CertificateError(f"{path}: others may read the key (mode {mode:04o}); run: chmod 600 {path}")


def write_key(path: Path, key: PrivateKeyTypes, password: bytes) -> None:
    """Write a key encrypted, mode 0600."""
    encryption = serialization.BestAvailableEncryption(password)
    form = serialization.PrivateFormat.PKCS8
    write_file(path, key.private_bytes(serialization.Encoding.PEM, form, encryption), 0o600)


def write_file(path: Path, data: bytes, mode: int) -> None:
    """Replace a file at one stroke."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def alternative_names(names: Sequence[str], addresses: Sequence[str]) -> x509.SubjectAlternativeName:
    """The SAN extension (RFC 5280 4.2.1.6) for DNS names and numeric addresses."""
    numeric = [ipaddress.ip_address(address.partition("%")[0]) for address in dict.fromkeys(addresses)]
    return x509.SubjectAlternativeName(
        [x509.DNSName(name.lower()) for name in dict.fromkeys(names)] + [x509.IPAddress(address) for address in numeric]
    )


def check_certificate(
    chain: Sequence[x509.Certificate], key: PrivateKeyTypes, names: Sequence[str], addresses: Sequence[str],
    *, now: datetime,
) -> None:  # fmt: skip
    """Raises CertificateError when the first of `chain` cannot serve these names and addresses with this key."""
    if not chain:
        raise CertificateError("there is no certificate in this file")
    leaf = chain[0]
    if not belongs_to(leaf, key):
        raise CertificateError("the certificate belongs to another key; the server's certificate must come first")
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
        raise CertificateError(
            f"valid only from {leaf.not_valid_before_utc:%Y-%m-%d} to {leaf.not_valid_after_utc:%Y-%m-%d}"
        )
    missing = uncovered(leaf, names, addresses)
    if missing:
        raise CertificateError(f"the certificate does not name {', '.join(missing)}")
    for below, above in pairwise(chain):
        try:
            below.verify_directly_issued_by(above)
        except Exception as error:  # any of cryptography's reasons means: not this issuer
            raise CertificateError(
                "the chain is out of order: each certificate must be followed by its issuer"
            ) from error


def uncovered(leaf: x509.Certificate, names: Sequence[str], addresses: Sequence[str]) -> list[str]:
    """Names and addresses that the certificate does not stand for."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [*names, *addresses]
    patterns = [name.lower() for name in found.get_values_for_type(x509.DNSName)]
    numeric = set(found.get_values_for_type(x509.IPAddress))
    wrong = [name for name in names if not any(_matches(name.lower(), pattern) for pattern in patterns)]
    return wrong + [text for text in addresses if ipaddress.ip_address(text.partition("%")[0]) not in numeric]


def is_current(
    leaf: x509.Certificate, issuer: x509.Certificate, names: Sequence[str], addresses: Sequence[str], *, now: datetime
) -> bool:
    """Whether the certificate is of this CA, names everything, and lasts for another 30 days."""
    return (
        leaf.issuer == issuer.subject
        and leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc - timedelta(days=RENEW_DAYS)
        and not uncovered(leaf, names, addresses)
    )


def _matches(name: str, pattern: str) -> bool:
    # RFC 9525 6.3: a wildcard is the whole leftmost label.
    return name == pattern or (
        pattern.startswith("*.") and name.partition(".")[2] == pattern[2:] and "." in pattern[2:]
    )


def belongs_to(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    """Whether the certificate was made for this key."""
    return _public_bytes(certificate.public_key()) == _public_bytes(key.public_key())


def _public_bytes(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]  # every public key of a certificate has it
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded
