"""The portal as one aiohttp application: pages, API, events; the composition root runs it."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from portal.api.session import DOORS, Doors
from portal.bodies import MAX_BODY_BYTES
from portal.errors import NotFound
from portal.hub import let_pages_go, run_hub
from portal.metrics import measure_lag
from portal.middleware import guard_request, set_security_headers
from portal.routes import add_api
from portal.services import SERVICES, Services
from portal.sessions import load_session

__all__ = ["Services", "create_app"]

_WEB = Path(__file__).with_name("web")
_PAGES = (
    "/",
    "/rooms",
    "/rooms/{number:\\d{1,12}}",
    "/recordings",
    "/recordings/{recording:[A-Za-z0-9_-]{1,64}}",
    "/terminals",
    "/network",
)
_STATIC_FOLDERS = ("js", "i18n", "img")
_STATIC_FILES = ("style.css", "console.css")


def create_app(services: Services) -> web.Application:
    """The application; run it with AppRunner on loopback HTTP or with TLS."""
    app = web.Application(middlewares=[guard_request, _find_session], client_max_size=MAX_BODY_BYTES)
    app[SERVICES] = services
    app[DOORS] = Doors(services)
    app.on_response_prepare.append(set_security_headers)
    app.on_shutdown.append(let_pages_go)
    app.cleanup_ctx.extend([run_hub, measure_lag])
    add_api(app)
    for add_routes in services.extra_routes:
        add_routes(app)
    _add_pages(app)
    return app


@web.middleware
async def _find_session(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.path.startswith("/static/"):
        await load_session(request)
    return await handler(request)


def _add_pages(app: web.Application) -> None:
    for path in _PAGES:
        app.router.add_get(path, _page)
    for folder in _STATIC_FOLDERS:
        app.router.add_static(f"/static/{folder}", _WEB / folder)
    app.router.add_get("/static/{file}", _file)


async def _page(_request: web.Request) -> web.StreamResponse:
    # One shell for all pages: which one is shown, and whether somebody is signed in, the script finds out.
    return web.FileResponse(_WEB / "index.html", headers={"Cache-Control": "no-cache"})


async def _file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["file"]
    if name not in _STATIC_FILES:
        raise NotFound
    return web.FileResponse(_WEB / name, headers={"Cache-Control": "no-cache"})
