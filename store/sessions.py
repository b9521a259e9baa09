"""Sign-in sessions of the portal; only the SHA-256 of a token is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from store.connections import Connections
from store.errors import NotFound
from store.models import SessionRow, UserRow
from store.users import User, user_of

_TOKEN_BYTES = 32
_MAX_TOKEN_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser."""

    id: int
    user: User
    csrf: str = field(repr=False)
    """What a form or API call of this session must repeat."""
    created_at: datetime
    expires_at: datetime


class Sessions:
    """The repository of sessions."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def open(self, user_id: int, *, now: datetime, lifetime_s: float) -> tuple[str, Session]:
        """Create a session; its token (for the cookie) is given only here. Raises NotFound."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        values = {
            "token_hash": _hash(token), "user_id": user_id, "csrf": secrets.token_urlsafe(_TOKEN_BYTES),
            "created_at": now, "expires_at": now + timedelta(seconds=lifetime_s),
        }  # fmt: skip
        try:
            async with self._connections.write() as connection:
                await connection.execute(insert(SessionRow).values(**values))
        except IntegrityError:
            raise NotFound("there is no such user") from None
        session = await self.find(token, now=now)
        if session is None:
            raise NotFound("the user was deleted in this moment")
        return token, session

    async def find(self, token: str, *, now: datetime) -> Session | None:
        """The session of this token, None when unknown or expired."""
        if not 0 < len(token) <= _MAX_TOKEN_CHARACTERS:
            return None
        query = (
            select(SessionRow.id.label("session_id"), SessionRow.csrf, SessionRow.created_at.label("opened_at"))
            .add_columns(SessionRow.expires_at, *UserRow.__table__.c)
            .join(UserRow, UserRow.id == SessionRow.user_id)
            .where(SessionRow.token_hash == _hash(token), SessionRow.expires_at > now)
        )
        async with self._connections.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            return None
        return Session(row["session_id"], user_of(row), row["csrf"], row["opened_at"], row["expires_at"])

    async def extend(self, session_id: int, *, expires_at: datetime) -> None:
        """Move the expiry; unknown sessions are ignored."""
        async with self._connections.write() as connection:
            await connection.execute(
                update(SessionRow).where(SessionRow.id == session_id).values(expires_at=expires_at)
            )

    async def close(self, session_id: int) -> None:
        """Sign out; unknown sessions are ignored."""
        await self._delete(SessionRow.id == session_id)

    async def close_all(self, user_id: int) -> None:
        """Sign a user out everywhere."""
        await self._delete(SessionRow.user_id == user_id)

    async def purge(self, *, now: datetime) -> int:
        """Delete what has expired; how many."""
        return await self._delete(SessionRow.expires_at <= now)

    async def _delete(self, condition: ColumnElement[bool]) -> int:
        async with self._connections.write() as connection:
            return int((await connection.execute(delete(SessionRow).where(condition))).rowcount)


def _hash(token: str) -> str:
    # Tokens have 256 random bits: a fast hash is enough, and lets the database find them.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
