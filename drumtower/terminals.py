"""The terminals of the server put together: who may register, who is registered, and how to change that."""

from __future__ import annotations

from config.settings import Settings
from crypto.keys import MasterKey
from signaling.network_access import NetworkAccess
from signaling.sip.registry.registration import Registration, RegistrationSettings
from signaling.terminals import TerminalBook, TerminalDirectory
from store.database import Database


class TerminalOffice:
    """Started after the database and before SIP, stopped after it."""

    def __init__(
        self, settings: Settings, database: Database, master: MasterKey, access: NetworkAccess | None = None
    ) -> None:
        """`access`: whether the network knows who registers; None, and nobody is asked."""
        realm = settings.sip.realm
        self.book = TerminalBook(database.terminals, master, realm)
        self.directory = TerminalDirectory(database.terminals, master, realm, settings.registrar.recheck_terminals_s)
        registration = RegistrationSettings(
            settings.sip, settings.registrar, settings.gate, master.derive, settings.server.names
        )
        self.registration = Registration(registration, self.directory, database.bindings, access)

    async def start(self) -> None:
        """Read the terminals and their registrations. Raises StoreError."""
        await self.directory.start()
        await self.registration.start()

    async def stop(self) -> None:
        """Stop both."""
        await self.registration.stop()
        await self.directory.stop()
