"""What the machine carries and how busy it is."""

from __future__ import annotations

from aiohttp import web

from portal.bodies import json_response
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES


async def show_capacity(request: web.Request) -> web.Response:
    """GET /capacity: participants at 720p, load, what newcomers get; {} where nothing is measured or limited."""
    return json_response(dict(request.app[SERVICES].capacity()))


ROUTES = (Route("GET", f"{API}/capacity", show_capacity, Access.SEE_ROOMS),)
