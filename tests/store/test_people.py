"""Users and sessions: names without case, tokens kept as hashes only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from store.database import Database
from store.errors import AlreadyExists, Invalid, NotFound

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)


async def test_names(database: Database) -> None:
    user = await database.users.add(" Ärztin ", "h", must_change=True)
    assert (user.name, user.role, user.must_change) == ("Ärztin", "admin", True)
    assert await database.users.find("äRZTIN") == await database.users.get(user.id) == user
    assert await database.users.find("nobody") is None
    assert await database.users.get(999) is None
    with pytest.raises(AlreadyExists):
        await database.users.add("ÄRZTIN", "h")
    for name in ("", "   ", "x" * 65, "a\x00b"):
        with pytest.raises(Invalid):
            await database.users.add(name, "h")
    await database.users.add("admin", "h")
    assert [found.name for found in await database.users.all()] == ["admin", "Ärztin"]
    assert await database.users.delete(user.id)
    assert not await database.users.delete(user.id)


async def test_a_new_password_ends_all_sessions(database: Database) -> None:
    user = await database.users.add("admin", "old", must_change=True)
    token, _ = await database.sessions.open(user.id, now=NOW, lifetime_s=600)
    changed = await database.users.set_password(user.id, "new")
    assert (changed.password_hash, changed.must_change) == ("new", False)
    assert await database.sessions.find(token, now=NOW) is None
    with pytest.raises(NotFound):
        await database.users.set_password(999, "new")


async def test_sessions(database: Database) -> None:
    user = await database.users.add("admin", "geheim")
    token, session = await database.sessions.open(user.id, now=NOW, lifetime_s=600)
    other, _ = await database.sessions.open(user.id, now=NOW, lifetime_s=60)
    assert await database.sessions.find(token, now=NOW + timedelta(seconds=599)) == session
    assert session.user == user
    assert session.csrf not in (token, "")
    assert await database.sessions.find(token, now=NOW + timedelta(seconds=600)) is None
    for wrong in ("", token[:-1], token + "x", "x" * 10_000, "\ud800"):
        assert await database.sessions.find(wrong, now=NOW) is None
    await database.sessions.extend(session.id, expires_at=NOW + timedelta(hours=1))
    assert await database.sessions.find(token, now=NOW + timedelta(minutes=59)) is not None
    assert await database.sessions.purge(now=NOW + timedelta(minutes=2)) == 1
    assert await database.sessions.find(other, now=NOW) is None
    await database.sessions.close(session.id)
    assert await database.sessions.find(token, now=NOW) is None
    with pytest.raises(NotFound):
        await database.sessions.open(999, now=NOW, lifetime_s=60)


async def test_close_all_and_delete(database: Database) -> None:
    user, other = await database.users.add("a", "h"), await database.users.add("b", "h")
    tokens = [(await database.sessions.open(owner.id, now=NOW, lifetime_s=60))[0] for owner in (user, user, other)]
    await database.sessions.close_all(user.id)
    assert [await database.sessions.find(token, now=NOW) is None for token in tokens] == [True, True, False]
    await database.users.delete(other.id)
    assert await database.sessions.find(tokens[2], now=NOW) is None


async def test_tokens_and_passwords_are_neither_kept_nor_shown(database: Database) -> None:
    user = await database.users.add("admin", "geheim")
    token, session = await database.sessions.open(user.id, now=NOW, lifetime_s=600)
    async with database.connections.read() as connection:
        rows = (await connection.execute(text("SELECT * FROM sessions"))).all()
    assert token not in str(rows)
    assert not any(secret in repr(session) for secret in (token, session.csrf, "geheim"))


async def test_naive_times_are_refused(database: Database) -> None:
    user = await database.users.add("admin", "h")
    with pytest.raises(Exception, match="aware"):
        await database.sessions.open(user.id, now=datetime(2030, 1, 1), lifetime_s=1)  # noqa: DTZ001 - that is the point
