"""GET /healthz and GET /metrics, for those who watch the server."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from ipaddress import ip_network

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from portal.bodies import json_response
from portal.errors import NotSignedIn
from portal.metrics import exposition
from portal.principal import PRINCIPAL
from portal.rights import Access, may
from portal.route import Route
from portal.services import SERVICES, HealthCheck, Services
from portal.source import is_in, source_of

logger = logging.getLogger(__name__)
_PATIENCE_S = 2.0


async def healthz(request: web.Request) -> web.Response:
    """200 when every part works, 503 when one does not; which one is said, why is in the log."""
    services = request.app[SERVICES]
    checks: dict[str, HealthCheck] = {"store": partial(_store_answers, services), **services.health}
    outcomes = await asyncio.gather(*(_run(name, check) for name, check in checks.items()))
    parts = dict(zip(checks, outcomes, strict=True))
    is_healthy = all(outcomes)
    body = {
        "status": "ok" if is_healthy else "failing",
        "checks": {n: "ok" if o else "failing" for n, o in parts.items()},
    }
    return json_response(body, status=200 if is_healthy else 503, headers={"Cache-Control": "no-store"})


async def metrics(request: web.Request) -> web.Response:
    """Prometheus text, for the networks of the settings and for those who have the right."""
    if not _may_read(request):
        raise NotSignedIn
    return web.Response(body=exposition(request.app), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _store_answers(services: Services) -> bool:
    await services.rooms.get("00")
    return True


async def _run(name: str, check: HealthCheck) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await check()
    except Exception:
        logger.exception("health check=%s failed", name)
        return False


def _may_read(request: web.Request) -> bool:
    if may(request.get(PRINCIPAL), Access.SEE_METRICS):
        return True
    source = source_of(request)
    if source.is_doubtful or not source.address:
        return False
    networks = request.app[SERVICES].settings.metrics_networks
    return is_in(source.address, [ip_network(network, strict=False) for network in networks])


ROUTES = (
    Route("GET", "/healthz", healthz, Access.PUBLIC),
    # Who may read the metrics is decided by the handler: a monitoring system has an address, not a session.
    Route("GET", "/metrics", metrics, Access.PUBLIC),
)
