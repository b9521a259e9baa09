"""Orders to switches that wait, as they are kept over a restart: a row a device, beside those of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Protocol

import msgspec

from auth8021x.directory.orders import ASIDE
from auth8021x.directory.session import Key, Session
from auth8021x.errors import MalformedPacketError
from auth8021x.switches.orders import MAX_AGE_S
from auth8021x.wire.attribute import MAX_VALUE_BYTES, Attribute
from store.bindings import Keepable, KeptBinding

PREFIX: Final = f"{ASIDE}switch/"


class Rows(Protocol):
    """Where they are kept (store.database.Database.port_sessions)."""

    def put(self, binding: Keepable) -> None:
        """Keep it, soon."""

    def remove(self, key: str) -> None:
        """Keep it no longer, soon."""

    async def flush(self) -> None:
        """All of that is on the disk now, as far as it can be."""

    async def find(self, prefix: str) -> Sequence[KeptBinding]:
        """Those whose key begins so. Raises StoreError."""


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    session: Session
    change: list[tuple[Annotated[int, msgspec.Meta(ge=0, le=255)], bytes]]


@dataclass(frozen=True, slots=True)
class KeptOrder:
    """store.bindings.Keepable."""

    session: Session
    change: tuple[Attribute, ...]
    given_at: float
    """UTC seconds."""

    @property
    def key(self) -> str:
        """Site and MAC."""
        return row_key(self.session.key)

    @property
    def alias(self) -> str:
        """Which terminal: its MAC."""
        return self.session.mac.hex()

    @property
    def expires_at(self) -> float:
        """When it is given up; UTC seconds."""
        return self.given_at + MAX_AGE_S

    @property
    def data(self) -> str:
        """The session as its switch calls it, and what becomes different."""
        return msgspec.json.encode(_Data(self.session, [(each.type, each.value) for each in self.change])).decode()


def row_key(key: Key) -> str:
    """Where the order about a device is kept."""
    return f"{PREFIX}{key[0]}/{key[1].hex()}"


def parse(row: KeptBinding) -> KeptOrder:
    """One that was kept. Raises MalformedPacketError."""
    try:
        found = msgspec.json.decode(row.data, type=_Data)
    except (msgspec.DecodeError, ValueError):
        raise MalformedPacketError("a kept order cannot be read") from None
    if any(len(value) > MAX_VALUE_BYTES for _, value in found.change):
        raise MalformedPacketError("a kept order has an attribute that is too long")
    change = tuple(Attribute(kind, value) for kind, value in found.change)
    return KeptOrder(found.session, change, row.expires_at - MAX_AGE_S)
