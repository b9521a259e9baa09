"""Enforcement at work: takes what ports decide, has the drivers do it, says it again, closes all when it ends."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

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


ThrowOut = Callable[[str, bytes, str], None]
"""Is told port, MAC and reason of who was let in and has to be thrown out; not to do it at once."""
_FAILED_S: Final = 60.0
"""Who could not be let in is refused for so long."""


class Enforcer:
    """All ports (`ports.runner.Enforcement`). Start it before the ports, stop it after them."""

    def __init__(
        self, settings: EnforcementSettings, drivers: Sequence[Driver], kept_out: KeptOutNote | None = None,
        throw_out: ThrowOut | None = None,
    ) -> None:  # fmt: skip
        """The drivers are told in their order, each when the one before it is done."""
        self._kept_out = kept_out
        self._throw_out = throw_out
        self._failed: dict[tuple[str, bytes], tuple[float, str]] = {}
        """Whom the drivers could not let in, by port: until when that counts, and why it was."""
        self.openings = Openings(settings)
        self.counters: Counter[str] = Counter()
        self._stages: list[Stage] = []
        for driver in drivers:
            before = self._stages[-1] if self._stages else None
            plan = self.openings.plan if before is None else before.told
            self._stages.append(Stage(driver, settings, plan, self.counters))
            self._stages[-1].on_kept_out = self._could_not
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

    def why_not(self, port: str, mac: bytes, grant: Grant) -> str:
        """Why a terminal would not be in with this grant, as a word; "" where it would, as far as is known."""
        until, reason = self._failed.get((port, mac), (0.0, ""))
        if until > asyncio.get_running_loop().time():
            return reason
        found = self.openings.why_not(port, mac, grant)
        return "" if found is None else found.value

    def admit(self, port: str, mac: bytes, grant: Grant, session: str) -> None:
        """Let in, or move to another network. The drivers do it within milliseconds."""
        why = self.openings.admit(port, mac, grant)
        if why is not None:
            _log_kept_out(port, mac, session, why)
            if self._kept_out is not None:
                self._kept_out(port, mac, grant.identity, why.value)
            if why is not KeptOut.OTHER_VLAN:
                self._out(port, mac, why.value)
        for other in self.openings.displaced(port):
            self._out(port, other, KeptOut.OTHER_VLAN.value)
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

    def _could_not(self, kept_out: Mapping[tuple[str, bytes], str]) -> None:
        """A driver has not let these in, who take themselves for let in."""
        now = asyncio.get_running_loop().time()
        self._failed = {each: failed for each, failed in self._failed.items() if failed[0] > now}
        for (port, mac), reason in kept_out.items():
            self.counters[reason] += 1
            self._failed[port, mac] = (now + _FAILED_S, reason)
            self._out(port, mac, reason)

    def _out(self, port: str, mac: bytes, reason: str) -> None:
        if self._throw_out is not None:
            self._throw_out(port, mac, reason)

    def _tell(self) -> None:
        if self._stages:
            self._stages[0].tell()


def _log_kept_out(port: str, mac: bytes, session: str, why: KeptOut) -> None:
    logger.warning("port=%s mac=%s session=%s kept out: %s", port, mac_address.plain(mac), session, why.value)
