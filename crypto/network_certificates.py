"""Certificates for 802.1X (RFC 5216 5.3): a CA of its own, the RADIUS server's, and one for each device.

It is another CA than that of the web pages: whoever it has signed for may come into the network.
"""

from __future__ import annotations

import os
import re
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from crypto.certificates import CertificateError, fingerprint, read_chain, read_key
from crypto.keys import MasterKey

CA_DAYS: Final = 3650
LEAF_DAYS: Final = 820
_KEY_BITS: Final = 2048
"""RSA, since many terminals in clinics know no other."""
_BACKDATE: Final = timedelta(hours=24)
"""Clocks of terminals run behind."""
_MODE: Final = 0o600
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*\Z")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,63}\Z")


def key_password(master: MasterKey) -> bytes:
    """What the keys of the authority and the server are encrypted with."""
    return master.derive("dot1x-keys").hex().encode()


class NetworkCertificates:
    """In one folder: ca, server, and NAME for each device, each .pem and .key. No file is ever written over."""

    def __init__(self, folder: Path, password: bytes) -> None:
        """`password` encrypts the keys that stay here: of the CA and of the server."""
        self._folder = folder
        self._password = password

    @property
    def authority(self) -> Path:
        """What terminals have to trust."""
        return self._folder / "ca.pem"

    def ensure_authority(self, now: datetime) -> bool:
        """Make the CA where there is none; whether it was made. Raises CertificateError, OSError."""
        if self._is_there("ca"):
            return False
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = _key()
        name = _named(f"Drumtower 802.1X {secrets.token_hex(4)}")
        made = (
            _builder(name, name, key, now, CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._write("ca", made, key, is_ours=True)
        return True

    def ensure_server(self, host: str, now: datetime) -> bool:
        """Make the certificate of the RADIUS server where there is none; whether it was made."""
        if self._is_there("server"):
            return False
        if not _HOST.match(host):
            raise CertificateError(f"{host}: this is no host name")
        self._issue("server", host, ExtendedKeyUsageOID.SERVER_AUTH, now, LEAF_DAYS, is_ours=True)
        return True

    def make_client(self, identity: str, now: datetime, days: int = LEAF_DAYS) -> Path:
        """Make the certificate of a device. Raises CertificateError, also where there is one already."""
        if not _NAME.match(identity) or identity in ("ca", "server"):
            raise CertificateError(f"{identity}: a name has up to 64 letters, digits, and . _ - @")
        if self._is_there(identity):
            raise CertificateError(f"{self._folder / identity}.pem is there already; move it away for a new one")
        self._issue(identity, identity, ExtendedKeyUsageOID.CLIENT_AUTH, now, days, is_ours=False)
        return self._folder / f"{identity}.pem"

    def describe(self, name: str) -> str:
        """Fingerprint and end of a certificate, for people."""
        found = self._read(name)
        return f"SHA-256 {fingerprint(found)}, until {found.not_valid_after_utc:%Y-%m-%d}"

    def _issue(
        self, file: str, name: str, usage: ObjectIdentifier, now: datetime, days: int, *, is_ours: bool
    ) -> None:  # fmt: skip
        authority = self._read("ca")
        try:
            signer = read_key(self._folder / "ca.key", self._password)
        except (OSError, ValueError, TypeError) as error:
            raise CertificateError(f"{self._folder / 'ca.key'}: the key of the CA cannot be read: {error}") from None
        if not isinstance(signer, rsa.RSAPrivateKey):
            raise CertificateError(f"{self._folder / 'ca.key'}: not the key that was made here")
        key = _key()
        alternative: x509.GeneralName = x509.RFC822Name(name) if "@" in name else x509.DNSName(name)
        made = (
            _builder(_named(name), authority.subject, key, now, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .sign(signer, hashes.SHA256())
        )
        self._write(file, made, key, is_ours=is_ours)

    def _is_there(self, name: str) -> bool:
        return any((self._folder / f"{name}{ending}").exists() for ending in (".pem", ".key"))

    def _read(self, name: str) -> x509.Certificate:
        path = self._folder / f"{name}.pem"
        try:
            return read_chain(path.read_bytes())[0]
        except (OSError, ValueError, IndexError) as error:
            raise CertificateError(f"{path}: cannot be read: {error}") from None

    def _write(self, name: str, made: x509.Certificate, key: rsa.RSAPrivateKey, *, is_ours: bool) -> None:
        hidden = serialization.BestAvailableEncryption(self._password) if is_ours else serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        write_new(self._folder / f"{name}.key", key.private_bytes(serialization.Encoding.PEM, form, hidden))
        write_new(self._folder / f"{name}.pem", made.public_bytes(serialization.Encoding.PEM))


def write_new(path: Path, data: bytes) -> None:
    """A file (mode 0600) that must not be there yet. Raises FileExistsError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


def _named(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        .serial_number(x509.random_serial_number()).not_valid_before(now - _BACKDATE)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )  # fmt: skip


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_encipherment=not signs_certificates,
        key_cert_sign=signs_certificates, crl_sign=signs_certificates, content_commitment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
