"""Certificates of two authorities, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.auth8021x import certificates as made
from tests.databases import migrated as migrated
from tests.databases import new_databases_have_tables as new_databases_have_tables


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the server, vt1 and some more: see certificates.py."""
    folder = tmp_path_factory.mktemp("dot1x")
    made.make(folder, "vt1")
    return folder
