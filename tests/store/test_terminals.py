"""Terminals, and the bindings that follow the registrar's memory in batches."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from config.store import StoreSettings
from store.bindings import KeptBinding
from store.database import Database
from store.errors import AlreadyExists, Invalid, NotFound, Outdated
from store.terminals import Terminal


async def test_terminals(database: Database) -> None:
    terminals = database.terminals
    ward = await terminals.add(Terminal("ward-3", "Ward 3", b"sealed", site="North"))
    assert await terminals.get("ward-3") == ward
    assert b"sealed" not in repr(ward).encode()
    with pytest.raises(AlreadyExists):
        await terminals.add(Terminal("ward-3", "Other", b""))
    await terminals.add(Terminal("1001", "手术室", b"x"))
    assert [terminal.alias for terminal in await terminals.all()] == ["1001", "ward-3"]
    changed = await terminals.change("ward-3", name="Ward 4", is_enabled=False)
    assert (changed.name, changed.site, changed.secret, changed.is_enabled) == ("Ward 4", "North", b"sealed", False)
    assert changed.created_at == ward.created_at
    assert (await terminals.change("ward-3", secret=b"new")).secret == b"new"
    assert [terminal.alias for terminal in await terminals.page("1001", 1)] == ["ward-3"]
    assert await terminals.page("ward-3", 1) == []
    assert await terminals.get("nobody") is None
    with pytest.raises(NotFound):
        await terminals.change("nobody", name="x")
    assert [await terminals.delete("1001"), await terminals.delete("1001")] == [True, False]


@pytest.mark.parametrize(
    ("alias", "name", "site"),
    [
        ("", "A", ""), ("Ward", "A", ""), ("-a", "A", ""), ("a b", "A", ""), ("a" * 65, "A", ""), ("１", "A", ""),
        ("a", "", ""), ("a", " ", ""), ("a", "x" * 81, ""), ("a", "A\n", ""), ("a", "A", "\0"), ("a", "A", "x" * 81),
    ],
)  # fmt: skip
async def test_refused_terminals(database: Database, alias: str, name: str, site: str) -> None:
    with pytest.raises(Invalid):
        await database.terminals.add(Terminal(alias, name, b"", site=site))


async def test_one_of_two_who_have_seen_the_same_changes_it(database: Database) -> None:
    terminals = database.terminals
    seen = await terminals.add(Terminal("ward-3", "Ward 3", b"sealed"))
    outcomes = await asyncio.gather(
        *(terminals.change("ward-3", name=f"Ward {number}", version=seen.version) for number in range(10)),
        return_exceptions=True,
    )
    (changed,) = [each for each in outcomes if isinstance(each, Terminal)]
    assert [type(each) for each in outcomes if each is not changed] == [Outdated] * 9
    assert (seen.version, changed.version) == (1, 2)
    assert await terminals.get("ward-3") == changed
    assert (await terminals.change("ward-3", secret=b"new")).version == 3
    with pytest.raises(NotFound):
        await terminals.change("nobody", name="x", version=1)
    assert [await terminals.delete("ward-3", version=2), await terminals.delete("ward-3", version=3)] == [False, True]


async def test_every_change_has_its_version(database: Database) -> None:
    terminals = database.terminals
    seen = [await terminals.version()]
    for alias in ("a", "b"):
        await terminals.add(Terminal(alias, "A", b""))
        seen.append(await terminals.version())
    await terminals.change("a", name="B")
    seen.append(await terminals.version())
    await terminals.delete("b")
    seen.append(await terminals.version())
    assert len(set(seen)) == len(seen)


def kept(number: int, expires_at: float = 1000.0, data: str = "{}") -> KeptBinding:
    return KeptBinding(f"key-{number}", "ward", expires_at, data)


async def test_endpoints_are_not_mixed_with_bindings(database: Database) -> None:
    database.bindings.put(kept(1, data="sip"))
    database.endpoints.put(kept(1, data="h323"))
    await database.bindings.close()
    await database.endpoints.close()
    found = [(await table.load(now=5.0))[0].data for table in (database.bindings, database.endpoints)]
    assert found == ["sip", "h323"]


async def test_bindings_are_kept_over_a_restart(url: str) -> None:
    database = Database(url, StoreSettings(batch_s=60.0))
    await database.open()
    for number in range(250):
        database.bindings.put(kept(number))
    database.bindings.put(kept(1, data="newer"))
    database.bindings.remove("key-2")
    database.bindings.put(kept(3, expires_at=5.0))
    await database.close()
    again = Database(url, StoreSettings(batch_s=60.0))
    await again.open()
    found = {binding.key: binding for binding in await again.bindings.load(now=5.0)}
    assert len(found) == 248
    assert found["key-1"].data == "newer"
    assert not {"key-2", "key-3"} & found.keys()
    again.bindings.put(kept(1, data="newest"))
    again.bindings.remove("key-4")
    await again.bindings.close()
    found = {binding.key: binding for binding in await again.bindings.load(now=5.0)}
    assert (len(found), found["key-1"].data, again.bindings.dropped) == (247, "newest", 0)
    async with again.connections.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM bindings"))).scalar() == 247
    await again.close()
