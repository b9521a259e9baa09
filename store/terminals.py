"""Terminals that may register: their alias, where they stand, and their sealed secret."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from store.connections import Connections
from store.errors import AlreadyExists, Invalid, NotFound, Outdated
from store.models import TerminalRow
from store.versions import at_version

MAX_TEXT_CHARACTERS = 80
_ALIAS = re.compile(r"[0-9a-z]([0-9a-z._-]{0,62}[0-9a-z])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Terminal:
    """One terminal, as the administrator created it."""

    alias: str
    """User name and user part of its address: digits, lower-case letters, and . _ - in between."""
    name: str
    """What the roster shows."""
    secret: bytes = field(repr=False)
    """crypto.ha1.Ha1, sealed for this alias."""
    h235_key: bytes | None = field(default=None, repr=False)
    """crypto.h235.password_key.PasswordKey of the same secret, sealed likewise; secrets of before H.323 have none."""
    site: str = ""
    is_enabled: bool = True
    version: int = 1
    """Grows with every change."""
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Terminals:
    """The repository of terminals."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def get(self, alias: str) -> Terminal | None:
        """The terminal of this alias."""
        query = select(TerminalRow.__table__).where(TerminalRow.alias == alias)
        async with self._connections.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _terminal(row) if row is not None else None

    async def all(self) -> list[Terminal]:
        """Every terminal, by alias."""
        async with self._connections.read() as connection:
            rows = await connection.execute(select(TerminalRow.__table__).order_by(TerminalRow.alias))
            return [_terminal(row) for row in rows.mappings()]

    async def page(self, after: str, limit: int) -> list[Terminal]:
        """At most `limit` terminals behind this alias, by alias."""
        query = select(TerminalRow.__table__).where(TerminalRow.alias > after).order_by(TerminalRow.alias).limit(limit)
        async with self._connections.read() as connection:
            return [_terminal(row) for row in (await connection.execute(query)).mappings()]

    async def version(self) -> tuple[int, datetime | None]:
        """Differs after every change, whoever made it."""
        async with self._connections.read() as connection:
            query = select(func.count(), func.max(TerminalRow.updated_at))
            count, newest = (await connection.execute(query)).one()
            return count, newest

    async def add(self, terminal: Terminal) -> Terminal:
        """Create one. Raises AlreadyExists, Invalid."""
        _check(terminal.alias, terminal.name, terminal.site)
        try:
            async with self._connections.write() as connection:
                await connection.execute(insert(TerminalRow).values(**asdict(terminal)))
        except IntegrityError:
            raise AlreadyExists(f"the alias {terminal.alias} is taken") from None
        return terminal

    async def change(
        self, alias: str, *, name: str | None = None, site: str | None = None, secret: bytes | None = None,
        h235_key: bytes | None = None, is_enabled: bool | None = None, version: int | None = None,
    ) -> Terminal:  # fmt: skip
        """Replace what is given, in this `version` alone where one is. Raises NotFound, Outdated, Invalid."""
        _check(alias, name if name is not None else "x", site or "")
        given = {"name": name, "site": site, "secret": secret, "h235_key": h235_key, "is_enabled": is_enabled}
        values = {key: value for key, value in given.items() if value is not None}
        query = update(TerminalRow).where(TerminalRow.alias == alias)
        query = query.values(**values, version=TerminalRow.version + 1, updated_at=datetime.now(UTC))
        query = at_version(query, TerminalRow.version, version)
        async with self._connections.write() as connection:
            row = (await connection.execute(query.returning(*TerminalRow.__table__.c))).mappings().first()
        if row is not None:
            return _terminal(row)
        if version is not None and await self.get(alias) is not None:
            raise Outdated(f"the terminal {alias} has changed meanwhile")
        raise NotFound(f"there is no terminal {alias}")

    async def delete(self, alias: str, *, version: int | None = None) -> bool:
        """Remove one, only this version of it where one is given; False when it was not there."""
        query = delete(TerminalRow).where(TerminalRow.alias == alias)
        async with self._connections.write() as connection:
            return bool((await connection.execute(at_version(query, TerminalRow.version, version))).rowcount)


def _check(alias: str, name: str, site: str) -> None:
    if not _ALIAS.fullmatch(alias):
        raise Invalid("alias: 1 to 64 digits and lower-case letters, with . _ - in between")
    if not 1 <= len(name.strip()) <= MAX_TEXT_CHARACTERS or not name.isprintable():
        raise Invalid(f"name: 1 to {MAX_TEXT_CHARACTERS} printable characters")
    if len(site) > MAX_TEXT_CHARACTERS or not site.isprintable():
        raise Invalid(f"site: up to {MAX_TEXT_CHARACTERS} printable characters")


def _terminal(row: RowMapping) -> Terminal:
    return Terminal(**{field.name: row[field.name] for field in fields(Terminal)})
