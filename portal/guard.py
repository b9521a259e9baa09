"""What stands before every handler: the session, a password of one's own, the right, the CSRF token."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from portal.errors import Forbidden, PasswordChangeRequired
from portal.principal import principal_of
from portal.rights import Access, may
from portal.route import SAFE_METHODS, Route
from portal.sessions import check_csrf, session_of


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Put a table into the application, every handler behind its guard."""
    for route in routes:
        if route.method == "GET":
            app.router.add_get(route.path, guarded(route), allow_head=True)
        else:
            app.router.add_route(route.method, route.path, guarded(route))


def guarded(route: Route) -> Handler:
    """The handler of a route, reached only by those who may."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if route.access is not Access.PUBLIC:
            _check(request, route)
        return await route.handler(request)

    return handle


def _check(request: web.Request, route: Route) -> None:
    principal = principal_of(request)
    if route.method not in SAFE_METHODS:
        check_csrf(request, session_of(request))
    if may(principal, route.access, room=request.match_info.get("number", "")):
        return
    raise PasswordChangeRequired if principal.must_change else Forbidden
