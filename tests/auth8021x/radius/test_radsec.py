"""The TLS side of RadSec: both ends prove who they are, and a key that others may read is not used."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import pytest

from auth8021x.radius.radsec import tls_context


def paths(folder: Path, name: str = "vt1") -> tuple[str, str, str]:
    return str(folder / "ca.pem"), str(folder / f"{name}.pem"), str(folder / f"{name}.key")


def test_the_server_has_to_prove_its_name(certificates: Path):
    context = tls_context(*paths(certificates))
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_key_that_others_may_read_is_not_used(certificates: Path, tmp_path: Path):
    for file in paths(certificates):
        shutil.copy(file, tmp_path)
    (tmp_path / "vt1.key").chmod(0o640)
    with pytest.raises(OSError, match=r"mode 0640.*chmod 600"):
        tls_context(*paths(tmp_path))


def test_for_an_encrypted_key_nobody_is_asked(certificates: Path):
    with pytest.raises(ssl.SSLError):
        tls_context(*paths(certificates, "server"))
