"""Orders to end a session, left in the store by the command line for the server that runs, or starts next."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from auth8021x.directory.session import Session
from store.bindings import KeptBinding
from store.errors import StoreError

logger = logging.getLogger(__name__)

ASIDE: Final = "!"
"""Begins the keys of rows that stand beside those of sessions; no site is called so."""
_PREFIX: Final = f"{ASIDE}end/"
KEPT_S: Final = 86_400.0
LOOK_EVERY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class EndOrder:
    """End the session of this MAC in this site."""

    site: str
    mac: bytes
    given_at: float
    """UTC seconds: a session that began later is not meant."""

    def row(self) -> KeptBinding:
        """How it is left in the store."""
        return KeptBinding(f"{_PREFIX}{self.site}/{self.mac.hex()}", self.mac.hex(), self.given_at + KEPT_S, "")


class Rows(Protocol):
    """Where it is left (store.database.Database.port_sessions)."""

    async def find(self, prefix: str) -> Sequence[KeptBinding]:
        """Those whose key begins so. Raises StoreError."""

    async def drop(self, found: Sequence[KeptBinding]) -> None:
        """Keep these no more. Raises StoreError."""

    async def flush(self) -> None:
        """What was said before of other rows is on the disk now."""


class Sessions(Protocol):
    """The directory (auth8021x.directory.directory.Directory)."""

    def get(self, site: str, mac: bytes) -> Session | None:
        """The session of a MAC."""


class OrderDesk:
    """Looks for orders every few seconds; `end` carries one out.

    `catch_up` comes before that: whoever was banned before the order must not be let in again right after it.
    """

    def __init__(
        self, rows: Rows, sessions: Sessions, end: Callable[[str, bytes], bool],
        wall_clock: Callable[[], float] = time.time, catch_up: Callable[[], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self._rows = rows
        self._sessions = sessions
        self._end = end
        self._clock = wall_clock
        self._catch_up = catch_up

    async def find(self) -> Sequence[KeptBinding]:
        """What was ordered and is not done(). Raises StoreError."""
        return await self._rows.find(_PREFIX)

    def carry_out(self, found: Sequence[KeptBinding]) -> None:
        """A device that has begun anew since then stays, however often this is called with the same."""
        now = self._clock()
        for order in (_order(row) for row in found if row.expires_at > now):
            session = self._sessions.get(order.site, order.mac)
            if session is not None and session.opened_at <= order.given_at:
                self._end(order.site, order.mac)

    async def done(self, found: Sequence[KeptBinding]) -> None:
        """They are dropped once what follows from them is on the disk. Raises StoreError."""
        if found:
            await self._rows.flush()
            await self._rows.drop(found)

    async def look(self) -> None:
        """Once. Raises StoreError."""
        found = await self.find()
        if found and self._catch_up is not None:
            await self._catch_up()
        self.carry_out(found)
        await self.done(found)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except StoreError as error:
                logger.warning("orders to end sessions cannot be read: %s", error)
            except Exception:
                # Whatever it is: were this to end, no order would be carried out any more.
                logger.exception("orders to end sessions")


def is_aside(key: str) -> bool:
    """Whether a row is an order, or something else that is no session."""
    return key.startswith(ASIDE)


def _order(row: KeptBinding) -> EndOrder:
    site, _, mac = row.key.removeprefix(_PREFIX).partition("/")
    return EndOrder(site, bytes.fromhex(mac), row.expires_at - KEPT_S)
