"""HTTPS without a public CA: a private CA made once, the server's certificate, a request for the hospital's own CA."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from crypto.certificates import (
    MAX_PEM_BYTES,
    CertificateError,
    alternative_names,
    belongs_to,
    check_certificate,
    fingerprint,
    is_current,
    read_chain,
    read_key,
    write_file,
    write_key,
)
from crypto.keys import MasterKey

__all__ = ["CertificateError", "PrivateCa", "ServerCertificate", "from_files"]

CA_DAYS: Final = 3650
# Apple's platforms refuse server certificates that are valid for longer, those of private CAs included.
SERVER_DAYS: Final = 820
# Clocks of terminals run behind.
_BACKDATE: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """Files for an ssl.SSLContext."""

    certificate: Path
    """PEM, the server's certificate first, then its chain."""
    key: Path
    password: bytes | None = field(repr=False)
    """Of the key file, derived from the master key; None for a key file that is not encrypted."""
    fingerprint: str
    """SHA-256 of what users have to trust: the CA, or the imported certificate."""
    expires_at: datetime
    is_private_ca: bool

    def context(self) -> ssl.SSLContext:
        """A server's context: TLS 1.2 and later. Raises CertificateError."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load_into(context)
        return context

    def load_into(self, context: ssl.SSLContext) -> None:
        """Show this certificate from the next handshake on. Raises CertificateError."""
        try:
            # Without any password OpenSSL would ask the terminal.
            context.load_cert_chain(self.certificate, self.key, self.password or b"")
        except (OSError, ssl.SSLError) as error:
            raise CertificateError(f"{self.certificate}: not usable with {self.key}: {error}") from None


def from_files(certificate: Path, key: Path, *, now: datetime) -> ServerCertificate:
    """A certificate and key that the administrator keeps. Raises CertificateError."""
    try:
        chain = read_chain(certificate.read_bytes())
        check_certificate(chain, read_key(key, None), (), (), now=now)
    except (OSError, ValueError, TypeError) as error:
        raise CertificateError(f"{certificate}, {key}: {error}") from None
    return ServerCertificate(certificate, key, None, fingerprint(chain[0]), chain[0].not_valid_after_utc, False)


class PrivateCa:
    """The CA of one installation, in a directory; its keys are encrypted under the master key."""

    def __init__(self, directory: Path, master: MasterKey) -> None:
        self._directory = directory
        self._password = master.derive("tls-keys").hex().encode()

    @property
    def certificate_path(self) -> Path:
        """What browsers and terminals import."""
        return self._directory / "ca.pem"

    def ensure(self, names: Sequence[str], addresses: Sequence[str], *, now: datetime) -> ServerCertificate:
        """The imported certificate, else one of this CA for these DNS names and addresses, made or renewed when due.

        Raises CertificateError.
        """
        try:
            return self.installed() or self._ensure(names, addresses, now)
        except (OSError, ValueError, TypeError) as error:
            raise CertificateError(f"{self._directory}: certificates cannot be read or made: {error}") from None

    def request(self, names: Sequence[str], addresses: Sequence[str]) -> Path:
        """Write a signing request (RFC 2986) for the hospital's CA; its key stays here. Raises CertificateError."""
        try:
            common_name = x509.NameAttribute(NameOID.COMMON_NAME, [*names, *addresses, "drumtower"][0][:64])
            builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([common_name]))
            builder = builder.add_extension(alternative_names(names, addresses), critical=False)
            signed = builder.sign(self._key("request.key"), hashes.SHA256())
            path = self._directory / "request.csr"
            write_file(path, signed.public_bytes(serialization.Encoding.PEM), 0o644)
        except (OSError, ValueError, TypeError) as error:
            raise CertificateError(f"{self._directory}: no request can be made: {error}") from None
        return path

    def import_answer(
        self,
        certificate: Path,
        names: Sequence[str],
        addresses: Sequence[str],
        *,
        now: datetime,
        key: Path | None = None,
    ) -> ServerCertificate:
        """Take over the answer to request(), or a certificate with its own key file; ensure() gives it then.

        Raises CertificateError when it does not fit key, dates, names or addresses.
        """
        try:
            data = certificate.read_bytes()[:MAX_PEM_BYTES]
            private = read_key(key, None) if key else self._key("request.key")
            check_certificate(read_chain(data), private, names, addresses, now=now)
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_key(self._directory / "imported.key", private, self._password)
            write_file(self._directory / "imported.pem", data, 0o644)
        except (OSError, ValueError, TypeError) as error:
            raise CertificateError(f"{certificate}: cannot be imported: {error}") from None
        return self.ensure(names, addresses, now=now)

    def installed(self) -> ServerCertificate | None:
        """The imported certificate, where there is one. Raises CertificateError."""
        path = self._directory / "imported.pem"
        if not path.exists():
            return None
        try:
            leaf = read_chain(path.read_bytes())[0]
        except (OSError, ValueError) as error:
            raise CertificateError(f"{path}: cannot be read: {error}") from None
        key = self._directory / "imported.key"
        return ServerCertificate(path, key, self._password, fingerprint(leaf), leaf.not_valid_after_utc, False)

    def _ensure(self, names: Sequence[str], addresses: Sequence[str], now: datetime) -> ServerCertificate:
        path, key = self._directory / "server.pem", self._directory / "server.key"
        authority = self._authority(now)
        leaf = read_chain(path.read_bytes())[0] if path.exists() and key.exists() else None
        if leaf is None or not is_current(leaf, authority, names, addresses, now=now):
            leaf = self._issue(authority, alternative_names(names, addresses), now)
        return ServerCertificate(path, key, self._password, fingerprint(authority), leaf.not_valid_after_utc, True)

    def _authority(self, now: datetime) -> x509.Certificate:
        key = self._key("ca.key")
        if self.certificate_path.exists():
            found = read_chain(self.certificate_path.read_bytes())[0]
            if belongs_to(found, key):
                return found
        # The number tells the CAs of several installations apart in a browser's list.
        name = _name(f"Drumtower CA {secrets.token_hex(3)}")
        builder = _builder(name, name, key.public_key(), now, CA_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(is_ca=True), critical=True)
        signed = builder.sign(key, hashes.SHA256())
        write_file(self.certificate_path, signed.public_bytes(serialization.Encoding.PEM), 0o644)
        return signed

    def _issue(self, authority: x509.Certificate, san: x509.SubjectAlternativeName, now: datetime) -> x509.Certificate:
        ca_key, key = self._key("ca.key"), ec.generate_private_key(ec.SECP256R1())
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
        builder = _builder(_name("Drumtower"), authority.subject, key.public_key(), now, SERVER_DAYS)
        builder = builder.add_extension(san, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(is_ca=False), critical=True)
        # Trunks with mutual TLS see it in our calls, too.
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        signed = builder.add_extension(issuer_id, critical=False).sign(ca_key, hashes.SHA256())
        write_key(self._directory / "server.key", key, self._password)
        chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (signed, authority))
        write_file(self._directory / "server.pem", chain, 0o644)
        return signed

    def _key(self, name: str) -> ec.EllipticCurvePrivateKey:
        path = self._directory / name
        if not path.exists():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_key(path, ec.generate_private_key(ec.SECP256R1()), self._password)
        key = read_key(path, self._password)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise CertificateError(f"{path} was not made by this server")
        return key


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=is_ca, crl_sign=is_ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip
