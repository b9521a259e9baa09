"""Whom a dialled target means in H.323 and whether it may be called: a registered terminal, or an address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from config.dialing import DialingSettings
from signaling.callable_hosts import may_call, numeric
from signaling.dialing import Attempt
from signaling.h323.calls.services import Services
from signaling.h323.dialling.out_call import Callee, OutCall
from signaling.h323.dialling.target import SCHEME, Target, parse
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.ras.registration import Registration
from signaling.h323.transport.call_signalling import CallSignalling
from signaling.placed import DialRefused, Outcome


class Registrations(Protocol):
    """Who is registered (signaling.h323.ras.registrations)."""

    def find(self, aliases: Sequence[Alias]) -> Registration | None:
        """The endpoint of one of these aliases."""


@dataclass(frozen=True, slots=True)
class World:
    """What the decision is made of."""

    settings: DialingSettings
    signalling: CallSignalling
    services: Services
    registrations: Registrations
    domains: frozenset[str]
    """Names and addresses of this server, in lower case."""
    call_back: Callable[[str, bytes], None]
    """Ask an endpoint behind a firewall, by its endpointIdentifier, to open the connection of a call (H.460.18)."""


class H323Dials:
    """signaling.dialing.Dials for H.323."""

    protocol = "h323"

    def __init__(self, world: World) -> None:
        self._world = world

    def plan(self, target: str) -> H323Plan | None:
        """How to reach a target; None where it is not ours. Raises DialRefused."""
        found = parse(target)
        is_url = target.lower().startswith(SCHEME)
        if found is None:
            if is_url:
                raise DialRefused(Outcome.UNKNOWN_TARGET)
            return None
        if not found.host or found.host.lower() in self._world.domains:
            return self._registered(found, must_be=is_url)
        if not may_call(found.host, self._world.settings):
            self._world.signalling.counters["dial-not-allowed"] += 1
            raise DialRefused(Outcome.NOT_ALLOWED)
        return H323Plan(self._world, found.name, found, (found.host, found.port))

    def _registered(self, target: Target, *, must_be: bool) -> H323Plan | None:
        """Our own addresses mean the terminals that are registered here, never a call to ourselves."""
        alias = target.alias
        registration = self._world.registrations.find(_alike(alias)) if alias is not None else None
        if registration is None:
            if must_be:
                raise DialRefused(Outcome.NOT_REGISTERED)
            return None
        if registration.is_traversing:
            ask_back = partial(self._world.call_back, registration.identifier)
            return H323Plan(self._world, target.name, target, registration.source, ask_back)
        return H323Plan(self._world, target.name, target, registration.signalling)


@dataclass(frozen=True, slots=True)
class H323Plan:
    """signaling.dialing.Plan."""

    world: World
    name: str
    target: Target
    remote: Address
    """Its host may be a name."""
    ask_back: Callable[[bytes], None] | None = None
    """See Callee."""

    @property
    def address(self) -> str:
        """See signaling.dialing.Plan."""
        return numeric(self.remote[0])

    async def call(self, attempt: Attempt) -> None:
        """See signaling.dialing.Plan."""
        aliases = (self.target.alias,) if self.target.alias is not None else ()
        address, ring_timeout_s = await self._resolved(), self.world.settings.ring_timeout_s
        callee = Callee(self.name, address, aliases, ring_timeout_s, self.ask_back)
        await OutCall(self.world.signalling, self.world.services, attempt, callee).run()

    async def _resolved(self) -> Address:
        host, port = self.remote
        if numeric(host):
            return host, port
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise DialRefused(Outcome.UNREACHABLE) from None
        return str(found[0][4][0]), port


def _alike(alias: Alias) -> tuple[Alias, ...]:
    """A number may be registered as a name: many terminals have only a field for names."""
    if alias.kind is AliasKind.DIALLED_DIGITS:
        return alias, Alias(AliasKind.H323_ID, alias.text)
    return (alias,)
