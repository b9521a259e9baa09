"""Registrations in the database, over a restart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from config.store import StoreSettings
from signaling.h323.registry.registration_store import KeptRegistrations
from store.bindings import KeptBinding
from store.database import Database
from tests.signaling.h323.registry.test_accounts import registration


async def test_who_was_registered_is_known_again(tmp_path: Path, caplog) -> None:
    url = f"sqlite:///{tmp_path / 'drumtower.db'}"
    database = Database(url, StoreSettings(batch_s=60.0))
    await database.open()
    store = KeptRegistrations(database.endpoints)
    ward, guest, gone = (replace(registration(name, name), identifier=name) for name in ("ward-3", "", "gone"))
    store.put(ward)
    store.put(guest)
    store.put(gone)
    store.remove("gone")
    store.put(replace(ward, refreshed_at=100.0))
    database.endpoints.put(KeptBinding("other", "", 900.0, "{}"))
    await database.close()
    again = Database(url)
    await again.open()
    # One has long outlived its time, one was written by another version of the program.
    assert await KeptRegistrations(again.endpoints).load(now=450.0) == [replace(ward, refreshed_at=100.0)]
    assert "endpoint=other a kept registration cannot be read" in caplog.text
    await again.close()
