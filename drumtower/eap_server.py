"""The embedded RADIUS server put together: settings, certificates, users and devices of the store, sockets."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from auth8021x.eapserver.recent import Login, RecentLogins
from auth8021x.eapserver.stored_book import Changed, StoredBook
from auth8021x.eapserver.udp import EapServerSockets, server
from auth8021x.eapserver.unheard import Unheard
from auth8021x.ports.status import ClientKind, ClientStatus
from config.dot1x import Dot1xSettings
from crypto.keys import MasterKey
from crypto.network_certificates import key_password
from store.database import Database
from store.errors import StoreError

logger = logging.getLogger(__name__)


class EmbeddedRadius:
    """Started after the database. It does nothing where the settings name no client."""

    def __init__(self, settings: Dot1xSettings, data: Path, database: Database, master: MasterKey) -> None:
        """Read secrets and certificates. Raises SecretFault, WeakSecretError, CertificateError."""
        self._settings = settings
        self._book = StoredBook(database.supplicants, master)
        has_clients = bool(settings.eap_server.clients)
        folder, password = data / "dot1x", key_password(master)
        self._core = server(settings.eap_server, self._book, folder, password) if has_clients else None
        self._recent = RecentLogins(time.time)
        self._sockets: EapServerSockets | None = None

    async def start(self) -> None:
        """Listen. Raises StoreError, OSError."""
        if self._core is None:
            return
        await self._book.start()
        settings = self._settings
        try:
            self._sockets = EapServerSockets(
                self._core, settings.eap_server, settings.max_datagram_bytes, decided=self._recent.decided
            )
        except OSError:
            await self._book.stop()
            raise

    def observe(self, changed: Changed) -> None:
        """Call `changed` with who was known before and who is now, whenever that is another."""
        self._book.observe(changed)

    async def refresh(self) -> None:
        """Take changes of users and devices now."""
        if self._core is None:
            return
        try:
            await self._book.refresh()
        except StoreError as error:
            logger.warning("802.1X: users and devices stay as they were: %s", error)

    async def stop(self) -> None:
        """Leave no socket and no task behind."""
        if self._sockets is not None:
            self._sockets.close()
            self._sockets = None
        await self._book.stop()

    @property
    def ports(self) -> list[int]:
        """Where it listens, in the order of the addresses."""
        return self._sockets.ports if self._sockets is not None else []

    # ---- for people

    def refused(self) -> list[Login]:
        """Whom it did not let in of late, newest first."""
        return self._recent.refused()

    def let_in(self) -> list[Login]:
        """Whom it let in of late, newest first."""
        return self._recent.let_in()

    def clients(self) -> tuple[ClientStatus, ...]:
        """Who may ask it, in the order of the settings."""
        excused = self._core.excused if self._core is not None else Counter[str]()
        return tuple(
            ClientStatus(
                each.name, ClientKind.LOGINS, each.networks, not each.demands_message_authenticator, excused[each.name]
            )
            for each in self._settings.eap_server.clients
        )

    def unheard(self) -> list[Unheard]:
        """Who asked it and got no answer of late, newest first."""
        return self._core.unheard.newest() if self._core is not None else []

    def observe_logins(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` with each login; returns "stop observing"."""
        return self._recent.observe(callback)

    # ---- for the metrics

    def counters(self) -> Counter[str]:
        """What was dropped, refused or accepted, by reason; cumulative."""
        found = self._core.counters if self._core is not None else {}
        return Counter({f"eap-server-{name}": count for name, count in found.items()})
