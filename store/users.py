"""People who sign in at the portal."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from store.connections import Connections
from store.errors import AlreadyExists, Invalid, NotFound
from store.models import SessionRow, UserRow

MAX_NAME_CHARACTERS = 64
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class User:
    """One account."""

    id: int
    name: str
    """Unique without regard to case."""
    password_hash: str = field(repr=False)
    role: str
    """"admin"."""
    must_change: bool
    """The password was given by somebody else: it must be replaced at the next sign-in."""
    created_at: datetime


class Users:
    """The repository of users. All times are aware and in UTC; names are compared without regard to case."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def find(self, name: str) -> User | None:
        """The user of this name."""
        return await self._one(UserRow.name_key == name_key(name))

    async def get(self, user_id: int) -> User | None:
        """The user of this id."""
        return await self._one(UserRow.id == user_id)

    async def all(self) -> list[User]:
        """Everybody, by name."""
        async with self._connections.read() as connection:
            rows = await connection.execute(select(UserRow.__table__).order_by(UserRow.name_key))
            return [user_of(row) for row in rows.mappings()]

    async def add(self, name: str, password_hash: str, *, role: str = "admin", must_change: bool = False) -> User:
        """Create an account. Raises AlreadyExists, Invalid."""
        name = name.strip()
        if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
            raise Invalid(f"name: 1 to {MAX_NAME_CHARACTERS} printable characters")
        values = {
            "name": name, "name_key": name_key(name), "password_hash": password_hash, "role": role,
            "must_change": must_change, "created_at": datetime.now(UTC),
        }  # fmt: skip
        try:
            async with self._connections.write() as connection:
                query = insert(UserRow).values(**values).returning(*UserRow.__table__.c)
                return user_of((await connection.execute(query)).mappings().one())
        except IntegrityError:
            raise AlreadyExists(f"the name {name} is taken") from None

    async def set_password(self, user_id: int, password_hash: str, *, must_change: bool = False) -> User:
        """Replace the password and end every session of this user. Raises NotFound."""
        async with self._connections.write() as connection:
            await connection.execute(delete(SessionRow).where(SessionRow.user_id == user_id))
            return await _changed(connection, user_id, password_hash=password_hash, must_change=must_change)

    async def delete(self, user_id: int) -> bool:
        """Remove an account and its sessions; False when it was not there."""
        async with self._connections.write() as connection:
            return bool((await connection.execute(delete(UserRow).where(UserRow.id == user_id))).rowcount)

    async def _one(self, condition: ColumnElement[bool]) -> User | None:
        async with self._connections.read() as connection:
            row = (await connection.execute(select(UserRow.__table__).where(condition))).mappings().first()
        return user_of(row) if row is not None else None


def name_key(name: str) -> str:
    """What makes two names the same: compatibility forms and case do not count (Unicode NFKC, casefold)."""
    return unicodedata.normalize("NFKC", name.strip()).casefold()[: 2 * MAX_NAME_CHARACTERS]


def user_of(row: RowMapping) -> User:
    """The user in a row of the users table; further columns are ignored."""
    return User(**{field.name: row[field.name] for field in fields(User)})


async def _changed(connection: AsyncConnection, user_id: int, **values: object) -> User:
    query = update(UserRow).where(UserRow.id == user_id).values(**values).returning(*UserRow.__table__.c)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound("there is no such user")
    return user_of(row)
