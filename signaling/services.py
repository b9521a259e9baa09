"""What a call of any protocol needs of the rest of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mcu.camera import CameraMove
from mcu.cameras import Steering
from mcu.fleet.worker import Fleet
from mcu.leg import Leg
from mcu.media import Grade
from mcu.participant import Participant
from signaling.admission import Admission, CallRequest
from signaling.attendant.desk import Desk
from signaling.waiting import Told


class Gate(Protocol):
    """What a call asks of signaling.admission.Gate."""

    async def admit(self, request: CallRequest) -> Admission:
        """Check room and passcode. Raises Refused."""

    async def check_network(self, request: CallRequest) -> str:
        """As whom the network of the caller knows it. Raises Refused."""

    async def wait_for_host(self, admission: Admission, told: Told) -> Admission:
        """Return when the caller may join; `told` hears what is waited for. Raises Refused."""

    def check_media(self, admission: Admission, grade: Grade) -> None:
        """Raises Refused where the room asks for a better lock."""


class Calls(Protocol):
    """What a call asks of signaling.calls.Calls."""

    def arrived(self, leg: int, request: CallRequest, end: Callable[[], None]) -> None:
        """A call came in that is in no room yet; `end` tells its caller why it ends."""

    def gone(self, leg: int) -> None:
        """A call is over that may never have been in a room."""

    async def connect(self, leg: Leg, admission: Admission, name: str) -> Participant:
        """Let the leg into its room. Raises WorkerError."""

    def follow(self, leg: int, admission: Admission, moved: Callable[[Admission, Participant], None]) -> None:
        """Tell `moved` when hosts take the leg to another room."""

    async def leave(self, room: str, leg: int) -> None:
        """The peer hung up."""

    def request_floor(self, room: str, leg: int) -> bool:
        """Whether the leg may present."""

    def release_floor(self, room: str, leg: int) -> None:
        """The leg presents no longer."""

    def leg_changed(self, room: str, leg: int) -> None:
        """The leg was renegotiated."""

    def steer_camera(self, room: str, leg: int, move: CameraMove, hold_s: float, *, is_start: bool) -> Steering:
        """The remote control of the terminal turns the camera of whom it sees large, where it may."""


class CallServices(Protocol):
    """The part that visits and stays use."""

    @property
    def gate(self) -> Gate:
        """Who may come in."""

    @property
    def calls(self) -> Calls:
        """Into conferences and out again."""

    @property
    def fleet(self) -> Fleet:
        """The workers."""

    @property
    def desk(self) -> Desk | None:
        """The attendant, where there is one."""
