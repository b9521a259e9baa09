"""Whom a dialled target means in SIP and whether it may be called: a registered terminal, a number, an address.

Nothing leaves by a trunk but numbers that its allow-list matches, whatever they were dialled as: an address at one of a
trunk's hosts is a number of that trunk. A terminal's devices are called over the flow that they registered by.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from config.dialing import DialingSettings
from signaling.callable_hosts import may_call, numeric
from signaling.dialing import Attempt
from signaling.errors import SipError, TransportError
from signaling.numbers import normalized
from signaling.placed import DialRefused, Outcome
from signaling.sip.authentication.digest import realms_of
from signaling.sip.client_request import Authorize
from signaling.sip.dialling.forking import Branch, Caller, Inviter
from signaling.sip.dialling.out_call import Callee, OutCall
from signaling.sip.registry.binding import Binding
from signaling.sip.services import Services
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.trunk import Trunk, Trunks
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.uri import NameAddr, Uri, parse_name_addr, parse_uri

logger = logging.getLogger(__name__)

_CALLER = "drumtower"


class Terminals(Protocol):
    """Who is registered (signaling.sip.registry.registrations)."""

    def contacts(self, alias: str) -> list[Binding]:
        """The live bindings of a terminal, the preferred one first."""


class Names(Protocol):
    """The terminals of the administrator."""

    def name_of(self, alias: str) -> str | None:
        """None where there is no such terminal."""


class Agent(Inviter, Protocol):
    """What is needed of ua.UserAgent."""

    @property
    def counters(self) -> Counter[str]:
        """Where refusals are counted."""

    @property
    def local_addresses(self) -> list[tuple[str, int]]:
        """Where we listen."""

    async def flow_to(self, uri: Uri, route: tuple[str, ...] = ()) -> Flow:
        """How a request travels. Raises SipError, TransportError."""

    def now(self) -> float:
        """The loop's clock."""


@dataclass(frozen=True, slots=True)
class World:
    """What the decision is made of."""

    settings: DialingSettings
    agent: Agent
    services: Services
    terminals: Terminals
    names: Names
    trunks: Trunks
    domains: Collection[str]
    """Names of this server, in lower case."""


class SipDials:
    """signaling.dialing.Dials for SIP."""

    protocol = "sip"

    def __init__(self, world: World) -> None:
        self._world = world

    def plan(self, target: str) -> SipPlan | None:
        """How to reach a target; None where it is neither alias, number nor address. Raises DialRefused."""
        if target.lower().startswith(("sip:", "sips:")):
            return self._address(target)
        alias = target.lower()
        if self._world.names.name_of(alias) is not None:
            return self._terminal(alias)
        if number := normalized(target):
            return self._number(number)
        return None

    def _terminal(self, alias: str) -> SipPlan:
        world = self._world
        bindings = world.terminals.contacts(alias)
        if not bindings:
            raise DialRefused(Outcome.NOT_REGISTERED)
        branches = tuple(
            Branch(binding.uri, binding.flow, binding.path) for binding in bindings[: world.settings.max_forks]
        )
        return SipPlan(world, world.names.name_of(alias) or alias, _grouped(branches), bindings[0].flow.remote[0])

    def _number(self, number: str, only: Trunk | None = None) -> SipPlan:
        trunk = only or self._world.trunks.for_number(number)
        called = trunk.number_out(number) if trunk is not None else ""
        if trunk is None or not called:
            self._world.agent.counters["dial-not-allowed"] += 1
            raise DialRefused(Outcome.NOT_ALLOWED)
        groups = tuple((Branch(uri),) for uri in trunk.uris(called))
        return SipPlan(self._world, number, groups, trunk=trunk)

    def _address(self, text: str) -> SipPlan:
        uri = _called_uri(text)
        if self.is_own(uri.host):
            # Our own addresses mean the terminals that are registered here, never a call to ourselves.
            if self._world.names.name_of(uri.user.lower()) is None:
                raise DialRefused(Outcome.UNKNOWN_TARGET)
            return self._terminal(uri.user.lower())
        trunk = self._world.trunks.towards(uri.host)
        if trunk is not None:
            return self._number(normalized(uri.user), trunk)
        if not may_call(uri.host, self._world.settings):
            self._world.agent.counters["dial-not-allowed"] += 1
            raise DialRefused(Outcome.NOT_ALLOWED)
        name = uri.without_passcode().user or uri.host
        return SipPlan(self._world, name, ((Branch(uri.serialize()),),), numeric(uri.host))

    def is_own(self, host: str) -> bool:
        """Whether a host names this server."""
        return host.lower() in self._world.domains or host in {
            address for address, _ in self._world.agent.local_addresses
        }


@dataclass(frozen=True, slots=True)
class SipPlan:
    """signaling.dialing.Plan: groups of branches, each called at once, one group after the other."""

    world: World
    name: str
    groups: tuple[tuple[Branch, ...], ...]
    address: str = ""
    trunk: Trunk | None = None

    async def call(self, attempt: Attempt) -> None:
        """See signaling.dialing.Plan."""
        trunk = self.trunk
        if trunk is not None and not trunk.budget.take(self.world.agent.now()):
            raise DialRefused(Outcome.TOO_MANY_CALLS)
        try:
            await self._try(attempt)
        finally:
            if trunk is not None:
                trunk.budget.give_back()

    async def _try(self, attempt: Attempt) -> None:
        """Where the devices of one way cannot be reached, the next way is tried."""
        result = DialRefused(Outcome.UNREACHABLE)
        for group in self.groups:
            try:
                await self._call_group(attempt, group)
                return
            except DialRefused as refused:
                result = refused
                if refused.outcome is not Outcome.UNREACHABLE:
                    break
        raise result

    async def _call_group(self, attempt: Attempt, group: Sequence[Branch]) -> None:
        try:
            flow = group[0].flow or await self._flow(group[0])
        except (SipError, TransportError) as error:
            logger.info("leg=%d room=%s no way out: %s", attempt.leg, attempt.admission.policy.number, error)
            raise DialRefused(Outcome.UNREACHABLE) from None
        has_video = self.trunk is None or self.trunk.settings.has_video
        ring_timeout_s = self.world.settings.ring_timeout_s
        callee = Callee(self.name, self._caller(attempt), has_video, self._redirected, ring_timeout_s)
        branches = [branch if branch.flow else Branch(branch.uri, flow, branch.route) for branch in group]
        await OutCall(self.world.agent, self.world.services, attempt, callee).run(branches, flow)

    async def _flow(self, branch: Branch) -> Flow:
        """A name that leads to a trunk's address would go round its allow-list. Raises DialRefused, ..."""
        flow = await self.world.agent.flow_to(parse_uri(branch.uri), branch.route)
        if self.trunk is not None:
            self.trunk.learn(flow.remote[0])
        elif await self._is_at_trunk(flow.remote[0]):
            self.world.agent.counters["dial-not-allowed"] += 1
            raise DialRefused(Outcome.NOT_ALLOWED)
        return flow

    async def _is_at_trunk(self, address: str) -> bool:
        """Trunks that have a name are looked up: their address may have been dialled before anything went there."""
        for trunk in self.world.trunks:
            for uri in trunk.uris(""):
                with suppress(SipError, TransportError):
                    trunk.learn((await self.world.agent.flow_to(parse_uri(uri))).remote[0])
        return self.world.trunks.towards(address) is not None

    def _caller(self, attempt: Attempt) -> Caller:
        policy = attempt.admission.policy
        if self.trunk is None:
            return Caller(policy.number, policy.name)
        settings = self.trunk.settings
        user = settings.caller_id or settings.user or _CALLER
        origin = NameAddr(Uri("sip", user, self.trunk.domain)).with_tag(secrets.token_hex(8))
        authorize = trunk_authorize(self.trunk, self.world.agent.counters)
        return Caller(user, "", (("From", origin.serialize()),), authorize)

    async def _redirected(self, contact: str) -> Branch | None:
        """Only to where one might have called at once; calls through a trunk are not sent elsewhere by it."""
        if self.trunk is not None:
            return None
        try:
            uri = _called_uri(parse_name_addr(contact).uri.serialize())
            is_ours = SipDials(self.world).is_own(uri.host) or self.world.trunks.towards(uri.host) is not None
            if is_ours or not may_call(uri.host, self.world.settings):
                self.world.agent.counters["redirect-not-allowed"] += 1
                return None
            branch = Branch(uri.serialize())
            return Branch(branch.uri, await self._flow(branch))
        except (SipError, TransportError, DialRefused):
            return None


def trunk_authorize(trunk: Trunk, counters: Counter[str]) -> Authorize | None:
    """Answers challenges of the trunk's own realm; a foreign realm is counted and logged, and gets nothing."""
    if trunk.credentials is None:
        return None
    own = trunk.credentials.authorize(trunk.settings.realm)

    def answer(response: Response, request: Request) -> tuple[str, str] | None:
        header = own(response, request)
        if header is None:
            is_foreign = trunk.settings.realm not in realms_of(response)
            counters["trunk-foreign-realm" if is_foreign else "trunk-secret-refused"] += 1
            why = "it asks for another realm" if is_foreign else "it does not accept our secret"
            logger.warning("trunk=%s a challenge is not answered: %s", trunk.name, why)
        return header

    return answer


def _called_uri(text: str) -> Uri:
    """A URI without what could make it mean something else than to call there. Raises DialRefused."""
    try:
        uri = parse_uri(text)
    except SipError:
        raise DialRefused(Outcome.UNKNOWN_TARGET) from None
    transport = (uri.param("transport") or "").lower()
    if uri.scheme not in ("sip", "sips") or not uri.host or transport not in ("", "udp", "tcp", "tls"):
        raise DialRefused(Outcome.UNKNOWN_TARGET)
    params = (("transport", transport),) if transport else ()
    return Uri(uri.scheme, uri.user, uri.host, uri.port, params)


def _grouped(branches: Sequence[Branch]) -> tuple[tuple[Branch, ...], ...]:
    """Those that share our address and lock: one offer names one address, and its keys are as safe as its way."""
    groups: dict[object, list[Branch]] = {}
    for branch in branches:
        key = (branch.flow.local[0], branch.flow.is_secure) if branch.flow is not None else None
        groups.setdefault(key, []).append(branch)
    return tuple(tuple(group) for group in groups.values())
