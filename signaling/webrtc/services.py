"""What a session needs of the rest of the server, as small faces; the composition root fills them in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

from config.webrtc import WebrtcSettings
from mcu.conference import Conference, ConferenceEvent, Participant
from mcu.fleet.worker import Fleet
from mcu.leg import Leg
from mcu.media import Grade
from mcu.participant import Role
from signaling.admission import Admission, CallRequest, Waiting, WaitReason
from signaling.placed import PlacedCall
from signaling.tries import Block
from signaling.webrtc.turn import Relays


class Gate(Protocol):
    """The one gate of all protocols (signaling.admission)."""

    async def admit(self, request: CallRequest) -> Admission:
        """Let a caller in as far as the waiting room. Raises Refused."""

    async def check_network(self, request: CallRequest) -> str:
        """As whom the network of the caller knows it. Raises Refused."""

    def check_media(self, admission: Admission, grade: Grade) -> None:
        """Whether this lock is good enough for the room. Raises Refused."""

    async def wait_for_host(self, admission: Admission, told: Callable[[WaitReason], None]) -> Admission:
        """Return when the caller may come in; `told` hears what is waited for. Raises Refused."""

    def waiting(self, room: str) -> list[Waiting]:
        """Who waits outside a room."""

    def let_in(self, room: str, waiting: int) -> bool:
        """A host lets one in; False when nobody of that number waits."""

    def turn_away(self, room: str, waiting: int) -> bool:
        """A host sends one away; False when nobody of that number waits."""

    def observe_waiting(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call back with the room when the people outside it change; the result stops that."""

    def blocked(self) -> list[Block]:
        """Rooms that strangers cannot find now."""

    def unblock(self, number: str) -> bool:
        """End the block of a room; False when there is none."""


class Calls(Protocol):
    """The last steps of a call, the same in every protocol (signaling.calls)."""

    def arrived(self, leg: int, request: CallRequest, end: Callable[[], None]) -> None:
        """A browser is on its way into a room; `end` tells it why it does not come in."""

    async def connect(self, leg: Leg, admission: Admission, name: str) -> Participant:
        """Let a configured leg into its conference. Raises WorkerError."""

    def follow(self, leg: int, admission: Admission, moved: Callable[[Admission, Participant], None]) -> None:
        """Tell `moved` when hosts take the leg to another room."""

    async def leave(self, room: str, leg: int) -> None:
        """Take the leg out of its conference; unknown legs are ignored."""

    def moved(self, leg: int, source: str, local: str) -> None:
        """A page came back from another address."""


class Dialer(Protocol):
    """Calls others into rooms (signaling.dialing)."""

    async def dial(self, room: str, target: str, by: str, role: Role) -> int:
        """Call a target into a room. Raises DialRefused."""

    def cancel(self, room: str, leg: int) -> bool:
        """Give up a call."""

    def calls(self, room: str) -> list[PlacedCall]:
        """Who is being called."""

    def observe(self, callback: Callable[[PlacedCall], None]) -> Callable[[], None]:
        """Call back when one of them changes; the result stops that."""


class Conferences(Protocol):
    """The running conferences (mcu.conferences)."""

    def get(self, number: str) -> Conference | None:
        """The running conference of a room."""

    def observe(self, callback: Callable[[ConferenceEvent], None]) -> Callable[[], None]:
        """Call back at every event; the result stops that."""


class Link(Protocol):
    """One WebSocket, whoever serves it."""

    def messages(self) -> AsyncIterator[str | bytes]:
        """What the page sends, until the WebSocket closes."""

    def send(self, text: str) -> None:
        """Queue a message; a page that does not read is cut off."""

    async def close(self) -> None:
        """Deliver what is queued, then close. Never raises."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a session uses."""

    gate: Gate
    fleet: Fleet
    calls: Calls
    conferences: Conferences
    settings: WebrtcSettings = field(default_factory=WebrtcSettings)
    dialer: Dialer | None = None
    relays: Relays = field(default_factory=Relays)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who opened the WebSocket, as the portal found out from the transport."""

    source: str
    """IP address of the transport, or what a trusted proxy says."""
    local_address: str
    """The address of ours that was reached; media is offered there."""
    is_secure: bool
    """HTTPS, or loopback on both ends."""
    is_trusted: bool = False
    """Signed in to the portal."""
    identity: str = ""
    """Under which name."""
