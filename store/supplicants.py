"""Users and devices of 802.1X that the embedded RADIUS server knows, with their sealed credentials."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from store.connections import Connections
from store.errors import AlreadyExists, Invalid, NotFound
from store.models import SupplicantRow

MAX_IDENTITY_BYTES = 253
"""What the attribute User-Name can hold (RFC 2865 5.1)."""
_GROUP = re.compile(r"([a-z0-9][a-z0-9-]{0,31})?", re.ASCII)
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Supplicant:
    """One user or device, as the administrator made it."""

    identity: str
    """Unique without regard to case."""
    group_name: str = ""
    """A group of the settings; "" is none."""
    mac: str | None = None
    """As 02:00:5e:00:53:01."""
    nt_hash: bytes | None = field(default=None, repr=False)
    """crypto.nt_hash.NtHash, sealed for this identity; None: it has a certificate only."""
    password: bytes | None = field(default=None, repr=False)
    """In clear, sealed likewise; only for those who use EAP-MD5."""
    may_bypass: bool = False
    """Its MAC address alone is enough."""
    is_enabled: bool = True
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Supplicants:
    """The repository of supplicants."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def get(self, identity: str) -> Supplicant | None:
        """The one of this name."""
        query = select(SupplicantRow.__table__).where(SupplicantRow.key == identity_key(identity))
        async with self._connections.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _supplicant(row) if row is not None else None

    async def all(self) -> list[Supplicant]:
        """Everybody, by name."""
        async with self._connections.read() as connection:
            rows = await connection.execute(select(SupplicantRow.__table__).order_by(SupplicantRow.key))
            return [_supplicant(row) for row in rows.mappings()]

    async def version(self) -> tuple[int, datetime | None]:
        """Differs after every change, whoever made it."""
        async with self._connections.read() as connection:
            query = select(func.count(), func.max(SupplicantRow.updated_at))
            count, newest = (await connection.execute(query)).one()
            return count, newest

    async def add(self, supplicant: Supplicant) -> Supplicant:
        """Create one. Raises AlreadyExists, Invalid."""
        _check(supplicant)
        values = {"key": identity_key(supplicant.identity), **asdict(supplicant)}
        try:
            async with self._connections.write() as connection:
                await connection.execute(insert(SupplicantRow).values(**values))
        except IntegrityError:
            raise AlreadyExists(f"{supplicant.identity}: the name or the MAC address is taken") from None
        return supplicant

    async def set_credentials(self, identity: str, nt_hash: bytes | None, password: bytes | None) -> Supplicant:
        """Replace what its password is proved with. Raises NotFound."""
        return await self._change(identity, nt_hash=nt_hash, password=password)

    async def set_group(self, identity: str, group: str) -> Supplicant:
        """Put it into another group. Raises NotFound, Invalid."""
        _check_group(group)
        return await self._change(identity, group_name=group)

    async def enable(self, identity: str, is_enabled: bool) -> Supplicant:
        """Let it in again, or no more. Raises NotFound."""
        return await self._change(identity, is_enabled=is_enabled)

    async def delete(self, identity: str) -> bool:
        """Remove one; False when it was not there."""
        query = delete(SupplicantRow).where(SupplicantRow.key == identity_key(identity))
        async with self._connections.write() as connection:
            return bool((await connection.execute(query)).rowcount)

    async def _change(self, identity: str, **values: object) -> Supplicant:
        query = update(SupplicantRow).where(SupplicantRow.key == identity_key(identity))
        query = query.values(**values, updated_at=datetime.now(UTC))
        async with self._connections.write() as connection:
            row = (await connection.execute(query.returning(*SupplicantRow.__table__.c))).mappings().first()
        if row is None:
            raise NotFound(f"there is no {identity}")
        return _supplicant(row)


def identity_key(identity: str) -> str:
    """What makes two names the same."""
    return unicodedata.normalize("NFC", identity).casefold()


def _check(supplicant: Supplicant) -> None:
    name = supplicant.identity
    if not 1 <= len(name.encode()) <= MAX_IDENTITY_BYTES or not name.isprintable() or name != name.strip():
        raise Invalid(f"identity: 1 to {MAX_IDENTITY_BYTES} bytes of printable characters")
    _check_group(supplicant.group_name)
    if supplicant.mac is not None and not _MAC.fullmatch(supplicant.mac):
        raise Invalid("mac: write it as 02:00:5e:00:53:01")
    if supplicant.may_bypass and supplicant.mac is None:
        raise Invalid("without a MAC address nothing can be let in by it")


def _check_group(name: str) -> None:
    if not _GROUP.fullmatch(name):
        raise Invalid("group: up to 32 lower-case letters, digits and hyphens")


def _supplicant(row: RowMapping) -> Supplicant:
    return Supplicant(**{each.name: row[each.name] for each in fields(Supplicant)})
