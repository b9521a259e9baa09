"""Settings of the database."""

from __future__ import annotations

from typing import Annotated

import msgspec


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where rooms, people, sessions and recordings are kept."""

    url: str = ""
    """postgresql://user:password@host/name, or sqlite:///path; "" is drumtower.db in the data directory."""
    busy_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=300)] = 10.0
    """How long a writer waits for another one (SQLite), and how long connecting may take (PostgreSQL)."""
    pool_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    """Connections kept open."""
    batch_s: Annotated[float, msgspec.Meta(ge=0.05, le=60)] = 2.0
    """What changes every second (progress of recordings) is written together this often."""

    def __post_init__(self) -> None:
        if self.url and not self.url.startswith(("postgresql://", "sqlite://")):
            raise ValueError('url: must begin with "postgresql://" or "sqlite://"')

    def __repr__(self) -> str:
        # A database URL carries its password.
        scheme = self.url.partition("://")[0]
        return f"StoreSettings(url={scheme!r}, pool_size={self.pool_size})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("pool_size", self.pool_size)]
