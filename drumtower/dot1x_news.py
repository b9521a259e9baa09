"""What the running server leaves in the store for commands of 802.1X: newest logins, and who is believed with less."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from auth8021x.directory.orders import ASIDE
from auth8021x.eapserver.recent import Login
from auth8021x.eapserver.unheard import Unheard
from auth8021x.ports.status import ClientStatus, ServerStatus
from store.bindings import Keepable, KeptBinding

MAX_LOGINS: Final = 20
"""Of each kind."""
KEPT_S: Final = 7 * 86_400.0
WRITE_EVERY_S: Final = 5.0
_KEY: Final = f"{ASIDE}news"


class News(msgspec.Struct, frozen=True):
    """As of `at`, in UTC seconds; 0.0: never."""

    at: float = 0.0
    refused: tuple[Login, ...] = ()
    """By the embedded RADIUS server; newest first, and so are those that were let in."""
    let_in: tuple[Login, ...] = ()
    unheard: tuple[Unheard, ...] = ()
    """Who asked it and got no answer; newest first."""
    servers: tuple[ServerStatus, ...] = ()
    clients: tuple[ClientStatus, ...] = ()


class Rows(Protocol):
    """Where it is left (store.database.Database.port_sessions)."""

    def put(self, binding: Keepable) -> None:
        """Keep the newest value of its key."""


class NewsDesk:
    """Writes down what `gather` says, whenever it is another, at most once in a few seconds."""

    def __init__(self, rows: Rows, gather: Callable[[], News], wall_clock: Callable[[], float] = time.time) -> None:
        self._rows = rows
        self._gather = gather
        self._clock = wall_clock
        self._before: News | None = None
        self._task: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Once."""
        found = self._gather()
        if found == self._before:
            return
        self._before = found
        now = self._clock()
        data = msgspec.json.encode(msgspec.structs.replace(found, at=now)).decode()
        self._rows.put(KeptBinding(_KEY, "", now + KEPT_S, data))

    def start(self) -> None:
        """Look from time to time, from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Look once more, and leave no task behind."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        self.look()

    async def _run(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(WRITE_EVERY_S)


def gathered(
    refused: Sequence[Login], let_in: Sequence[Login], unheard: Sequence[Unheard], servers: Sequence[ServerStatus],
    clients: Sequence[ClientStatus],
) -> News:  # fmt: skip
    """What is left for commands: no more than they show."""
    return News(
        0.0, tuple(refused[:MAX_LOGINS]), tuple(let_in[:MAX_LOGINS]), tuple(unheard[:MAX_LOGINS]), tuple(servers),
        tuple(clients),
    )  # fmt: skip


def read(rows: Sequence[KeptBinding]) -> News:
    """What was left; empty where nothing was, or by another version."""
    for row in rows:
        if row.key == _KEY:
            try:
                return msgspec.json.decode(row.data, type=News)
            except (msgspec.DecodeError, ValueError):
                break
    return News()
