"""Disks that are synced often: what is waited for here is that it happens, not when."""

import pytest

from recorder import appender


@pytest.fixture(autouse=True)
def _synced_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appender, "SYNC_INTERVAL_S", 0.05)
