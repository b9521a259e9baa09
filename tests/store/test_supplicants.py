"""Users and devices of 802.1X."""

from __future__ import annotations

import pytest

from store.database import Database
from store.errors import AlreadyExists, Invalid, NotFound
from store.supplicants import Supplicant

MAC = "02:00:5e:00:53:01"


async def test_supplicants(database: Database) -> None:
    supplicants = database.supplicants
    empty = await supplicants.version()
    cart = await supplicants.add(Supplicant("Cart-7", "video", MAC, b"sealed", b"clear", may_bypass=True))
    assert await supplicants.get("cart-7") == cart
    assert b"sealed" not in repr(cart).encode()
    assert b"clear" not in repr(cart).encode()
    for other in (Supplicant("CART-7"), Supplicant("cart-8", mac=MAC)):
        with pytest.raises(AlreadyExists):
            await supplicants.add(other)
    await supplicants.add(Supplicant("1001"))
    await supplicants.add(Supplicant("1002"))
    assert [each.identity for each in await supplicants.all()] == ["1001", "1002", "Cart-7"]
    before = await supplicants.version()
    assert before != empty
    assert not (await supplicants.enable("cart-7", False)).is_enabled
    assert (await supplicants.set_group("CART-7", "ward")).group_name == "ward"
    with pytest.raises(Invalid):
        await supplicants.set_group("cart-7", "Ward")
    assert await supplicants.version() != before
    before = await supplicants.version()
    changed = await supplicants.set_credentials("CART-7", b"new", None)
    assert (changed.nt_hash, changed.password, changed.created_at) == (b"new", None, cart.created_at)
    assert await supplicants.version() != before
    with pytest.raises(NotFound):
        await supplicants.enable("nobody", True)
    assert [await supplicants.delete("1001"), await supplicants.delete("1001")] == [True, False]


@pytest.mark.parametrize(
    "supplicant",
    [
        Supplicant(""), Supplicant(" a"), Supplicant("a\n"), Supplicant("x" * 254), Supplicant("中" * 85),
        Supplicant("a", "Video"), Supplicant("a", "x" * 33), Supplicant("a", mac="0200.5e00.5301"),
        Supplicant("a", may_bypass=True),
    ],
)  # fmt: skip
async def test_what_is_refused(database: Database, supplicant: Supplicant) -> None:
    with pytest.raises(Invalid):
        await database.supplicants.add(supplicant)
