"""What a SIP call needs of the rest of the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from config.sip import SipSettings
from mcu.fleet.worker import Fleet
from mcu.leg import Leg
from mcu.media import Grade
from mcu.participant import Participant
from signaling.admission import Admission, CallRequest, WaitReason
from signaling.attendant.desk import Desk
from signaling.bfcp.ports import FloorPorts
from signaling.sip.registry.identity import Challenge, Identity
from signaling.sip.transactions.transaction import Flow
from signaling.sip.trunks.arrivals import Arrivals
from signaling.sip.wire.message import Request

Identify = Callable[[Request, Flow], Identity | Challenge | None]


class Gate(Protocol):
    """What a call asks of signaling.admission.Gate."""

    async def admit(self, request: CallRequest) -> Admission:
        """Check room and passcode. Raises Refused."""

    async def wait_for_host(self, admission: Admission, told: Callable[[WaitReason], None]) -> Admission:
        """Return when the caller may join; `told` hears what is waited for. Raises Refused."""

    def check_media(self, admission: Admission, grade: Grade) -> None:
        """Raises Refused where the room asks for a better lock."""


class Calls(Protocol):
    """What a call asks of signaling.calls.Calls."""

    async def connect(self, leg: Leg, admission: Admission, name: str) -> Participant:
        """Let the leg into its room. Raises WorkerError."""

    async def leave(self, room: str, leg: int) -> None:
        """The peer hung up."""

    def request_floor(self, room: str, leg: int) -> bool:
        """Whether the leg may present."""

    def release_floor(self, room: str, leg: int) -> None:
        """The leg presents no longer."""

    def leg_changed(self, room: str, leg: int) -> None:
        """The leg was renegotiated."""


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
