"""Calls and 802.1X, wired: what signaling asks becomes a question to the gate; what ends with a session is ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from audit.lines import shown
from auth8021x.audit_lines import audit
from auth8021x.directory.session import Entry
from auth8021x.gate.aftermath import Order
from auth8021x.gate.gate import SessionGate
from auth8021x.gate.verdict import Proof, Question
from auth8021x.sites import Sites, address_of
from auth8021x.wire import mac_address
from signaling.network_access import Approach, Known

logger = logging.getLogger(__name__)

IsConcerned = Callable[[str, str], bool]
"""Asked with the source of a registration or call, and the address of ours that it came in at."""


class SessionAccess:
    """signaling.network_access.NetworkAccess."""

    def __init__(self, gate: SessionGate) -> None:
        self._gate = gate

    async def ask(self, approach: Approach) -> Known:
        """What the directory says, in bounded time."""
        verdict = await self._gate.decide(_question(approach))
        session = verdict.session
        is_somebody = session is not None and session.entry is not Entry.GUEST
        return Known(verdict.is_allowed, shown(session.identity) if session is not None and is_somebody else "")

    def allows_now(self, approach: Approach) -> bool:
        """What this process knows."""
        return self._gate.decide_now(_question(approach)).is_allowed


class Registrations(Protocol):
    """Who is registered, by one protocol."""

    def revoke(self, is_concerned: IsConcerned) -> None:
        """Forget those."""


class Calls(Protocol):
    """Who calls: into rooms and to the attendant (signaling.calls.Calls), or each other (drumtower.h323)."""

    async def drop(self, protocols: Collection[str], is_concerned: IsConcerned) -> int:
        """End those calls of these protocols; how many."""


class EndedSessions:
    """auth8021x.gate.consequences.Calls: a session is over, and with it what came from its address."""

    def __init__(
        self, sites: Sites, protocols: Collection[str], registrations: Mapping[str, Registrations], *calls: Calls
    ) -> None:
        """`protocols`: that are asked for a session; `registrations`: by protocol; `calls`: wherever there are any."""
        self._sites = sites
        self._protocols = protocols
        self._registrations = [each for name, each in registrations.items() if name in protocols]
        self._calls = calls
        self._tasks: set[asyncio.Task[None]] = set()

    def unregister(self, order: Order) -> None:
        """Of all protocols that are asked."""
        for each in self._registrations:
            each.revoke(self._from(order))

    def drop_calls(self, order: Order) -> None:
        """Soon."""
        task = asyncio.get_running_loop().create_task(self._drop(order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Leave no task behind."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drop(self, order: Order) -> None:
        dropped = 0
        for each in self._calls:
            try:
                dropped += await each.drop(self._protocols, self._from(order))
            except Exception:
                logger.exception("site=%s source=%s calls could not be ended", order.site, order.address)
        if dropped:
            session = order.session
            audit.info(
                "site=%s source=%s calls ended with the session: %d mac=%s identity=%r",
                order.site, order.address, dropped, mac_address.plain(session.mac), shown(session.identity),
            )  # fmt: skip

    def _from(self, order: Order) -> IsConcerned:
        """Sites may share a range: the address of ours tells which one it was."""

        def is_concerned(source: str, local: str) -> bool:
            # All of them are looked at, and few are it: a plain look goes first.
            if order.address not in source.lower() or str(address_of(source)) != order.address:
                return False
            site = self._sites.find(source, local)
            return site is not None and site.name == order.site

        return is_concerned


def _question(approach: Approach) -> Question:
    return Question(
        source=approach.source,
        protocol=approach.protocol,
        aliases=approach.aliases,
        room=approach.room,
        local=approach.local,
        proof=Proof(approach.proof.value),
        operation=approach.operation,
        typed_name=approach.typed_name,
    )
