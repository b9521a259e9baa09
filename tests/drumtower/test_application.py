"""The whole server put together, not started: what its portal serves and shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.web_urldispatcher import StaticResource

from config.settings import load
from drumtower.application import Application
from drumtower.portal_office import portal_services
from portal import join, pages
from portal.app import create_app
from portal.routes import ROUTES

PORTS = """
[[dot1x.sites]]
name = "north"
networks = ["10.0.0.0/8"]
mode = "monitor"
"""


@pytest.fixture
async def application(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Application]:
    file = tmp_path / "drumtower.toml"
    file.write_text(getattr(request, "param", ""))
    environ = {"HOME": str(tmp_path / "home"), "DRUMTOWER_SERVER_DATA": str(tmp_path / "data")}
    application = Application(load(file, environ))
    yield application
    application.hasher.close()
    await application.database.close()


async def test_its_portal_serves_what_is_in_the_table_of_routes_and_nothing_else(application: Application) -> None:
    router = create_app(portal_services(application)).router
    folders = {resource.canonical for resource in router.resources() if isinstance(resource, StaticResource)}
    served = {
        (route.method, resource.canonical)
        for resource in router.resources()
        if not isinstance(resource, StaticResource)
        for route in resource
    }
    table = {(route.method, route.canonical) for route in ROUTES}
    assert served == table | {("HEAD", path) for method, path in table if method == "GET"}
    assert folders == {*pages.FOLDERS, *join.FOLDERS}


async def test_metrics_have_figures_of_every_part(application: Application) -> None:
    services = portal_services(application)
    names = {sample.name for source in services.metrics for sample in source()}
    assert names >= {"attendant_open", "capacity", "dialing", "process_restarts", "registered"}
    assert len(services.metrics) == 19
    assert services.health.keys() == {"media", "disk"}
    assert await services.health["disk"]()


@pytest.mark.parametrize(("application", "is_known"), [("", False), (PORTS, True)], indirect=["application"])
async def test_the_network_is_shown_where_something_is_known_of_it(application: Application, is_known: bool) -> None:
    services = portal_services(application)
    assert (services.network is not None, services.ports, services.radius) == (is_known, None, None)


@pytest.mark.parametrize("application", ["[recording]\nmin_free_bytes = 1000000000000000000\n"], indirect=True)
async def test_a_full_disk_is_told(application: Application) -> None:
    assert not await portal_services(application).health["disk"]()
