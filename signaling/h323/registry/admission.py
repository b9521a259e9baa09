"""Who may call whom (H.225.0 7.11): rooms and the attendant here, registered terminals where they are.

Of rooms nothing is said by RAS. Whatever is no terminal's leads to this server, where the gate has the same answer for
a blocked room as for an unknown number, and counts who asks for many.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Final, Protocol

from signaling import dialplan
from signaling.h323.calls.dialled import user_of
from signaling.h323.ras.address import Address
from signaling.h323.ras.admission import Admit, Question, Refusal
from signaling.h323.ras.alias import Alias
from signaling.network_access import Approach, NetworkAccess, Proof, names
from store.errors import StoreError

logger = logging.getLogger(__name__)

_MAX_LOOKUPS: Final = 200
"""Questions to the database at the same time."""


class Doors(Protocol):
    """What is asked of signaling.admission.Gate."""

    def is_refused(self, source: str, *, is_trusted: bool = False) -> bool:
        """Whether this source failed so often that it is refused whatever it asks for."""


Decide = Callable[[int, Admit | Refusal], None]
"""GatekeeperServer.decide: the answer to a question that was left open."""


class ZoneAdmission:
    """signaling.h323.ras.admission.Admission."""

    def __init__(
        self,
        doors: Doors,
        is_room: Callable[[str], Awaitable[bool]],
        own_names: Collection[str],
        networks: Iterable[str],
        access: NetworkAccess | None = None,
    ) -> None:
        """`is_room`: whether that number or alias is served here. `own_names`: of this server, in lower case.

        `networks` (CIDR): addresses that terminals may call which are registered nowhere.
        `access`: whether the network knows who calls and answers; None, and nobody is asked.
        """
        self._doors = doors
        self._is_room = is_room
        self._access = access
        self._own_names = own_names
        self._networks = [ipaddress.ip_network(network) for network in networks]
        self._tasks: set[asyncio.Task[None]] = set()
        self.decide: Decide | None = None
        """Set by the owner before the gatekeeper starts."""
        self.counters: Counter[str] = Counter()

    def admit(self, question: Question) -> Admit | Refusal | None:
        """See signaling.h323.ras.admission.Admission."""
        if not self._is_on_network(question):
            self.counters["refused-network"] += 1
            return Refusal.SECURITY
        if question.is_answer:
            return Admit()
        if question.target is not None:
            return self._look_up(question)
        if question.called_address is not None and question.called_address[0] not in self._own_names:
            return self._by_address(question.called_address)
        caller = question.caller
        if self._doors.is_refused(caller.source[0], is_trusted=bool(caller.account)):
            self.counters["refused-source"] += 1
            return Refusal.DENIED
        return Admit()

    def locate(self, called: Sequence[Alias]) -> bool:
        """Numbers: whichever it is, the gate or the attendant answers. Names are said to nobody."""
        return any(_room_of(alias).isdigit() for alias in called)

    async def stop(self) -> None:
        """Leave no question to the database behind."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _is_on_network(self, question: Question) -> bool:
        """In the ARQ of who answers srcInfo names the other (7.11.1)."""
        if self._access is None:
            return True
        caller = question.caller
        called = (*caller.aliases, *(() if question.is_answer else question.calling))
        aliases = names(*(alias.text for alias in called), caller.account)
        proof = Proof.H235 if caller.account else Proof.NONE
        return self._access.allows_now(Approach(caller.source[0], "h323", aliases, caller.local, proof, "call"))

    def _by_address(self, address: Address) -> Admit | Refusal:
        host = ipaddress.ip_address(address[0].partition("%")[0])
        if any(host in network for network in self._networks):
            return Admit(address)
        self.counters["refused-address"] += 1
        return Refusal.PERMISSION

    def _look_up(self, question: Question) -> Refusal | None:
        """Whoever registers the number of a room does not get its calls."""
        if len(self._tasks) >= _MAX_LOOKUPS:
            self.counters["refused-busy"] += 1
            return Refusal.RESOURCES
        task = asyncio.get_running_loop().create_task(self._decide(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return None

    async def _decide(self, question: Question) -> None:
        verdict: Admit | Refusal
        try:
            verdict = Admit(is_ours=await self._is_ours(question.called))
        except StoreError as error:
            logger.error("endpoint=%s its call cannot be admitted: %s", question.caller.identifier, error)
            verdict = Refusal.RESOURCES
        if self.decide is not None:
            self.decide(question.ticket, verdict)

    async def _is_ours(self, called: Sequence[Alias]) -> bool:
        for alias in called:
            if user_of(alias).casefold() in self._own_names:
                return True
            room = _room_of(alias)
            if room and await self._is_room(room):
                return True
        return False


def _room_of(alias: Alias) -> str:
    return dialplan.parse(user_of(alias)).room
