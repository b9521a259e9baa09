"""Sign-in sessions of the portal; only the SHA-256 of a token is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from store.users import User


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

    async def open(self, user_id: int, *, now: datetime, lifetime_s: float) -> tuple[str, Session]:
        """Create a session; its token (for the cookie) is given only here."""
        raise NotImplementedError

    async def find(self, token: str, *, now: datetime) -> Session | None:
        """The session of this token, None when unknown or expired."""
        raise NotImplementedError

    async def extend(self, session_id: int, *, expires_at: datetime) -> None:
        """Move the expiry; unknown sessions are ignored."""
        raise NotImplementedError

    async def close(self, session_id: int) -> None:
        """Sign out; unknown sessions are ignored."""
        raise NotImplementedError

    async def close_all(self, user_id: int) -> None:
        """Sign a user out everywhere."""
        raise NotImplementedError

    async def purge(self, *, now: datetime) -> int:
        """Delete what has expired; how many."""
        raise NotImplementedError
