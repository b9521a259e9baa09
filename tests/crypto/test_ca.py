"""Certificates: our own CA really serves TLS, renews when due, and the hospital's answer is checked."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crypto.ca import CertificateError, PrivateCa, from_files
from crypto.certificates import alternative_names, read_chain, uncovered
from crypto.keys import MasterKey, generate

NOW = datetime.now(UTC)
NAMES, ADDRESSES = ["drum.hospital.example"], ["192.0.2.1", "2001:db8::1"]
MASTER = MasterKey(bytes(32))


def handshake(server: ssl.SSLContext, authority: Path, name: str) -> None:
    """A TLS handshake in memory, the client checking name and chain."""
    client = ssl.create_default_context(cafile=str(authority))
    pipes = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(pipes[0], pipes[1], server_hostname=name),
        server.wrap_bio(pipes[1], pipes[0], server_side=True),
    ]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ends[0].version() == "TLSv1.3"


@pytest.mark.parametrize("name", [*NAMES, *ADDRESSES])
def test_serves_tls(tmp_path: Path, name: str) -> None:
    authority = PrivateCa(tmp_path / "tls", MASTER)
    found = authority.ensure(NAMES, ADDRESSES, now=NOW)
    handshake(found.context(), authority.certificate_path, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(found.context(), authority.certificate_path, "other.example")


def test_made_once_and_keys_are_encrypted(tmp_path: Path) -> None:
    first = PrivateCa(tmp_path, MASTER).ensure(NAMES, ADDRESSES, now=NOW)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert PrivateCa(tmp_path, MASTER).ensure(NAMES, ADDRESSES, now=NOW) == first
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name in ("ca.key", "server.key"):
        assert b"ENCRYPTED" in before[name]
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert first.password is not None
    assert first.password.decode() not in repr(first)
    with pytest.raises(CertificateError):
        PrivateCa(tmp_path, generate()).ensure(NAMES, ADDRESSES, now=NOW)


@pytest.mark.parametrize(
    ("names", "addresses", "later", "is_new"),
    [
        (NAMES, ADDRESSES, timedelta(days=700), False),
        (NAMES, ADDRESSES, timedelta(days=800), True),
        (NAMES, [*ADDRESSES, "192.0.2.9"], timedelta(), True),
        ([*NAMES, "other.example"], ADDRESSES, timedelta(), True),
        ([], ["192.0.2.1"], timedelta(), False),
    ],
)
def test_renewed_when_due(
    tmp_path: Path, names: list[str], addresses: list[str], later: timedelta, is_new: bool
) -> None:
    first = PrivateCa(tmp_path, MASTER).ensure(NAMES, ADDRESSES, now=NOW)
    before = (tmp_path / "server.pem").read_bytes()
    again = PrivateCa(tmp_path, MASTER).ensure(names, addresses, now=NOW + later)
    assert ((tmp_path / "server.pem").read_bytes() != before) is is_new
    # What users trusted stays the same.
    assert again.fingerprint == first.fingerprint


def hospital(
    public: ec.EllipticCurvePublicKey, names: list[str], addresses: list[str], start: datetime, days: int
) -> bytes:
    """What the hospital's own CA answers: the server's certificate and its chain."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hospital CA")])

    def certificate(subject: x509.Name, of: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(of)
        return (
            builder.serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
        )

    top = certificate(issuer, key.public_key()).sign(key, hashes.SHA256())
    leaf = certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "drum")]), public)
    leaf = leaf.add_extension(alternative_names(names, addresses), critical=False)
    signed = leaf.sign(key, hashes.SHA256())
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (signed, top))


def test_request_and_answer(tmp_path: Path) -> None:
    authority = PrivateCa(tmp_path / "tls", MASTER)
    request = x509.load_pem_x509_csr(authority.request(NAMES, ADDRESSES).read_bytes())
    assert request.is_signature_valid
    assert request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value == alternative_names(
        NAMES, ADDRESSES
    )
    public = request.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    answer = tmp_path / "answer.pem"
    answer.write_bytes(hospital(public, NAMES, ADDRESSES, NOW - timedelta(days=1), 90))
    installed = authority.import_answer(answer, NAMES, ADDRESSES, now=NOW)
    assert not installed.is_private_ca
    assert authority.ensure(NAMES, ADDRESSES, now=NOW) == installed
    (tmp_path / "hospital.pem").write_bytes(answer.read_bytes())
    assert b"ENCRYPTED" in (tmp_path / "tls" / "imported.key").read_bytes()
    installed.context()


@pytest.mark.parametrize(
    ("names", "start", "days", "is_own_key", "words"),
    [
        (NAMES, -1, 90, False, "another key"),
        (["*.hospital.example"], -1, 90, True, ""),
        (["other.example"], -1, 90, True, "does not name drum.hospital.example"),
        (["*.example"], -1, 90, True, "does not name drum.hospital.example"),
        (NAMES, -100, 90, True, "valid only"),
        (NAMES, 5, 90, True, "valid only"),
    ],
)
def test_answers_are_checked(
    tmp_path: Path, names: list[str], start: int, days: int, is_own_key: bool, words: str
) -> None:
    authority = PrivateCa(tmp_path / "tls", MASTER)
    public = x509.load_pem_x509_csr(authority.request(NAMES, ADDRESSES).read_bytes()).public_key()
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    answer = tmp_path / "answer.pem"
    answer.write_bytes(hospital(public if is_own_key else other, names, ADDRESSES, NOW + timedelta(days=start), days))
    if not words:
        authority.import_answer(answer, NAMES, ADDRESSES, now=NOW)
        return
    with pytest.raises(CertificateError, match=words.replace(".", r"\.")):
        authority.import_answer(answer, NAMES, ADDRESSES, now=NOW)
    assert authority.installed() is None


@pytest.mark.parametrize("content", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_rubbish_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pem"
    path.write_bytes(content)
    with pytest.raises(CertificateError):
        PrivateCa(tmp_path / "tls", MASTER).import_answer(path, NAMES, ADDRESSES, now=NOW)
    with pytest.raises(CertificateError):
        from_files(path, path, now=NOW)


def test_chain_out_of_order_is_refused(tmp_path: Path) -> None:
    authority = PrivateCa(tmp_path / "tls", MASTER)
    public = x509.load_pem_x509_csr(authority.request(NAMES, ADDRESSES).read_bytes()).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    leaf = read_chain(hospital(public, NAMES, ADDRESSES, NOW - timedelta(days=1), 90))[0]
    stranger = read_chain(hospital(public, NAMES, ADDRESSES, NOW - timedelta(days=1), 90))[1]
    answer = tmp_path / "answer.pem"
    answer.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf, stranger)))
    with pytest.raises(CertificateError, match="order"):
        authority.import_answer(answer, NAMES, ADDRESSES, now=NOW)


def test_files_of_the_administrator(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate, key_path = tmp_path / "c.pem", tmp_path / "k.pem"
    certificate.write_bytes(hospital(key.public_key(), NAMES, ADDRESSES, NOW - timedelta(days=1), 90))
    form = serialization.PrivateFormat.PKCS8
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    assert from_files(certificate, key_path, now=NOW).context()
    assert uncovered(read_chain(certificate.read_bytes())[0], NAMES, ["192.0.2.77"]) == ["192.0.2.77"]
