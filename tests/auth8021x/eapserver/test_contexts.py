"""Contexts of TLS: what is refused at the start, and renewed certificates."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from auth8021x.eapserver.contexts import TlsContexts, TlsFiles
from crypto.certificates import CertificateError
from tests.auth8021x.certificates import PASSWORD


@pytest.fixture
def files(certificates: Path, tmp_path: Path) -> TlsFiles:
    for name in ("server.pem", "server.key", "ca.pem"):
        shutil.copy2(certificates / name, tmp_path / name)
    return TlsFiles(tmp_path / "server.pem", tmp_path / "server.key", tmp_path / "ca.pem", PASSWORD)


def test_a_context_lasts_for_so_many_handshakes(files: TlsFiles):
    contexts = TlsContexts(files, 2)
    first = [contexts.take(True) for _ in range(4)]
    assert first[0] is first[1] is not first[2]
    assert first[2] is first[3]
    assert contexts.take(False) not in first


def test_a_certificate_that_cannot_be_read_later_changes_nothing(files: TlsFiles, caplog: pytest.LogCaptureFixture):
    contexts = TlsContexts(files, 1)
    first = contexts.take(True)
    files.certificate.unlink()
    assert contexts.take(True) is first
    assert "stays as it was" in caplog.text


@pytest.mark.parametrize("name", ["server.pem", "server.key", "ca.pem"])
def test_without_a_file_the_start_says_what_to_do(files: TlsFiles, name: str):
    (files.key.parent / name).unlink()
    with pytest.raises(CertificateError, match="drumtower dot1x certificates"):
        TlsContexts(files, 1)


def test_a_key_that_others_may_read_is_refused(files: TlsFiles):
    files.key.chmod(0o640)
    with pytest.raises(CertificateError, match="chmod 600"):
        TlsContexts(files, 1)


def test_a_key_under_another_password_is_refused(files: TlsFiles):
    with pytest.raises(CertificateError):
        TlsContexts(TlsFiles(files.certificate, files.key, files.client_ca, b"another"), 1)
