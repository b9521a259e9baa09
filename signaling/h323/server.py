"""The H.323 side of the server: takes calls and runs each of them in a task of its own."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections import Counter
from collections.abc import Callable
from functools import partial

from config.h323 import H323Settings
from mcu.fleet.worker import Fleet
from signaling.attendant.desk import Desk
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call_handle import CallHandle
from signaling.h323.calls.call import RoomCall
from signaling.h323.calls.offer import own_feature
from signaling.h323.calls.services import Identify, Services, signer
from signaling.h323.ras.address import Address
from signaling.h323.ras.registration import Registration
from signaling.h323.routing.route import Routes
from signaling.h323.routing.router import Router
from signaling.h323.signatures import Signatures
from signaling.h323.transport.call_signalling import CallSignalling
from signaling.h323.transport.signalling_connection import SignallingConnection
from signaling.services import Calls, Gate

logger = logging.getLogger(__name__)


class H323Server:
    """Started and stopped by the composition root."""

    def __init__(
        self,
        settings: H323Settings,
        gate: Gate,
        calls: Calls,
        fleet: Fleet,
        desk: Desk | None = None,
        signatures: Signatures | None = None,
        identify: Identify = signer,
        is_registered: Callable[[str], bool] | None = None,
        own_names: frozenset[str] = frozenset(),
        routes: Routes | None = None,
        call_back: Callable[[str, bytes], None] | None = None,
    ) -> None:
        """`is_registered` says of a host whether a terminal is registered from it.

        `own_names`: aliases and addresses by which terminals call the server itself, in lower case.
        `routes` knows the calls between terminals that are signalled through here; `call_back` asks an endpoint behind
        a firewall, by its endpointIdentifier, to open the connection of a call (H.460.18).
        """
        self.services = Services(settings, gate, calls, fleet, desk, identify, own_names)
        self._counters: Counter[str] = Counter()
        own = LocalEndpoint(display="Drumtower", traversal=own_feature(settings))
        self.signalling = CallSignalling(settings, self._call_came, own, signatures, self._counters, is_registered)
        self._tasks: set[asyncio.Task[None]] = set()
        self._call_back = call_back
        self._router: Router | None = None
        if routes is not None:
            told = self.signalling.told_address
            self._router = Router(settings, routes, self._line_to, told, self._counters, signatures)
            self.signalling.router = self._router

    @property
    def counters(self) -> Counter[str]:
        """What was dropped, refused or failed, by reason; cumulative."""
        return self._counters

    @property
    def gauges(self) -> dict[str, int]:
        """Calls and connections that are open now."""
        routed = len(self._router) if self._router is not None else 0
        return self.signalling.gauges | {"routed-calls": routed}

    @property
    def local_addresses(self) -> list[Address]:
        """Where terminals can call."""
        return self.signalling.addresses

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await self.signalling.start()
        logger.info("h323 listens on %s", ", ".join(f"{host}:{port}" for host, port in self.local_addresses))

    async def stop(self) -> None:
        """ReleaseComplete to all; afterwards no task and no socket is left."""
        if self._router is not None:
            await self._router.stop()
        await self.signalling.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop_routed(self, is_concerned: Callable[[str, str], bool]) -> int:
        """End calls between terminals of which one is somewhere: see Router.drop()."""
        return 0 if self._router is None else self._router.drop(is_concerned)

    def _call_came(self, call: CallHandle) -> None:
        task = asyncio.get_running_loop().create_task(RoomCall(call, self.services).run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _line_to(self, terminal: Registration, call_id: bytes) -> SignallingConnection:
        """Where a terminal that has shown no secret says that it is elsewhere, we do not go. Raises OSError."""
        if terminal.is_traversing and self._call_back is not None:
            ask = partial(self._call_back, terminal.identifier, call_id)
            return await self.signalling.called_back(call_id, terminal.source[0], ask)
        if terminal.is_translated and not terminal.account:
            raise OSError(errno.EHOSTUNREACH, "a terminal names the address of another host")
        return await self.signalling.open(terminal.signalling)
