"""People who sign in at the portal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


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
    failed_count: int
    """Wrong passwords since the last right one."""
    locked_until: datetime | None
    created_at: datetime


class Users:
    """The repository of users. All times are aware and in UTC; names are compared without regard to case."""

    async def find(self, name: str) -> User | None:
        """The user of this name."""
        raise NotImplementedError

    async def get(self, user_id: int) -> User | None:
        """The user of this id."""
        raise NotImplementedError

    async def all(self) -> list[User]:
        """Everybody, by name."""
        raise NotImplementedError

    async def add(self, name: str, password_hash: str, *, role: str = "admin", must_change: bool = False) -> User:
        """Create an account. Raises AlreadyExists."""
        raise NotImplementedError

    async def set_password(self, user_id: int, password_hash: str, *, must_change: bool = False) -> User:
        """Replace the password, end the lockout and every session of this user. Raises NotFound."""
        raise NotImplementedError

    async def sign_in_failed(self, user_id: int, *, now: datetime, free: int, lock_s: float) -> User:
        """Count a wrong password; from the one after `free` on the account locks for `lock_s`, doubling up to a day."""
        raise NotImplementedError

    async def sign_in_succeeded(self, user_id: int) -> None:
        """Forget the wrong passwords."""
        raise NotImplementedError
