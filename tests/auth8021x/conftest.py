"""Certificates of two authorities, made once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crypto.network_certificates import NetworkCertificates

PASSWORD = b"of the keys that stay here"
SERVER_NAME = "radius.ward.example"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca, server, vt1, expired; foreign/ has another CA and its vt1."""
    folder, now = tmp_path_factory.mktemp("dot1x"), datetime.now(UTC)
    made = NetworkCertificates(folder, PASSWORD)
    made.ensure_authority(now)
    made.ensure_server(SERVER_NAME, now)
    made.make_client("vt1", now)
    made.make_client("stranger", now)
    made.make_client("expired", now - timedelta(days=10), days=3)
    other = NetworkCertificates(folder / "foreign", PASSWORD)
    other.ensure_authority(now)
    other.make_client("vt1", now)
    return folder
