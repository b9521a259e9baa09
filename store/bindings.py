"""Where terminals are registered, over a restart: who registers them leads, this follows in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import delete, insert, select

from store.batch import Batch
from store.connections import Connections
from store.models import BindingRow, EndpointRow, PortSessionRow

_MAX_ROWS_AT_ONCE = 100
"""Building a statement holds the event loop: about 1 ms for so many rows."""


class Keepable(Protocol):
    """What becomes a row. Most are newer again before they are written, so that `data` is asked for late."""

    @property
    def key(self) -> str:
        """What there is one row of."""

    @property
    def alias(self) -> str:
        """Of which terminal."""

    @property
    def expires_at(self) -> float:
        """Seconds UTC."""

    @property
    def data(self) -> str:
        """The business of who registers them."""


@dataclass(frozen=True, slots=True)
class KeptBinding:
    """One row, see Keepable."""

    key: str
    alias: str
    expires_at: float
    """Seconds UTC."""
    data: str


class Bindings:
    """The repository of one table of them; changes are written together every `batch_s` seconds."""

    def __init__(
        self, connections: Connections, row: type[BindingRow | EndpointRow | PortSessionRow] = BindingRow
    ) -> None:
        self._connections = connections
        self._row = row
        self._changes: Batch[Keepable | None] = Batch(self._write, connections.settings.batch_s)

    @property
    def dropped(self) -> int:
        """Changes that were lost: too many, or the database failed."""
        return self._changes.dropped

    def put(self, binding: Keepable) -> None:
        """Keep the newest value of its key."""
        self._changes.put(binding.key, binding)

    def remove(self, key: str) -> None:
        """Keep nothing under this key."""
        self._changes.put(key, None)

    async def load(self, now: float) -> list[KeptBinding]:
        """Those that have not expired at `now`; the others are deleted."""
        async with self._connections.write() as connection:
            await connection.execute(delete(self._row).where(self._row.expires_at <= now))
            rows = await connection.execute(select(self._row.__table__))
            return [KeptBinding(**row) for row in rows.mappings()]

    async def flush(self) -> None:
        """What was put and removed is in the database now; where that failed it is in `dropped`."""
        await self._changes.flush()

    async def find(self, prefix: str) -> list[KeptBinding]:
        """Those in the database whose key begins so. Raises StoreError."""
        wanted = self._row.key.startswith(prefix, autoescape=True)
        async with self._connections.read() as connection:
            rows = await connection.execute(select(self._row.__table__).where(wanted))
            return [KeptBinding(**row) for row in rows.mappings()]

    async def drop(self, found: Sequence[KeptBinding]) -> None:
        """Keep these no more, unless another program has put a newer value since. Raises StoreError."""
        for start in range(0, len(found), _MAX_ROWS_AT_ONCE):
            part = found[start : start + _MAX_ROWS_AT_ONCE]
            async with self._connections.write() as connection:
                for each in part:
                    is_it = (self._row.key == each.key) & (self._row.expires_at == each.expires_at)
                    await connection.execute(delete(self._row).where(is_it))

    async def close(self) -> None:
        """Write what is still in memory. Call it before the database is closed."""
        await self._changes.close()

    async def _write(self, changes: Mapping[str, Keepable | None]) -> None:
        entries = list(changes.items())
        for start in range(0, len(entries), _MAX_ROWS_AT_ONCE):
            part = entries[start : start + _MAX_ROWS_AT_ONCE]
            kept = [binding for _, binding in part if binding is not None]
            async with self._connections.write() as connection:
                await connection.execute(delete(self._row).where(self._row.key.in_([key for key, _ in part])))
                if kept:
                    rows = [
                        {"key": item.key, "alias": item.alias, "expires_at": item.expires_at, "data": item.data}
                        for item in kept
                    ]
                    await connection.execute(insert(self._row), rows)
            await asyncio.sleep(0)
