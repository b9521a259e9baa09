"""Users and devices from the store: sealed, opened, switched off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auth8021x.eapserver.account import Account, Book
from auth8021x.eapserver.stored_book import StoredBook, SupplicantOffice
from crypto.keys import generate
from crypto.nt_hash import NtHash
from crypto.secret import Secret
from store.database import Database
from store.errors import Invalid
from store.supplicants import Supplicant

MAC = "02:00:5e:00:53:01"
MASTER = generate()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/drumtower.db")
    await made.open()
    yield made
    await made.close()


async def test_what_was_made_is_known(database: Database):
    office, book = SupplicantOffice(database.supplicants, MASTER), StoredBook(database.supplicants, MASTER)
    await office.add("VT1", "video", None, Secret("vtpass-1"), may_bypass=False, has_md5=True)
    await office.add("cart-7", "", MAC, None, may_bypass=True, has_md5=False)
    await book.start()
    user, device = book.account("vt1"), book.device(bytes.fromhex("02005e005301"))
    assert user is not None
    assert (user.identity, user.group, user.nt_hash) == ("VT1", "video", NtHash.of("vtpass-1"))
    assert user.password == "vtpass-1"
    assert device is not None
    assert device is book.account("CART-7")
    assert (device.may_bypass, device.nt_hash, device.password) == (True, None, None)
    await office.set_password("vt1", Secret("vtpass-2"), has_md5=False)
    await book.refresh()
    user = book.account("vt1")
    assert user is not None
    assert (user.nt_hash, user.password) == (NtHash.of("vtpass-2"), None)
    await office.enable("vt1", False)
    await office.remove("cart-7")
    await book.refresh()
    assert (book.account("vt1"), book.account("cart-7"), book.device(bytes.fromhex("02005e005301"))) == (None,) * 3
    await book.stop()


async def test_a_hash_that_was_moved_to_another_name_opens_nothing(
    database: Database, caplog: pytest.LogCaptureFixture
):
    sealed = NtHash.of("vtpass-1").seal(MASTER, "vt1")
    await database.supplicants.add(Supplicant("vt2", nt_hash=sealed))
    await database.supplicants.add(Supplicant("vt1", nt_hash=sealed))
    book = StoredBook(database.supplicants, MASTER)
    await book.refresh()
    assert book.account("vt2") is None
    assert book.account("vt1") is not None
    assert "vt2" in caplog.text


@pytest.mark.parametrize("password", ["", "short", "x" * 129, "with\nline"])
async def test_passwords_that_are_none(database: Database, password: str):
    office = SupplicantOffice(database.supplicants, MASTER)
    with pytest.raises(Invalid):
        await office.add("vt1", "", None, Secret(password), may_bypass=False, has_md5=False)


async def test_who_changes_is_told_of(database: Database):
    office, book = SupplicantOffice(database.supplicants, MASTER), StoredBook(database.supplicants, MASTER)
    told: list[tuple[Account | None, Account | None]] = []

    async def changed(before: Book, after: Book) -> None:
        told.append((before.account("vt1"), after.account("vt1")))

    await office.add("vt1", "video", None, None, may_bypass=False, has_md5=False)
    await book.refresh()
    book.observe(changed)
    await book.refresh()
    assert told == [], "nothing is another"
    assert (await office.set_group("VT1", "ward")).group_name == "ward"
    await book.refresh()
    await office.enable("vt1", False)
    await book.refresh()
    assert told == [(Account("vt1", "video"), Account("vt1", "ward")), (Account("vt1", "ward"), None)]


async def test_who_is_switched_off_is_off_whatever_failed_before(database: Database, caplog: pytest.LogCaptureFixture):
    office = SupplicantOffice(database.supplicants, MASTER)
    await office.add("vt1", "", None, Secret("vtpass-1"), may_bypass=False, has_md5=False)
    book, failed, is_off = StoredBook(database.supplicants, MASTER, recheck_s=0.005), asyncio.Event(), asyncio.Event()

    async def changed(_before: Book, after: Book) -> None:
        if after.account("vt1") is None:
            is_off.set()
            return
        failed.set()
        raise RuntimeError("somebody who is told")

    await book.start()
    book.observe(changed)
    async with asyncio.timeout(10):
        await office.set_group("vt1", "carts")
        await failed.wait()
        await office.enable("vt1", False)
        await is_off.wait()
    assert "somebody who is told" in caplog.text
    await book.stop()
