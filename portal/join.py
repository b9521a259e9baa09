"""The join page: its files, and the WebSocket that carries the signalling of one browser."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from pathlib import Path

from aiohttp import WSMsgType, web

from portal import guard
from portal.errors import CrossSite
from portal.middleware import is_same_origin
from portal.rights import Access
from portal.route import API, Route
from portal.source import Source, host_of, source_of
from signaling.webrtc.protocol import MAX_MESSAGE_BYTES
from signaling.webrtc.seats import Seats
from signaling.webrtc.services import Services, Visitor
from signaling.webrtc.session import Session

_FOLDER = Path(__file__).with_name("web") / "join"
FOLDERS = {"/static/join": _FOLDER}
"""Served as they are, to everybody."""
_CLOSE_TIMEOUT_S = 3.0

SEATS: web.AppKey[Seats] = web.AppKey("join_seats", Seats)

SignedInAs = Callable[[web.Request], str]
_SIGNED_IN_AS: web.AppKey[SignedInAs] = web.AppKey("signed_in_as")


def add_routes(app: web.Application, services: Services, signed_in_as: SignedInAs = lambda _request: "") -> Seats:
    """Serve the page under /join and its WebSocket under /api/v1/join, for as long as `app` runs."""
    seats = Seats(services)
    app[SEATS] = seats
    app[_SIGNED_IN_AS] = signed_in_as
    app.cleanup_ctx.append(_watch_seats)
    app.on_shutdown.append(_say_goodbye)
    guard.add_routes(app, ROUTES)
    for prefix, folder in FOLDERS.items():
        app.router.add_static(prefix, folder)
    return seats


async def _watch_seats(app: web.Application) -> AsyncIterator[None]:
    watcher = asyncio.create_task(app[SEATS].run())
    yield
    watcher.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watcher


async def _say_goodbye(app: web.Application) -> None:
    await app[SEATS].close()


async def _page(_request: web.Request) -> web.StreamResponse:
    # The room stands in the address and is read by the page; the server's answer is the same for every room.
    return web.FileResponse(_FOLDER / "index.html", headers={"Cache-Control": "no-cache"})


async def _serve_socket(request: web.Request) -> web.StreamResponse:
    if not is_same_origin(request):
        raise CrossSite
    seats = request.app[SEATS]
    settings = seats.services.settings
    socket = web.WebSocketResponse(
        max_msg_size=2 * MAX_MESSAGE_BYTES, heartbeat=settings.heartbeat_s, timeout=_CLOSE_TIMEOUT_S
    )
    await socket.prepare(request)
    transport = request.transport
    abort = transport.abort if isinstance(transport, asyncio.WriteTransport) else _nothing
    link = SocketLink(socket, settings.max_queued_messages, abort)
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(link.write())
        try:
            visitor = visitor_of(request, source_of(request), request.app[_SIGNED_IN_AS](request))
            await Session(seats, visitor, link).serve()
        finally:
            writer.cancel()
    return socket


def visitor_of(request: web.Request, source: Source, user: str) -> Visitor:
    """Who calls: by the transport, or as a trusted proxy says."""
    transport = request.transport
    local = host_of(transport.get_extra_info("sockname")) if transport is not None else ""
    is_here = not source.is_proxied and _is_loopback(source.address) and _is_loopback(local)
    return Visitor(
        source=source.address,
        local_address=local,
        is_secure=source.is_secure or is_here,
        is_trusted=bool(user),
        identity=user,
    )


class SocketLink:
    """One aiohttp WebSocket as a Link; a single task writes, so that nobody waits for a slow page."""

    def __init__(self, socket: web.WebSocketResponse, max_queued: int, abort: Callable[[], None]) -> None:
        """`abort` ends the connection without a word, for a page that does not read."""
        self._socket = socket
        self._abort = abort
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(max_queued)
        self._written = asyncio.Event()
        self._is_closing = False

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Text and binary messages, until the WebSocket closes."""
        async for message in self._socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                yield message.data

    def send(self, text: str) -> None:
        """Queue a message; a page that does not read is cut off."""
        if self._is_closing:
            return
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self._is_closing = True
            self._abort()

    async def close(self) -> None:
        """Deliver what is queued, then close; bounded in time."""
        self._stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._written.wait()

    async def write(self) -> None:
        """Write what is queued until the link is closed, then close the WebSocket."""
        try:
            while (text := await self._queue.get()) is not None:
                await self._socket.send_str(text)
        except (ConnectionError, RuntimeError):
            self._is_closing = True
        finally:
            with contextlib.suppress(ConnectionError, RuntimeError, TimeoutError):
                await self._socket.close()
            self._written.set()

    def _stop(self) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        if self._queue.full():
            self._abort()
        else:
            self._queue.put_nowait(None)


def _nothing() -> None:
    """The connection is gone already."""


def _is_loopback(address: str) -> bool:
    return bool(address) and ip_address(address).is_loopback


ROUTES = (
    Route("GET", "/join", _page, Access.PUBLIC),
    Route("GET", "/join/{room}", _page, Access.PUBLIC),
    Route("GET", f"{API}/join", _serve_socket, Access.PUBLIC),
)
