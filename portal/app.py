"""The portal as one aiohttp application: pages, API, events; the composition root runs it."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from portal.api.session import DOORS, Doors
from portal.bodies import MAX_BODY_BYTES
from portal.guard import add_routes
from portal.hub import let_pages_go, run_hub
from portal.local import local_principal
from portal.metrics import measure_lag
from portal.middleware import guard_request, set_security_headers
from portal.pages import FOLDERS
from portal.principal import PRINCIPAL
from portal.recording_audit import run_recording_audit
from portal.routes import CONSOLE
from portal.services import SERVICES, Services
from portal.sessions import load_session
from portal.source import PROXIES, Proxies

__all__ = ["Services", "create_app"]


def create_app(services: Services) -> web.Application:
    """The application; run it with AppRunner on loopback HTTP or with TLS."""
    app = web.Application(middlewares=[guard_request, _find_session], client_max_size=MAX_BODY_BYTES)
    app[SERVICES] = services
    app[PROXIES] = Proxies.of(services.settings)
    app[DOORS] = Doors(services)
    app.on_response_prepare.append(set_security_headers)
    app.on_shutdown.append(let_pages_go)
    app.cleanup_ctx.extend([run_hub, measure_lag, run_recording_audit])
    add_routes(app, CONSOLE)
    for prefix, folder in FOLDERS.items():
        app.router.add_static(prefix, folder)
    for add_further in services.extra_routes:
        add_further(app)
    return app


@web.middleware
async def _find_session(request: web.Request, handler: Handler) -> web.StreamResponse:
    if (local := local_principal(request)) is not None:
        request[PRINCIPAL] = local
    elif not request.path.startswith("/static/"):
        await load_session(request)
    return await handler(request)
