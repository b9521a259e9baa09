"""What stands around every handler: session, a password of one's own, right, CSRF token; and the audit."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from portal.auditing import record
from portal.errors import Forbidden, PasswordChangeRequired
from portal.local import BY_SOCKET
from portal.principal import principal_of
from portal.rights import may
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
    """The handler of a route, reached only by those who may, and told to the audit where it changes something."""

    async def handle(request: web.Request) -> web.StreamResponse:
        _check(request, route)
        return await route.handler(request)

    async def handle_and_record(request: web.Request) -> web.StreamResponse:
        try:
            response = await handle(request)
        except Exception as error:
            await record(request, route, error)
            raise
        await record(request, route)
        return response

    return handle_and_record if route.changes else handle


def _check(request: web.Request, route: Route) -> None:
    if route.is_public:
        return
    principal = principal_of(request)
    if route.method not in SAFE_METHODS and principal.signed_in_by != BY_SOCKET:
        check_csrf(request, session_of(request))
    if may(principal, route.access, room=request.match_info.get("number", "")):
        return
    raise PasswordChangeRequired if principal.must_change else Forbidden
