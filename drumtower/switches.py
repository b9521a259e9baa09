"""The hospital's own switches, put together: sessions that end or change here end and change there, too."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter

from auth8021x.directory.keeper import DirectoryKeeper
from auth8021x.directory.session import Session
from auth8021x.eapserver.account import Book
from auth8021x.eapserver.standing import Consequence, Standing
from auth8021x.errors import MalformedPacketError
from auth8021x.switches.courier import SwitchCourier, secrets_of
from auth8021x.switches.kept_orders import PREFIX, KeptOrder, Rows, parse
from auth8021x.switches.orders import Result, Settled
from auth8021x.switches.switch_book import SwitchBook
from auth8021x.wire import attribute, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Type
from config.dot1x import Dot1xSettings

logger = logging.getLogger(__name__)


class SwitchOffice:
    """Started before the directory, resumed after it, before its orders are carried out; closed with it."""

    def __init__(self, settings: Dot1xSettings, directory: DirectoryKeeper, rows: Rows) -> None:
        """Read the secrets of the switches. Raises crypto.secret_file.SecretFault."""
        self._settings = settings
        self._directory = directory
        self._rows = rows
        self._kept: list[KeptOrder] = []
        self._book = SwitchBook(settings.switches)
        self._standing = Standing(settings)
        self._secrets = secrets_of(settings)
        self._courier: SwitchCourier | None = None

    async def start(self) -> None:
        """From now on what an administrator ends is ended at its switch, too. Raises StoreError."""
        await self._load()
        if self._settings.switches:
            self._courier = SwitchCourier(self._settings, self._secrets, self._settled, rows=self._rows)
            self._directory.observe(self._courier.happened)

    def resume(self) -> None:
        """Go on with what was ordered before a restart; a device that has begun anew since is left in peace."""
        for kept in self._kept:
            live = self._directory.core.get(*kept.session.key)
            is_same = live is not None and _is_same(live, kept.session)
            if is_same and not kept.change:
                self._rows.remove(kept.key)
                self._directory.end(*kept.session.key, "ordered before a restart")
            elif self._courier is not None and (is_same if kept.change else live is None):
                self._courier.resume(kept)
            else:
                self._rows.remove(kept.key)
        if self._kept:
            logger.info("802.1X: %d orders to switches had waited", len(self._kept))
        self._kept.clear()

    def close(self) -> None:
        """Leave no socket, task or timer behind; orders that wait are kept."""
        if self._courier is not None:
            self._courier.close()

    async def accounts_changed(self, before: Book, after: Book) -> None:
        """Users and devices of the embedded server are others: their sessions follow."""
        try:
            sessions = self._directory.core.sessions()
            consequences = await asyncio.to_thread(self._standing.judge, before, after, sessions)
            for consequence in consequences:
                self._follow(consequence)
        except Exception:
            logger.exception("802.1X: sessions of users and devices that have changed go on")

    def _follow(self, consequence: Consequence) -> None:
        session = consequence.session
        live = self._directory.core.get(*session.key)
        if live is None or not _is_same(live, session):
            return
        switch = self._book.find(live)
        if consequence.change and switch is not None and switch.settings.changes == "coa" and self._courier is not None:
            change = tuple(each for each in consequence.change if each.type != Type.USER_NAME)
            self._courier.change(live, change)
        elif consequence.is_out or switch is not None or live.is_own:
            self._directory.end(*session.key, consequence.reason)
        # Else its switch cannot be told: it is asked again by itself, and must not be without a session until then.

    async def _load(self) -> None:
        for row in await self._rows.find(PREFIX):
            try:
                kept = parse(row)
            except MalformedPacketError as error:
                logger.warning("order %s: %s", row.key, error)
                self._rows.remove(row.key)
                continue
            self._kept.append(kept)
            if not kept.change:
                self._directory.core.ended_before(kept.session, time.time())

    def _settled(self, settled: Settled) -> None:
        """A session that its switch has changed is another one here, too, and does not wait for its next update."""
        if settled.change and settled.result is Result.DONE:
            role = attribute.first_text(settled.change, Type.FILTER_ID) or ""
            self._directory.amend(settled.session, role, _vlan(settled.change))

    # ---- for the metrics

    def counters(self) -> Counter[str]:
        """What became of orders; cumulative."""
        found = self._courier.core.counters if self._courier is not None else {}
        return Counter({f"switch-{name}": count for name, count in found.items()})

    def gauges(self) -> dict[str, int]:
        """Orders that wait."""
        return self._courier.core.gauges() if self._courier is not None else {}


def _is_same(one: Session, other: Session) -> bool:
    return (one.nas, one.session_id) == (other.nas, other.session_id)


def _vlan(attributes: tuple[Attribute, ...]) -> str:
    try:
        return tunnel.vlan(attributes)
    except MalformedPacketError:
        return ""
