"""What a SIP call needs of the rest of the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.sip import SipSettings
from mcu.fleet.worker import Fleet
from signaling.attendant.desk import Desk
from signaling.bfcp.ports import FloorPorts
from signaling.services import Calls, Gate
from signaling.sip.registry.identity import Challenge, Identity
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.arrivals import Arrivals
from signaling.sip.wire.message import Request

Identify = Callable[[Request, Flow], Identity | Challenge | None]


@dataclass(frozen=True, slots=True)
class Services:
    """What every call uses."""

    settings: SipSettings
    gate: Gate
    calls: Calls
    fleet: Fleet
    desk: Desk | None = None
    """The attendant; without it callers who dialled no room of theirs get a status of SIP."""
    identify: Identify | None = None
    """Who sent a request, where that can be proven; without it everybody is a guest."""
    arrivals: Arrivals | None = None
    """Which calls come by a trunk; without it none does."""
    floors: FloorPorts | None = None
    """Ports for floor control; without them shared screens are negotiated without BFCP."""
