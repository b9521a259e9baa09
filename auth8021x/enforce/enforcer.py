"""Enforcement at work: takes what ports decide, has the drivers do it, says it again, closes all when it ends."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence

from auth8021x.enforce.drivers import Driver
from auth8021x.enforce.plan import KeptOut, Openings
from auth8021x.enforce.stage import Stage
from auth8021x.errors import EnforcementError
from auth8021x.pae.grant import Grant
from auth8021x.wire import mac_address
from auth8021x.wire.dictionary import TerminateCause
from config.dot1x_enforcement import EnforcementSettings

logger = logging.getLogger(__name__)


KeptOutNote = Callable[[str, bytes, str, str], None]
"""Is told port, MAC, identity and reason of who has a grant that its port cannot give."""


class Enforcer:
    """All ports (`ports.runner.Enforcement`). Start it before the ports, stop it after them."""

    def __init__(
        self, settings: EnforcementSettings, drivers: Sequence[Driver], kept_out: KeptOutNote | None = None
    ) -> None:
        """The drivers are told in their order, each when the one before it is done."""
        self._kept_out = kept_out
        self.openings = Openings(settings)
        self.counters: Counter[str] = Counter()
        self._stages: list[Stage] = []
        for driver in drivers:
            before = self._stages[-1] if self._stages else None
            plan = self.openings.plan if before is None else before.told
            self._stages.append(Stage(driver, settings, plan, self.counters))
            if before is not None:
                before.next = self._stages[-1]

    async def start(self) -> None:
        """Close everything, whatever an earlier run left open. Raises EnforcementError: then serve nobody."""
        trouble: list[EnforcementError] = []
        for stage in self._stages:
            try:
                await stage.close()
            except EnforcementError as error:
                trouble.append(error)  # the others close what they can
        if trouble:
            raise trouble[0]
        for stage in self._stages:
            stage.start()

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None:
        """Let in, or move to another network. The drivers do it within milliseconds."""
        why = self.openings.admit(port, mac, grant)
        if why is not None:
            _log_kept_out(port, mac, session, why)
            if self._kept_out is not None:
                self._kept_out(port, mac, grant.identity, why.value)
        self._tell()

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        """Let in no longer."""
        logger.debug("port=%s mac=%s session=%s closing: %s", port, mac_address.plain(mac), session, cause.name)
        self.openings.expel(port, mac)
        if cause is TerminateCause.LOST_CARRIER:
            self.openings.line_lost(port)
        self._tell()

    def address(self, port: str, mac: bytes, address: str) -> None:
        """A terminal was seen with an address (AddressSocket)."""
        if self.openings.address(port, mac, address):
            self._tell()

    def lose_address(self, port: str, mac: bytes, address: str) -> None:
        """Another terminal has it now: one of them alone may send from it."""
        if self.openings.lose_address(port, mac, address):
            self._tell()

    async def stop(self) -> None:
        """Close everything, and leave no task behind."""
        for stage in self._stages:
            await stage.stop()
        self.openings.clear()
        for stage in self._stages:
            await stage.apply()

    def _tell(self) -> None:
        if self._stages:
            self._stages[0].tell()


def _log_kept_out(port: str, mac: bytes, session: str, why: KeptOut) -> None:
    logger.warning("port=%s mac=%s session=%s kept out: %s", port, mac_address.plain(mac), session, why.value)
