"""WebSocket /events: a snapshot of all conferences, then every change."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import WSCloseCode, web

from portal.errors import Unavailable
from portal.hub import HUB, Client, TooManyClients
from portal.principal import principal_of
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES
from portal.sessions import cookie_name

_HEARTBEAT_S = 20.0
_CLOSE_TIMEOUT_S = 3.0
_MAX_MESSAGE_BYTES = 1024
_RECHECK_S = 30.0
SIGNED_OUT = 4401
"""Close code: the session ended."""


async def events(request: web.Request) -> web.StreamResponse:
    """GET /events: pages send nothing; anything they do send is read and ignored."""
    try:
        with request.app[HUB].subscribed(principal_of(request)) as client:
            return await _serve(request, client)
    except TooManyClients:
        raise Unavailable(headers={"Retry-After": "5"}) from None


async def _serve(request: web.Request, client: Client) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(
        heartbeat=_HEARTBEAT_S, timeout=_CLOSE_TIMEOUT_S, max_msg_size=_MAX_MESSAGE_BYTES, compress=False
    )
    await socket.prepare(request)
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(_write(request, socket, client))
        async for _ in socket:
            pass
        client.cut_off()
        writer.cancel()
    return socket


async def _write(request: web.Request, socket: web.WebSocketResponse, client: Client) -> None:
    code, loop = WSCloseCode.TRY_AGAIN_LATER.value, asyncio.get_running_loop()
    recheck_at = loop.time() + _RECHECK_S
    with contextlib.suppress(ConnectionError, RuntimeError, TimeoutError):
        while True:
            text = await _next(client, recheck_at - loop.time())
            if text is None:
                break
            if text:
                await socket.send_str(text)
            if loop.time() >= recheck_at:
                recheck_at = loop.time() + _RECHECK_S
                if not await _is_alive(request):
                    break
        if not await _is_alive(request):
            code = SIGNED_OUT
        await socket.close(code=code)


async def _next(client: Client, timeout_s: float) -> str | None:
    """The next message, None at the end, "" when `timeout_s` passed."""
    try:
        async with asyncio.timeout(max(0.0, timeout_s)):
            return await client.next()
    except TimeoutError:
        return ""


async def _is_alive(request: web.Request) -> bool:
    services = request.app[SERVICES]
    token = request.cookies.get(cookie_name(request), "")
    return await services.sessions.find(token, now=services.now()) is not None


ROUTES = (Route("GET", f"{API}/events", events, Access.SEE_ROOMS),)
