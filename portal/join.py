"""The join page: its files, and the WebSocket that carries the signalling of one browser."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path

from aiohttp import WSMsgType, web

from config.webrtc import WebrtcSettings
from portal.errors import CrossSite
from portal.middleware import is_same_origin
from signaling.webrtc.protocol import MAX_MESSAGE_BYTES
from signaling.webrtc.seats import Seats
from signaling.webrtc.services import Services, Visitor
from signaling.webrtc.session import Session

_FOLDER = Path(__file__).with_name("web") / "join"
_CLOSE_TIMEOUT_S = 3.0

SEATS: web.AppKey[Seats] = web.AppKey("join_seats", Seats)

SignedInAs = Callable[[web.Request], str]


def add_routes(app: web.Application, services: Services, signed_in_as: SignedInAs = lambda _request: "") -> Seats:
    """Serve the page under /join and its WebSocket under /api/v1/join, for as long as `app` runs."""
    seats = Seats(services)
    app[SEATS] = seats
    app.cleanup_ctx.append(_watch_seats)
    app.on_shutdown.append(_say_goodbye)
    app.router.add_get("/join", _page)
    app.router.add_get("/join/{room}", _page)
    app.router.add_get("/api/v1/join", partial(_serve_socket, signed_in_as=signed_in_as))
    app.router.add_static("/static/join", _FOLDER)
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


async def _serve_socket(request: web.Request, signed_in_as: SignedInAs) -> web.StreamResponse:
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
            await Session(seats, visitor_of(request, settings, signed_in_as(request)), link).serve()
        finally:
            writer.cancel()
    return socket


def visitor_of(request: web.Request, settings: WebrtcSettings, user: str) -> Visitor:
    """Who calls, by the transport; a header is believed only from a proxy that the settings name."""
    transport = request.transport
    peer = _host(transport.get_extra_info("peername")) if transport is not None else ""
    local = _host(transport.get_extra_info("sockname")) if transport is not None else ""
    source, is_secure = peer, request.secure or (_is_loopback(peer) and _is_loopback(local))
    if _is_in(peer, settings.trusted_proxies):
        is_secure = request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        # The proxy appends the address that it saw itself: only the last one is its own word.
        forwarded = request.headers.getall("X-Forwarded-For", [])
        source = _numeric(forwarded[-1].rpartition(",")[2].strip()) if forwarded else peer
    return Visitor(
        source=source or peer,
        local_address=local,
        is_secure=is_secure,
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


def _host(name: object) -> str:
    return _numeric(str(name[0])) if isinstance(name, tuple) and name else ""


def _numeric(text: str) -> str:
    """A plain IP address, IPv4 in IPv6 unwrapped; "" for anything else."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _is_loopback(address: str) -> bool:
    return bool(address) and ip_address(address).is_loopback


def _is_in(address: str, networks: tuple[str, ...]) -> bool:
    return bool(address) and any(ip_address(address) in ip_network(network, strict=False) for network in networks)
