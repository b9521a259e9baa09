"""The one object that the composition root opens and closes; the repositories hang on it."""

from __future__ import annotations

from config.store import StoreSettings
from store.bindings import Bindings
from store.connections import Connections
from store.models import EndpointRow, PortSessionRow
from store.recordings import Recordings
from store.rooms import Rooms
from store.sessions import Sessions
from store.supplicants import Supplicants
from store.terminals import Terminals
from store.users import Users


class Database:
    """Everything that is kept."""

    def __init__(self, url: str, settings: StoreSettings | None = None) -> None:
        """`url` is postgresql://... or sqlite:///path. Raises Unavailable when it is neither."""
        self.connections = Connections(url, settings)
        self.rooms = Rooms(self.connections)
        self.users = Users(self.connections)
        self.sessions = Sessions(self.connections)
        self.recordings = Recordings(self.connections)
        self.terminals = Terminals(self.connections)
        self.supplicants = Supplicants(self.connections)
        self.bindings = Bindings(self.connections)
        self.endpoints = Bindings(self.connections, EndpointRow)
        self.port_sessions = Bindings(self.connections, PortSessionRow)

    async def open(self) -> None:
        """Connect and bring the tables up to date. Raises Unavailable."""
        await self.migrate()

    async def migrate(self) -> None:
        """Run the migrations that are missing; nothing happens when there are none. Raises Unavailable."""
        await self.connections.migrate()

    async def revisions(self) -> tuple[str, str]:
        """Revision of the database ("" where it is empty) and the one this program needs. Raises Unavailable."""
        return await self.connections.revisions()

    async def close(self) -> None:
        """Write what is still in memory, then close all connections."""
        await self.recordings.close()
        await self.bindings.close()
        await self.endpoints.close()
        await self.port_sessions.close()
        await self.connections.close()
