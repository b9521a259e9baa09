"""The gatekeeper on the network: moves datagrams, arms one timer, hands events on (UDP 1719 and 224.0.1.41:1718)."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

import msgspec

from config.h323 import H323Settings
from signaling.h323.ras.address import Address
from signaling.h323.ras.admission import Accounts, Admission, Admit, Refusal
from signaling.h323.ras.alias import Alias
from signaling.h323.ras.answers import Datagram
from signaling.h323.ras.calls import AdmittedCall
from signaling.h323.ras.events import Event, NotProven, Registered, Unregistered
from signaling.h323.ras.gatekeeper import Gatekeeper
from signaling.h323.ras.own_requests import OwnRequests
from signaling.h323.ras.registration import Registration
from signaling.h323.ras.registrations import RegistrationStore
from signaling.h323.ras.udp import RasSocket, bind, join
from signaling.network_access import NetworkAccess
from signaling.rates import SourceRates, Verdict
from signaling.tries import SourceTries

logger = logging.getLogger(__name__)

_TICK_S: Final = 1.0
"""Registrations are looked at this often, whatever else is due."""
_SOONEST_S: Final = 0.02
_LINES_PER_TICK: Final = 50
"""Of the log; the counters count everything."""


class GatekeeperServer:
    """One gatekeeper with its sockets. `observe` is called for every event and must not block."""

    def __init__(
        self,
        settings: H323Settings,
        accounts: Accounts,
        admission: Admission,
        observe: Callable[[Event], None],
        store: RegistrationStore | None = None,
        tries: SourceTries | None = None,
        clock: Callable[[], float] = time.time,
        access: NetworkAccess | None = None,
    ) -> None:
        """`tries` slows those down who guess passwords; `access`: whether the network knows who registers."""
        self._settings = settings
        self._accounts = accounts
        self._admission = admission
        self._observe = observe
        self._store = store
        self._tries = tries
        self._access = access
        self._rates = SourceRates(
            settings.ras_messages_per_s_per_source,
            settings.ras_message_burst_per_source,
            settings.stranger_ras_messages_per_s,
            max_sources=settings.max_sources,
            unlimited=settings.unlimited_networks,
        )
        self._clock = clock
        self._counters: Counter[str] = Counter()
        self._sockets: dict[str, RasSocket] = {}
        self._gatekeeper: Gatekeeper | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._open = ExitStack()
        self._lines_left = _LINES_PER_TICK

    async def start(self, kept: Iterable[Registration] = ()) -> None:
        """Bind and serve; `kept` was registered before a restart. Raises OSError where an address cannot be had."""
        with ExitStack() as opening:
            opening.callback(self._sockets.clear)
            port = self._settings.ras_port
            for entry in self._settings.listen:
                ours = self._serve(opening, entry.address, port, is_multicast=False)
                self._sockets[entry.address] = ours
                port = ours.local[1]
                if self._settings.has_multicast and ":" not in entry.address:
                    self._serve(opening, entry.address, port, is_multicast=True)
            settings = msgspec.structs.replace(self._settings, ras_port=port)
            self._gatekeeper = Gatekeeper(
                settings, self._accounts, self._admission, secrets.token_bytes, self._store, self._tries, self._access
            )
            self._gatekeeper.zone.registrations.load(kept, self._clock())
            self._open = opening.pop_all()
        self._arm()

    async def stop(self) -> None:
        """Close the sockets; terminals that are registered find out by their time to live."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._open.close()

    @property
    def addresses(self) -> list[Address]:
        """Where it listens."""
        return [ours.local for ours in self._sockets.values()]

    def registrations(self) -> list[Registration]:
        """Who is registered now."""
        return self._started.zone.registrations.all()

    def find(self, aliases: Sequence[Alias]) -> Registration | None:
        """The endpoint that has the first of these aliases that anybody has."""
        return self._started.zone.registrations.find(aliases)

    def admitted(self, identifier: str, call_id: bytes) -> tuple[Registration, AdmittedCall] | None:
        """Who an endpointIdentifier is, and its call of this callIdentifier; None where it was not admitted."""
        zone = self._started.zone
        registration = zone.registrations.get(identifier.rstrip("\0"))
        call = zone.calls.get(registration.identifier, call_id) if registration is not None else None
        return (registration, call) if registration is not None and call is not None else None

    def routed(self, call_id: bytes) -> list[tuple[Registration, Registration]]:
        """Who may make the call of this callIdentifier, and whom it is passed on to: one, unless two chose the same."""
        zone = self._started.zone
        calls = zone.calls.routed(call_id)
        pairs = ((zone.registrations.get(call.identifier), zone.registrations.get(call.routed_to)) for call in calls)
        return [(caller, called) for caller, called in pairs if caller is not None and called is not None]

    @property
    def has_routed(self) -> bool:
        """Whether there is any such call."""
        return self._started.zone.calls.has_routed

    def decide(self, ticket: int, verdict: Admit | Refusal) -> None:
        """The owner's answer to an admission that it left open."""
        self._send(self._started.decide(ticket, verdict, self._clock()))

    def ask(self, request: Callable[[OwnRequests, float], list[Datagram]]) -> None:
        """Send a request of ours: `ask(lambda own, now: own.query(identifier, now))`."""
        self._send(request(self._started.requests, self._clock()))

    @property
    def counters(self) -> Counter[str]:
        """Messages by name and direction, drops by cause; cumulative."""
        return self._counters + Counter(self._started.counters) + self._rates.counters

    @property
    def gauges(self) -> dict[str, int]:
        """Sizes of the tables."""
        return self._started.gauges | {"sources": len(self._rates)}

    @property
    def _started(self) -> Gatekeeper:
        if self._gatekeeper is None:
            raise RuntimeError("the gatekeeper is not started")
        return self._gatekeeper

    def _serve(self, opening: ExitStack, address: str, port: int, *, is_multicast: bool) -> RasSocket:
        made = join(address) if is_multicast else bind(address, port)
        receive = partial(self._received, address, is_multicast)
        batch, most = self._settings.udp_batch, self._settings.max_datagram_bytes
        ours = RasSocket(made, receive, self._counters, batch, most)
        opening.callback(ours.close)
        return ours

    def _received(self, local: str, is_multicast: bool, octets: bytes, source: Address) -> None:
        if self._is_flood(source):
            return
        now = self._clock()
        self._send(self._started.receive(octets, source, now, local=local, is_multicast=is_multicast))

    def _is_flood(self, source: Address) -> bool:
        """Whether to drop what comes from there: a source has its share, and strangers have one together."""
        now = asyncio.get_running_loop().time()
        if self._started.zone.registrations.has_source(source):
            self._rates.vouch(source[0], now)
        return self._rates.judge(source[0], now) is not Verdict.PASS

    def _send(self, datagrams: Iterable[Datagram]) -> None:
        for datagram in datagrams:
            # A registration of before a restart may name an address that is ours no more.
            ours = self._sockets.get(datagram.local) or next(iter(self._sockets.values()), None)
            if ours is not None:
                ours.send(datagram.octets, datagram.remote)
        self._tell()
        self._arm()

    def _tell(self) -> None:
        while (event := self._started.next_event()) is not None:
            if self._lines_left:
                self._lines_left -= 1
                _log(event)
            self._observe(event)

    def _arm(self) -> None:
        """Wake up for what is due; a timer that fires earlier stays."""
        due = self._started.next_timeout()
        delay_s = _TICK_S if due is None else min(_TICK_S, max(_SOONEST_S, due - self._clock()))
        loop = asyncio.get_running_loop()
        if not self._sockets or (self._timer is not None and self._timer.when() <= loop.time() + delay_s):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._lines_left = _LINES_PER_TICK
        self._send(self._started.on_timeout(self._clock()))


def _log(event: Event) -> None:
    match event:
        case Registered(registration):
            aliases = " ".join(map(str, registration.aliases))
            logger.info("endpoint=%s registered from=%s:%d %s", registration.identifier, *registration.source, aliases)
        case Unregistered(registration, why):
            logger.info("endpoint=%s %s", registration.identifier, why.value)
        case NotProven(request, sender, source, fault):
            logger.warning("endpoint=? not proven %s from=%s:%d as=%r: %s", request, *source, sender[:64], fault.name)
        case _:
            pass
