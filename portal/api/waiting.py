"""Who waits outside a room, and what an administrator or host does about that."""

from __future__ import annotations

from aiohttp import web

from portal.auditing import tell
from portal.bodies import json_response, room_number, waiting_id
from portal.errors import NotFound
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES


async def list_waiting(request: web.Request) -> web.Response:
    """GET /rooms/{number}/waiting: also where nobody is inside yet."""
    waiting = request.app[SERVICES].gate.waiting(room_number(request))
    return json_response({"waiting": [one.snapshot() for one in waiting]})


async def let_in(request: web.Request) -> web.Response:
    """POST .../waiting/{waiting}/let-in: this caller comes in, whatever it is that is waited for."""
    return _decide(request, is_let_in=True)


async def turn_away(request: web.Request) -> web.Response:
    """POST .../waiting/{waiting}/turn-away: this caller is told that the host does not let it in."""
    return _decide(request, is_let_in=False)


def _decide(request: web.Request, *, is_let_in: bool) -> web.Response:
    gate, number, waiting = request.app[SERVICES].gate, room_number(request), waiting_id(request)
    if not (gate.let_in if is_let_in else gate.turn_away)(number, waiting):
        raise NotFound
    tell(request)
    return web.Response(status=204)


_WAITING = f"{API}/rooms/{{number}}/waiting"
_ONE = f"{_WAITING}/{{waiting}}"
ROUTES = (
    Route("GET", _WAITING, list_waiting, Access.SEE_ROOMS),
    Route("POST", f"{_ONE}/let-in", let_in, Access.CONTROL_CONFERENCES, changes="caller.let-in"),
    Route("POST", f"{_ONE}/turn-away", turn_away, Access.CONTROL_CONFERENCES, changes="caller.turned-away"),
)
