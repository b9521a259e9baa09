"""All routes of the portal: the tables of the modules that answer them, joined."""

from __future__ import annotations

from portal import join, pages
from portal.api import (
    calls,
    capacity,
    conferences,
    events,
    health,
    network,
    network_ports,
    participants,
    recordings,
    rooms,
    session,
    terminals,
    waiting,
)
from portal.route import joined

CONSOLE = joined(
    health.ROUTES,
    session.ROUTES,
    rooms.ROUTES,
    waiting.ROUTES,
    conferences.ROUTES,
    participants.ROUTES,
    calls.ROUTES,
    capacity.ROUTES,
    recordings.ROUTES,
    terminals.ROUTES,
    network.ROUTES,
    network_ports.ROUTES,
    events.ROUTES,
    pages.ROUTES,
)
ROUTES = joined(CONSOLE, join.ROUTES)
"""With those that the join page adds itself, where browsers may call."""
