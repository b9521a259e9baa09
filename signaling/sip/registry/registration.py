"""The registrar at work: REGISTER from the user agent, terminals from the directory, bindings kept over a restart."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

import msgspec

from config.gate import GateSettings
from config.registrar import RegistrarSettings
from config.sip import SipSettings
from signaling.network_access import NetworkAccess
from signaling.sip.authentication.authenticator import Authenticator, Secrets
from signaling.sip.authentication.nonces import Nonces
from signaling.sip.registry.binding import Binding
from signaling.sip.registry.identity import Challenge, Identities, Identity, Names
from signaling.sip.registry.registrar import Registrar
from signaling.sip.registry.registration_audit import RegistrationAudit
from signaling.sip.registry.registrations import Change, Registrations
from signaling.sip.server_request import ServerRequest
from signaling.sip.transactions.transaction import Flow
from signaling.sip.ua import UserAgent
from signaling.sip.wire.message import Request
from signaling.tries import SourceTries
from store.bindings import Bindings, KeptBinding

logger = logging.getLogger(__name__)

_EXPIRE_EVERY_S = 5.0
_MAX_DELAYED = 1000
"""Answers that wait because their source failed before; past it they go out at once."""


class Directory(Secrets, Names, Protocol):
    """The administrator's terminals, see signaling.terminals.TerminalDirectory."""

    def observe(self, callback: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        """Call `callback` with the aliases whose secret does not hold any more."""


@dataclass(frozen=True, slots=True)
class RegistrationSettings:
    """The sections that concern registration, and the keys that are derived from the master key."""

    sip: SipSettings
    registrar: RegistrarSettings
    gate: GateSettings
    key: Callable[[str], bytes]
    """MasterKey.derive."""
    domains: Collection[str] = ()
    """Further names of this server."""


class Registration:
    """Who is registered, who is calling, and REGISTER itself. Serve it before the user agent is started."""

    def __init__(
        self,
        settings: RegistrationSettings,
        directory: Directory,
        bindings: Bindings,
        access: NetworkAccess | None = None,
    ) -> None:
        """`access`: whether the network knows who registers; None, and nobody is asked."""
        self._began = time.time() - time.monotonic()
        self._directory = directory
        self._bindings = bindings
        sip, registrar = settings.sip, settings.registrar
        self._audit = RegistrationAudit(registrar.audit_failures_per_minute, self.now)
        nonces = Nonces(
            settings.key("digest-nonce"), self.now(), lifetime_s=registrar.nonce_lifetime_s,
            max_used=registrar.max_used_nonces,
        )  # fmt: skip
        self._authenticator = Authenticator(
            sip.realm,
            sip.digest_algorithms,
            directory,
            nonces,
            SourceTries(settings.gate),
            settings.key("digest-decoy"),
        )
        self.registrations = Registrations(registrar, self.now)
        self._registrar = Registrar(registrar, self._authenticator, self.registrations, self._audit.failed, access)
        self._identities = Identities(
            self._authenticator, self.registrations, directory, _domains(settings), self._audit.failed
        )
        self._stops: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._delayed: set[asyncio.TimerHandle] = set()
        self._vouch: Callable[[Flow], None] | None = None

    def now(self) -> float:
        """Seconds UTC; a clock that is set while the server runs changes nothing."""
        return self._began + time.monotonic()

    def serve(self, agent: UserAgent) -> None:
        """Take REGISTER from this user agent, and hear of its connections that end."""
        self._vouch = agent.transports.vouch
        agent.serve("REGISTER", self._received, remembers=False)
        agent.transports.observe_lost(lambda flow: self.registrations.flow_lost(flow.connection))

    def identify(self, request: Request, flow: Flow) -> Identity | Challenge | None:
        """Who sent this, None for a stranger; see signaling.sip.registry.identity."""
        return self._identities.identify(request, flow, self.now())

    async def start(self) -> None:
        """Load what was registered before. Raises StoreError."""
        kept = await self._bindings.load(self.now())
        found = [binding for row in kept if (binding := _parsed(row)) is not None]
        self.registrations.load(binding for binding in found if self._directory.name_of(binding.alias) is not None)
        self._stops = [
            self.registrations.observe(self._audit.changed),
            self.registrations.observe(self._changed),
            self._directory.observe(self._revoked),
        ]
        self._timer = asyncio.get_running_loop().call_later(_EXPIRE_EVERY_S, self._tick)
        logger.info("%d contacts of terminals are registered", len(self.registrations))

    async def stop(self) -> None:
        """Stop; what changed last is written when the database is closed."""
        for stop in self._stops:
            stop()
        for handle in (*self._delayed, *((self._timer,) if self._timer else ())):
            handle.cancel()
        self._delayed.clear()

    @property
    def counters(self) -> Counter[str]:
        """Answers by status, credentials by outcome, bindings by event; cumulative."""
        return Counter(
            {
                **{f"answer-{key}": count for key, count in self._registrar.counters.items()},
                **{f"digest-{key}": count for key, count in self._authenticator.counters.items()},
                **{f"binding-{key}": count for key, count in self.registrations.counters.items()},
                "audit-suppressed": self._audit.suppressed,
                "not-written": self._bindings.dropped,
            }
        )

    @property
    def gauges(self) -> dict[str, int]:
        """Sizes of the tables."""
        terminals = len(self.registrations.aliases())
        return {"contacts": len(self.registrations), "terminals": terminals, **self._authenticator.gauges()}

    def _received(self, asked: ServerRequest) -> None:
        reply = self._registrar.receive(asked.request, asked.flow, self.now())
        if reply.status == 200 and self._vouch is not None:
            self._vouch(asked.flow)
        if reply.delay_s <= 0 or len(self._delayed) >= _MAX_DELAYED:
            asked.reply(reply.status, reply.reason, reply.headers)
            return
        loop = asyncio.get_running_loop()

        def late() -> None:
            self._delayed.discard(handle)
            asked.reply(reply.status, reply.reason, reply.headers)

        handle = loop.call_later(reply.delay_s, late)
        self._delayed.add(handle)

    def _changed(self, change: Change) -> None:
        binding = change.binding
        if change.is_gone:
            self._bindings.remove(binding.key)
        else:
            self._bindings.put(binding)

    def _revoked(self, aliases: frozenset[str]) -> None:
        for alias in aliases:
            self.registrations.remove_all(alias)

    def _tick(self) -> None:
        self.registrations.expire()
        self._audit.flush()
        self._timer = asyncio.get_running_loop().call_later(_EXPIRE_EVERY_S, self._tick)


def _parsed(row: KeptBinding) -> Binding | None:
    """None for a row of another version of the program: the terminal registers again."""
    try:
        return Binding.parse(row.data)
    except msgspec.MsgspecError:
        logger.warning("key=%s a kept registration cannot be read", row.key)
        return None


def _domains(settings: RegistrationSettings) -> list[str]:
    local = [name for address in settings.sip.listen for name in address.names]
    return [name.lower() for name in (*settings.sip.domains, *settings.domains, *local, settings.sip.realm)]
