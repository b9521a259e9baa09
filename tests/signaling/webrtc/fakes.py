"""A server without media and without sockets: real conferences, a worker that says yes, a gate of one room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from config.webrtc import WebrtcSettings
from mcu.conferences import Conferences
from mcu.fleet.worker import WorkerError
from mcu.media import Grade
from mcu.participant import Role
from mcu.policy import RoomPolicy
from mcu.worker.messages import ConfigureLeg, LegConnected, LegOpened, Message, OpenLeg, RecordingEnded, StopRecording
from signaling.admission import Admission, CallRequest, Refusal, Refused, Waiting, WaitReason
from signaling.calls import Calls
from signaling.tries import Block
from signaling.webrtc.services import Services
from tests.mcu.fakes import FakeFleet, FakeRegister, FakeWorker

ANSWERS = Path(__file__).with_name("answers")


def answer_of(browser: str) -> str:
    return (ANSWERS / f"{browser}.sdp").read_bytes().decode()


def opened(leg: int, generation: int = 0) -> LegOpened:
    return LegOpened(
        leg, "192.0.2.1", candidates=(("192.0.2.1", 40000), ("2001:db8::1", 40000)),
        ice_ufrag=f"frag{generation:04}", ice_pwd=f"password{generation:016}", fingerprint=":".join(["AB"] * 32),
        ssrcs={"audio": 1111, "audio-rtx": 1112, "video": 2222, "video-rtx": 2223, "content": 3333}, cname="drum",
    )  # fmt: skip


@dataclass
class BrowserWorker(FakeWorker):
    """Gives ICE credentials, and connects as soon as it is configured."""

    connects: bool = True
    error: str = ""
    configured: list[ConfigureLeg] = field(default_factory=list)
    restarts: int = 0

    async def open_leg(self, request: OpenLeg) -> LegOpened:
        if self.error:
            raise WorkerError(self.error)
        return opened(request.leg)

    async def configure_leg(self, request: ConfigureLeg) -> None:
        self.configured.append(request)
        if self.connects:
            self.say_of(request.leg, LegConnected(request.leg))

    def send(self, process: str, message: Message) -> None:
        super().send(process, message)
        if isinstance(message, StopRecording):
            asyncio.get_running_loop().call_soon(self.say, RecordingEnded("recording-0", 0, 0.0, ""))

    async def restart_ice(self, leg: int) -> LegOpened:
        self.restarts += 1
        return opened(leg, self.restarts)


@dataclass
class FakeGate:
    """Room 1001, passcodes 2468 (guests) and 1357 (hosts)."""

    policy: RoomPolicy = field(default_factory=lambda: RoomPolicy("1001", "Ward 3"))
    host_came: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[CallRequest] = field(default_factory=list)
    wrong: int = 0
    tries: int = 3
    lock_after_wait: bool = False
    blocks: list[Block] = field(default_factory=list)
    outside: list[Waiting] = field(default_factory=list)
    verdicts: list[tuple[int, str]] = field(default_factory=list)
    observers: list[Callable[[str], None]] = field(default_factory=list)
    off_network: set[str] = field(default_factory=set)
    network_identities: dict[str, str] = field(default_factory=dict)

    def waiting(self, room: str) -> list[Waiting]:
        return [one for one in self.outside if one.room == room]

    def let_in(self, room: str, waiting: int) -> bool:
        return self._decide(room, waiting, "let-in")

    def turn_away(self, room: str, waiting: int) -> bool:
        return self._decide(room, waiting, "turned-away")

    def _decide(self, room: str, waiting: int, verdict: str) -> bool:
        found = [one for one in self.waiting(room) if one.id == waiting]
        self.verdicts += [(one.id, verdict) for one in found]
        self.outside = [one for one in self.outside if one not in found]
        for told in list(self.observers):
            told(room)
        return bool(found)

    def observe_waiting(self, callback: Callable[[str], None]) -> Callable[[], None]:
        self.observers.append(callback)
        return lambda: self.observers.remove(callback)

    def blocked(self) -> list[Block]:
        return self.blocks

    def unblock(self, number: str) -> bool:
        had = bool(self.blocks)
        self.blocks = [block for block in self.blocks if block.room != number]
        return had

    async def check_network(self, request: CallRequest) -> str:
        if request.source in self.off_network:
            raise Refused(Refusal.NETWORK)
        return self.network_identities.get(request.source, "")

    async def admit(self, request: CallRequest) -> Admission:
        self.requests.append(request)
        if request.room != self.policy.number:
            raise Refused(Refusal.UNKNOWN_ROOM)
        if self.wrong >= self.tries:
            raise Refused(Refusal.TOO_MANY_TRIES)
        if request.passcode is None:
            raise Refused(Refusal.PASSCODE_REQUIRED, tries_left=self.tries - self.wrong)
        if request.passcode not in ("2468", "1357"):
            self.wrong += 1
            if self.wrong >= self.tries:
                raise Refused(Refusal.TOO_MANY_TRIES, retry_after_s=float("inf"))
            raise Refused(Refusal.PASSCODE_WRONG, tries_left=self.tries - self.wrong, retry_after_s=0.5)
        role = Role.HOST if request.passcode == "1357" else Role.GUEST
        known = self.network_identities.get(request.source, "")
        return Admission(self.policy, role, 1, replace(request, passcode=None, network_identity=known))

    def check_media(self, admission: Admission, grade: Grade) -> None:
        if grade < admission.policy.required_grade:
            raise Refused(Refusal.ENCRYPTION_REQUIRED)

    async def wait_for_host(self, admission: Admission, told: Callable[[WaitReason], None]) -> Admission:
        if admission.policy.waits_for_host and admission.role is not Role.HOST and not self.host_came.is_set():
            told(WaitReason.HOST)
            await self.host_came.wait()
        if self.lock_after_wait:
            raise Refused(Refusal.LOCKED)
        return admission


def server(settings: WebrtcSettings | None = None, **policy: Any) -> tuple[Services, FakeGate, BrowserWorker]:
    """Services around one worker; `policy` changes the room."""
    worker = BrowserWorker()
    fleet = FakeFleet(worker)
    conferences = Conferences(fleet, FakeRegister())
    gate = FakeGate(RoomPolicy("1001", "Ward 3", **policy))
    services = Services(
        gate, fleet, Calls(conferences), conferences, settings or WebrtcSettings(roster_interval_s=0.01)
    )
    return services, gate, worker


class FakeLink:
    """The page's end of a WebSocket, without a socket."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.is_closed = False
        self._incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._grew = asyncio.Event()

    async def messages(self) -> AsyncIterator[str | bytes]:
        while (data := await self._incoming.get()) is not None:
            yield data

    def send(self, text: str) -> None:
        if not self.is_closed:
            self.sent.append(msgspec.json.decode(text))
            self._grew.set()

    async def close(self) -> None:
        self.is_closed = True
        self._grew.set()
        self._incoming.put_nowait(None)

    def say(self, kind: str, **fields: Any) -> None:
        """The page sends a message."""
        self.say_raw(msgspec.json.encode({"type": kind, **fields}))

    def say_raw(self, data: str | bytes) -> None:
        self._incoming.put_nowait(data)

    def lose(self) -> None:
        """The network takes the WebSocket away."""
        self._incoming.put_nowait(None)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.sent if message["type"] == kind]

    async def expect(self, kind: str, number: int = 1) -> dict[str, Any]:
        """The `number`th message of this kind, waited for."""
        async with asyncio.timeout(2):
            while len(self.of(kind)) < number:
                self._grew.clear()
                await self._grew.wait()
        return self.of(kind)[number - 1]
