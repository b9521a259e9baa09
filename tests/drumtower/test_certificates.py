"""One certificate for HTTPS and SIP, renewed without a restart."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from config.settings import Settings, load
from crypto.ca import CertificateError, PrivateCa
from crypto.certificates import read_key
from crypto.keys import MasterKey
from drumtower.certificates import Certificates

MASTER = MasterKey(bytes(range(32)))


def make(folder: Path, **environ: str) -> Settings:
    base = {"HOME": str(folder / "home"), "DRUMTOWER_SERVER_DATA": str(folder / "data")}
    return load(None, {**base, **{f"DRUMTOWER_{key.upper()}": value for key, value in environ.items()}})


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes:
    """The certificate that the server shows, DER; raises where the client does not believe it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (ours, theirs):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    shown = ours.getpeercert(binary_form=True)
    assert shown is not None
    return shown


@pytest.mark.parametrize(
    ("environ", "has_https", "has_tls"),
    [
        ({}, False, False),
        ({"sip_tls": "on"}, False, True),
        ({"server_https": "on"}, True, True),
        ({"server_https": "on", "sip_tls": "off"}, True, False),
    ],
)
def test_who_speaks_tls(tmp_path: Path, environ: dict[str, str], has_https: bool, has_tls: bool):
    certificates = Certificates(make(tmp_path, **environ), MASTER)
    https, sip = certificates.https(), certificates.sip()
    assert (https is not None, sip.server is not None) == (has_https, has_tls)
    assert (certificates.of_server is not None) == has_https
    for server in filter(None, (https, sip.server)):
        assert handshake(server, sip.client)


async def test_an_import_is_shown_by_the_running_server(tmp_path: Path):
    certificates = Certificates(make(tmp_path, server_https="on"), MASTER)
    https, sip = certificates.https(), certificates.sip()
    assert https is not None and sip.server is not None
    before = handshake(sip.server, sip.client)
    assert not await certificates.refresh()
    assert not await certificates.refresh(is_renewal_due=True)

    hospital = PrivateCa(tmp_path / "hospital", MASTER)
    now = datetime.now(UTC)
    issued = hospital.ensure((), ("127.0.0.1",), now=now)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key = tmp_path / "key.pem"
    key.write_bytes(read_key(issued.key, issued.password).private_bytes(*form))
    PrivateCa(tmp_path / "data" / "tls", MASTER).import_answer(issued.certificate, (), ("127.0.0.1",), now=now, key=key)
    assert await certificates.refresh()
    client = ssl.create_default_context(cafile=str(hospital.certificate_path))
    shown = {handshake(context, client) for context in (https, sip.server)}
    assert len(shown) == 1 and before not in shown
    assert certificates.of_server is not None and not certificates.of_server.is_private_ca


async def test_a_faulty_file_leaves_the_old_certificate(tmp_path: Path, caplog):
    settings = make(tmp_path, server_https="on")
    certificates = Certificates(settings, MASTER)
    sip = certificates.sip()
    assert sip.server is not None
    before = handshake(sip.server, sip.client)
    (tmp_path / "data" / "tls" / "imported.pem").write_text("rubbish")
    assert not await certificates.refresh()
    assert not await certificates.refresh()
    assert caplog.text.count("stays as it was") == 1
    assert handshake(sip.server, sip.client) == before


def test_authorities_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "a.pem").write_text("rubbish")
    with pytest.raises(CertificateError):
        Certificates(make(tmp_path, sip_tls_authorities=str(tmp_path / "a.pem")), MASTER).sip()
