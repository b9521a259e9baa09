"""Routed calls on the network: makes the second connection, moves messages, arms a timer for each call."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from config.h323 import H323Settings
from signaling.h323.call import message
from signaling.h323.call import setup as setups
from signaling.h323.call.causes import Cause, cause_of
from signaling.h323.call.message import Signal
from signaling.h323.call.setup import Setup
from signaling.h323.errors import MalformedPduError
from signaling.h323.h2351 import Fault
from signaling.h323.q931 import MessageType
from signaling.h323.ras.address import Address
from signaling.h323.ras.registration import Registration
from signaling.h323.routing.effects import Answered, Effect, Ended, Send, Side
from signaling.h323.routing.route import Route, Routes
from signaling.h323.routing.routed_call import Leg, RoutedCall
from signaling.h323.signatures import Signatures, Signer
from signaling.h323.transport.signalling_connection import SignallingConnection

logger = logging.getLogger(__name__)

_OWN_REFERENCE: Final = 1
"""Of the call on a connection that has no other."""
_DROPPED: Final = "securityDenied"
"""To both terminals when the network knows one of them no more."""


Connect = Callable[[Registration, bytes], Awaitable[SignallingConnection]]
"""A connection to a registered terminal, wherever it is, for the call of this callIdentifier.

Raises OSError, TimeoutError.
"""


class Router:
    """signaling.h323.transport.call_signalling.Router; started with it, stopped before it."""

    def __init__(
        self,
        settings: H323Settings,
        routes: Routes,
        connect: Connect,
        told_address: Callable[[SignallingConnection], Address],
        counters: Counter[str],
        signatures: Signatures | None = None,
    ) -> None:
        """`told_address`: where the other end of a connection can call us."""
        self._settings = settings
        self._routes = routes
        self.connect = connect
        self.told_address = told_address
        self.counters = counters
        self._signatures = signatures
        self._calls: dict[bytes, _Passage] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._calls)

    def take(
        self, connection: SignallingConnection, octets: bytes, reference: int, signer: Signer | None
    ) -> str | None:
        """See signaling.h323.transport.call_signalling.Router."""
        if not self._routes.has_any:
            return None
        try:
            signal = message.parse(octets)
            setup = setups.parse(signal)
        except MalformedPduError:
            return None
        account = signer.account.name if signer is not None else ""
        route = self._routes.find(setup, connection.remote, account)
        if route is None:
            return None
        refused = self._refusal(setup, route, account) if isinstance(route, Route) else route
        if refused or not isinstance(route, Route):
            self.counters["routed-refused"] += 1
            logger.warning("h323 routed call from=%s:%d refused: %s", *connection.remote, refused)
            return refused
        number = next(self._numbers)
        logger.info(
            "h323 routed=%d from=%s (%s:%d) to=%s (%s:%d)", number, _name(route.caller), *connection.remote,
            _name(route.called), *route.called.signalling,
        )  # fmt: skip
        legs = {
            Side.CALLER: self._leg(setup.identity.reference, signer, route.caller, route.called),
            Side.CALLED: self._leg(_OWN_REFERENCE, self._signer_for(route.called), route.called, route.caller),
        }
        call = RoutedCall(signal, setup.identity, legs, is_signed=signer is not None)
        passage = _Passage(self, call, number, route, connection)
        self._calls[call.call_id] = passage
        self.counters["routed"] += 1
        passage.begin(reference)
        return ""

    def drop(self, is_concerned: Callable[[str, str], bool]) -> int:
        """End the calls of which one terminal is somewhere; how many.

        `is_concerned` is asked with the source and the address of ours, of registrations and connections alike.
        """
        found = [passage for passage in self._calls.values() if passage.is_from(is_concerned)]
        for passage in found:
            self.counters["routed-dropped"] += 1
            passage.release(cause_of(_DROPPED), _DROPPED)
        return len(found)

    async def stop(self) -> None:
        """ReleaseComplete to all; afterwards no task and no timer is left."""
        for passage in list(self._calls.values()):
            passage.release(Cause.TEMPORARY_FAILURE)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def run(self, passage: _Passage) -> asyncio.Task[None]:
        """Make its second connection."""
        task = asyncio.get_running_loop().create_task(passage.connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def ended(self, call_id: bytes) -> None:
        """It is over."""
        del self._calls[call_id]

    def _refusal(self, setup: Setup, route: Route, account: str) -> str:
        """The same call once more, before it is over, has come round in a circle."""
        if not account and self._signatures is not None and self._signatures.is_expected(route.caller.account):
            self.counters["not-signed"] += 1
            return "securityDenied"
        if setup.identity.identifier in self._calls:
            return "hopCountExceeded"
        return "gatekeeperResources" if len(self._calls) >= self._settings.max_routed_calls else ""

    def _signer_for(self, terminal: Registration) -> Signer | None:
        if self._signatures is None:
            return None
        return self._signatures.signer_named(terminal.account, terminal.senders_id or terminal.account)

    def _leg(self, reference: int, signer: Signer | None, terminal: Registration, other: Registration) -> Leg:
        """What goes to it is signed for `signer`: as in calls of our own, a caller that has not signed gets nothing."""
        signatures = self._signatures
        if signatures is None:
            return Leg(reference)
        names = frozenset(alias.text for alias in other.aliases)

        def check(signal: Signal) -> Signer | Fault | None:
            found = signatures.check_later(signal, terminal.account, names, time.time())
            if isinstance(found, Signer):
                return found
            if found is not Fault.ABSENT:
                self.counters["signature-refused"] += 1
            # Whoever can put a ReleaseComplete into the connection could close it as well.
            elif signal.type != MessageType.RELEASE_COMPLETE and signatures.is_expected(terminal.account):
                self.counters["not-signed"] += 1
                return None
            return found

        return Leg(reference, signatures.seal(signer, time.time) if signer is not None else None, check)


class _End:
    """One leg, as its connection knows it (ConnectedCall)."""

    def __init__(self, passage: _Passage, side: Side) -> None:
        self._passage = passage
        self._side = side

    def receive(self, octets: bytes) -> None:
        self._passage.receive(self._side, octets)

    def signalling_lost(self) -> None:
        self._passage.lost(self._side)


class _Passage:
    """One routed call on its connections."""

    def __init__(
        self, router: Router, call: RoutedCall, number: int, route: Route, connection: SignallingConnection
    ) -> None:
        self._router = router
        self._call = call
        self._number = number
        self._route = route
        self._ends = {side: _End(self, side) for side in Side}
        self._lines: dict[Side, SignallingConnection] = {Side.CALLER: connection}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._began_at = self._loop.time()

    def begin(self, reference: int) -> None:
        self._lines[Side.CALLER].take(self._ends[Side.CALLER], reference)
        self._do(self._call.begin(self._loop.time()))
        if not self._call.is_over:
            self._connecting = self._router.run(self)

    def is_from(self, is_concerned: Callable[[str, str], bool]) -> bool:
        places = {(each.source[0], each.local) for each in (self._route.caller, self._route.called)}
        places |= {(line.remote[0], line.local[0]) for line in self._lines.values()}
        return any(is_concerned(*place) for place in places)

    def release(self, cause: Cause, reason: str = "") -> None:
        self._do(self._call.release(cause, reason))

    def receive(self, side: Side, octets: bytes) -> None:
        self._do(self._call.receive(side, octets, self._loop.time()))

    def lost(self, side: Side) -> None:
        self._do(self._call.lost(side))

    async def connect(self) -> None:
        try:
            line = await self._router.connect(self._route.called, self._call.call_id)
        except (OSError, TimeoutError) as error:
            self._connecting = None
            self._router.counters["routed-unreachable"] += 1
            logger.info("h323 routed=%d cannot be connected: %s", self._number, error)
            self._do(self._call.unreachable())
            return
        self._connecting = None
        self._lines[Side.CALLED] = line
        line.add(self._ends[Side.CALLED], _OWN_REFERENCE)
        self._do(self._call.opened(self._route.called.signalling, self._router.told_address(line), self._loop.time()))

    # ---- inside

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(side, octets):
                    self._lines[side].send(octets)
                case Answered():
                    self._router.counters["routed-answered"] += 1
                    logger.info("h323 routed=%d answered after=%.1fs", self._number, self._age_s)
                case Ended():
                    self._end(effect)
        self._arm()

    @property
    def _age_s(self) -> float:
        return self._loop.time() - self._began_at

    def _end(self, ended: Ended) -> None:
        by = ended.by.name.lower() if ended.by is not None else "us"
        logger.info(
            "h323 routed=%d ended by=%s cause=%d reason=%s after=%.1fs", self._number, by, ended.cause,
            ended.reason, self._age_s,
        )  # fmt: skip
        self._router.counters["signalling-ignored"] += self._call.ignored
        self._router.ended(self._call.call_id)
        if self._connecting is not None:
            self._connecting.cancel()
        for side, line in self._lines.items():
            line.leave(self._ends[side])

    def _arm(self) -> None:
        due = self._call.next_timeout()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._on_timeout) if due is not None else None

    def _on_timeout(self) -> None:
        self._timer = None
        self._do(self._call.on_timeout(self._loop.time()))


def _name(terminal: Registration) -> str:
    return terminal.account or terminal.identifier
