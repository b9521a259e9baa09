"""Certificates of two authorities, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.auth8021x import certificates as made


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the server, vt1 and some more: see certificates.py."""
    folder = tmp_path_factory.mktemp("dot1x")
    made.make(folder, "vt1")
    return folder
