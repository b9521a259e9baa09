"""A gate, a fleet and calls that remember what they were asked, for tests of whole calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from mcu.camera import CameraMove
from mcu.cameras import Steering
from mcu.leg import Leg
from mcu.media import Grade
from mcu.participant import Participant, Role
from mcu.policy import MediaEncryption, RoomPolicy
from mcu.worker.messages import AnyMessage, ConfigureLeg, LegOpened, Message, OpenLeg
from signaling.admission import Admission, CallRequest, Refusal, Refused, WaitReason

FINGERPRINT = ":".join(["AB"] * 32)


class FakeGate:
    def __init__(self, rooms: dict[str, str | None] | None = None) -> None:
        self.rooms = rooms if rooms is not None else {"1001": None, "1002": "2468"}
        self.requests: list[CallRequest] = []
        self.encryption = MediaEncryption.AUTOMATIC
        self.required = Grade.CLEAR
        self.host_came: asyncio.Event | None = None
        self.refusal_after_waiting: Refusal | None = None
        self.doors: list[CallRequest] = []
        """Who stood before the door of a room."""
        self.is_off_network = False
        self.unknown_room = Refusal.UNKNOWN_ROOM

    async def admit(self, request: CallRequest) -> Admission:
        self.requests.append(request)
        if request.room not in self.rooms:
            raise Refused(self.unknown_room)
        wanted = self.rooms[request.room]
        if wanted is not None and not request.passcode:
            raise Refused(Refusal.PASSCODE_REQUIRED)
        if wanted is not None and request.passcode != wanted:
            raise Refused(Refusal.PASSCODE_WRONG)
        policy = RoomPolicy(
            request.room, "Room", encryption=self.encryption, required_grade=int(self.required),
            waits_for_host=self.host_came is not None,
        )  # fmt: skip
        return Admission(policy, Role.GUEST, 1, replace(request, passcode=None))

    async def check_network(self, request: CallRequest) -> str:
        if self.is_off_network:
            raise Refused(Refusal.NETWORK)
        return request.network_identity

    async def wait_for_host(self, admission: Admission, told: Callable[[WaitReason], None]) -> Admission:
        self.doors.append(admission.request)
        if self.host_came is not None:
            told(WaitReason.HOST)
            await self.host_came.wait()
        if self.refusal_after_waiting is not None:
            raise Refused(self.refusal_after_waiting)
        return admission

    def check_media(self, admission: Admission, grade: Grade) -> None:
        if grade < self.required:
            raise Refused(Refusal.ENCRYPTION_REQUIRED)


class FakeWorker:
    def __init__(self) -> None:
        self.opened: list[OpenLeg] = []
        self.configured: list[ConfigureLeg] = []
        self.closed: list[int] = []
        self.sent: list[tuple[str, Message]] = []
        self._observers: dict[int, list[Callable[[AnyMessage], None]]] = {}
        self.observers: dict[int, Callable[[AnyMessage], None]] = {}

    async def open_leg(self, request: OpenLeg) -> LegOpened:
        self.opened.append(request)
        base = 40000 + 100 * request.leg
        ports = {str(kind): (base + 2 * index, base + 2 * index + 1) for index, kind in enumerate(request.kinds)}
        shared, numbers = (0, 0), {}
        if request.has_traversal:
            shared, numbers = (39_998, 39_999), {kind: 1_000 + port for kind, (port, _) in ports.items()}
        return LegOpened(
            request.leg, request.local_address, ports, shared, numbers, fingerprint=FINGERPRINT, cname="c"
        )  # fmt: skip

    async def configure_leg(self, request: ConfigureLeg) -> None:
        self.configured.append(request)

    async def restart_ice(self, leg: int) -> LegOpened:
        raise NotImplementedError

    def close_leg(self, leg: int) -> None:
        self.closed.append(leg)

    def observe_leg(self, leg: int, observer: Callable[[AnyMessage], None]) -> None:
        self._observers.setdefault(leg, []).append(observer)
        self.observers[leg] = lambda message: [told(message) for told in self._observers[leg]]

    def send(self, process: str, message: Message) -> None:
        self.sent.append((process, message))


class FakeFleet:
    def __init__(self) -> None:
        self.worker = FakeWorker()
        self.legs = 0
        self.released: list[str] = []

    def next_leg_id(self) -> int:
        self.legs += 1
        return self.legs

    async def worker_for(self, room: str) -> FakeWorker:
        return self.worker

    def release(self, room: str) -> None:
        self.released.append(room)


class FakeCalls:
    def __init__(self) -> None:
        self.joined: dict[int, tuple[Leg, str]] = {}
        self.people: dict[int, Participant] = {}
        self.left: list[int] = []
        self.changed: list[int] = []
        self.presenter = 0
        self.steered: list[tuple[str, int, CameraMove, float, bool]] = []
        self.followed: dict[int, Callable[[Admission, Participant], None]] = {}
        """Whom to tell of another room."""
        self.outside: dict[int, Callable[[], None]] = {}
        """How to end who is in no room yet."""

    def arrived(self, leg: int, request: CallRequest, end: Callable[[], None]) -> None:
        assert request.source
        self.outside[leg] = end

    def gone(self, leg: int) -> None:
        self.outside.pop(leg, None)

    async def connect(self, leg: Leg, admission: Admission, name: str) -> Participant:
        self.joined[leg.id] = (leg, name)
        self.people[leg.id] = Participant(leg, name, admission.role)
        self.gone(leg.id)
        return self.people[leg.id]

    def follow(self, leg: int, admission: Admission, moved: Callable[[Admission, Participant], None]) -> None:
        self.followed[leg] = moved

    async def leave(self, room: str, leg: int) -> None:
        self.left.append(leg)

    def request_floor(self, room: str, leg: int) -> bool:
        self.presenter = self.presenter or leg
        return self.presenter == leg

    def release_floor(self, room: str, leg: int) -> None:
        if self.presenter == leg:
            self.presenter = 0

    def leg_changed(self, room: str, leg: int) -> None:
        self.changed.append(leg)

    def steer_camera(self, room: str, leg: int, move: CameraMove, hold_s: float, *, is_start: bool) -> Steering:
        self.steered.append((room, leg, move, hold_s, is_start))
        return Steering.STARTED if is_start else Steering.STOPPED if move.is_stop else Steering.CONTINUED
