"""What the portal is given of the server: every part that it shows or changes is wired in here, in one place each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from drumtower.figures import figures
from drumtower.keyring import relays
from portal.join import add_routes
from portal.services import HealthCheck, Services, TerminalServices
from portal.sessions import signed_in_as
from signaling.webrtc.services import Services as BrowserServices

if TYPE_CHECKING:
    from drumtower.application import Application


def portal_services(server: Application) -> Services:
    """All of it."""
    settings, network = server.settings, server.network
    return Services(
        settings=settings.portal,
        users=server.database.users,
        sessions=server.database.sessions,
        rooms=server.database.rooms,
        recordings=server.database.recordings,
        hasher=server.hasher,
        gate=server.gate,
        conferences=server.conferences,
        calls=server.calls,
        library=server.recordings.library,
        dial_addresses=server.dial_addresses,
        is_taken=settings.attendant.is_test_room,
        terminals=_terminals(server),
        dialer=server.dialing.dialer,
        trunks=server.dialing.trunk_rows,
        network=network.access,
        ports=network.ports if settings.dot1x.enforcement.ports else None,
        radius=network.radius if settings.dot1x.eap_server.clients else None,
        capacity=server.capacity.status,
        health=_health(server),
        metrics=figures(server),
        extra_routes=(lambda app: _add_door(app, server),),
    )


def _terminals(server: Application) -> TerminalServices:
    terminals = server.terminals
    endpoints = server.h323 if server.settings.h323.enabled else None
    return TerminalServices(terminals.book, terminals.directory, terminals.registration.registrations, endpoints)


def _health(server: Application) -> dict[str, HealthCheck]:
    async def media_is_well() -> bool:
        return all(worker.is_whole for worker in server.fleet.workers)

    return {"media": media_is_well, "disk": server.recordings.has_room}


def _add_door(app: web.Application, server: Application) -> None:
    """The join page, where browsers come in."""
    browsers = BrowserServices(
        server.gate,
        server.fleet,
        server.calls,
        server.conferences,
        server.settings.webrtc,
        dialer=server.dialing.dialer,
        relays=relays(server.settings),
    )
    add_routes(app, browsers, signed_in_as)
