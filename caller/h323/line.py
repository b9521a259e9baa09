"""How a call of our terminal comes about: it is dialled, or waited for; with a gatekeeper where one is needed."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from caller.h323.account import OwnAccount, signatures_of
from caller.h323.gatekeeper import Gatekeeper, NotRegistered
from caller.h323.options import FirewallTraversal
from caller.h323.registration import CallBack, Self
from caller.options import CallOptions
from config.h323 import H323Settings
from config.media import LocalAddress
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call_handle import CallHandle
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.ras.alias import make as make_alias
from signaling.h323.transport.call_signalling import CallSignalling
from signaling.h323.traversal import MediaFeature


class Line:
    """Open it, register() where that is wished, then dial() or wait(), and close it at last."""

    def __init__(self, options: CallOptions, address: str) -> None:
        self._options = options
        self._address = address
        self._tasks: set[asyncio.Task[None]] = set()
        self._call: asyncio.Future[CallHandle] = asyncio.get_running_loop().create_future()
        self._gatekeeper: Gatekeeper | None = None
        self._own = _endpoint(options)
        self.signalling = CallSignalling(
            H323Settings(listen=(LocalAddress(address),), signalling_port=0),
            self._take,
            self._own,
            signatures_of(options.h323.account, options.h323.password),
        )

    async def open(self) -> None:
        """Listen. Raises OSError."""
        await self.signalling.start()

    async def close(self) -> None:
        """Say goodbye; afterwards no task and no socket is left."""
        if self._gatekeeper is not None:
            self._gatekeeper.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._call.cancel()
        await self.signalling.stop()

    async def register(self) -> None:
        """Until the gatekeeper knows us. Raises OSError, NotRegistered."""
        options = self._options.h323
        host = (await self._there())[0]
        self._gatekeeper = Gatekeeper(self._call_back)
        await self._gatekeeper.register((host, options.ras_port), self._address, self._self)

    async def dial(self, called: Alias) -> CallHandle:
        """A connection to the host of the address; the call is to be placed on it. Raises OSError, TimeoutError."""
        return await self.signalling.connect(await self._there(), self._address, (called,))

    async def wait(self, stop: asyncio.Event) -> CallHandle | None:
        """The first call that comes; None when `stop` is set before. Raises NotRegistered: nobody can call us now."""
        stopped: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
        waits: set[asyncio.Future[Any]] = {self._call, stopped}
        if self._gatekeeper is not None:
            waits.add(self._gatekeeper.lost)
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._call.done():
            return self._call.result()
        if self._gatekeeper is not None and self._gatekeeper.lost.done():
            raise NotRegistered(f"registered no longer: {self._gatekeeper.lost.result()}")
        return None

    async def _there(self) -> Address:
        target = self._options.h323_target()
        found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        return str(found[0][4][0]), target.port

    def _self(self, ras: Address) -> Self:
        options = self._options.h323
        target = self._options.h323_target()
        alias = alias_of(target.alias if options.waits else options.account)
        account = OwnAccount(options.account, options.password).account_of("") if options.account else None
        signalling = self.signalling.addresses[0]
        return Self((alias,), signalling, ras, self._own.endpoint_type(), self._own.is_hidden, account)

    def _take(self, call: CallHandle) -> None:
        """Somebody calls: the first one, if we wait for any."""
        if self._options.h323.waits and not self._call.done():
            self._call.set_result(call)
        else:
            call.release(reason="destinationRejection" if not self._options.h323.waits else "inConf")

    def _call_back(self, event: CallBack) -> None:
        task = asyncio.get_running_loop().create_task(self._open(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, event: CallBack) -> None:
        try:
            await self.signalling.call_back(event.where, event.call, self._address)
        except (OSError, TimeoutError):
            self.signalling.counters["call-back-failed"] += 1


def alias_of(text: str) -> Alias:
    """Digits as such, whatever else as a name."""
    alias = make_alias(AliasKind.DIALLED_DIGITS, text)
    return alias if alias is not None else Alias(AliasKind.H323_ID, text)


def _endpoint(options: CallOptions) -> LocalEndpoint:
    h323 = options.h323
    name = make_alias(AliasKind.H323_ID, h323.account or options.name)
    traversal = None
    if h323.traversal is not FirewallTraversal.NONE:
        traversal = MediaFeature(multiplexes=h323.traversal is FirewallTraversal.MULTIPLEXED)
    return LocalEndpoint(
        () if name is None else (name,),
        options.name if options.name.isascii() else "",  # Display is IA5, the alias is not
        is_mcu=False,
        terminal_type=h323.terminal_type,
        offers_tunnelling=h323.is_tunnelling,
        traversal=traversal,
    )
