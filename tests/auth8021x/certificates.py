"""Certificates of two authorities, as `drumtower dot1x certificates` makes them; some are of no use to anybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from crypto.network_certificates import LEAF_DAYS, NetworkCertificates

PASSWORD = b"of the keys that stay here"
SERVER_NAME = "radius.ward.example"
OTHER, EXPIRED_SERVER = "other", "of-last-year"
"""Folders: of an authority that nobody trusts, and of one whose server has an expired certificate."""


def make(folder: Path, device: str) -> None:
    """ca and server; `device`, stranger (in no book) and expired; OTHER has a ca and a `device` of its own."""
    now = datetime.now(UTC)
    made = NetworkCertificates(folder, PASSWORD)
    made.ensure_authority(now)
    made.ensure_server(SERVER_NAME, now)
    made.make_client(device, now)
    made.make_client("stranger", now)
    made.make_client("expired", now - timedelta(days=10), days=3)
    other = NetworkCertificates(folder / OTHER, PASSWORD)
    other.ensure_authority(now)
    other.make_client(device, now)


def make_expired_server(folder: Path) -> None:
    """EXPIRED_SERVER: ca, and a server whose time is over."""
    now = datetime.now(UTC)
    old = NetworkCertificates(folder / EXPIRED_SERVER, PASSWORD)
    old.ensure_authority(now)
    old.ensure_server(SERVER_NAME, now - timedelta(days=LEAF_DAYS + 1))
