"""Stand-ins at the edges of a conference: a worker that notes what it is told, legs, a register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mcu.camera import Camera
from mcu.fleet.worker import LegObserver
from mcu.leg import HangUp
from mcu.media import Codec, Format, Grade, Kind, LegMedia, StreamSpec
from mcu.policy import RoomPolicy
from mcu.taping import RegisterError
from mcu.worker.messages import (
    AnyMessage,
    ConfigureLeg,
    LegOpened,
    Message,
    OpenLeg,
    RecordingEnded,
    RecordingProgress,
    StartRecording,
)

H264 = Format(Codec.H264, 96, 90_000, "42e01f", 1)
H264_MODE_0 = Format(Codec.H264, 97, 90_000, "42e01f", 0)
VP8 = Format(Codec.VP8, 98, 90_000)
OPUS = Format(Codec.OPUS, 111, 48_000)


def media(video: Format | None = H264, audio: Format | None = OPUS, content: Format | None = None) -> LegMedia:
    streams = []
    for kind, chosen in ((Kind.AUDIO, audio), (Kind.VIDEO, video)):
        if chosen is not None:
            streams.append(StreamSpec(str(kind), kind, (chosen,), chosen))
    if content is not None:
        streams.append(StreamSpec("content", Kind.CONTENT, (content,)))
    return LegMedia(tuple(streams), is_encrypted=True, grade=Grade.AUTHENTICATED)


@dataclass
class FakeLeg:
    id: int
    media: LegMedia = field(default_factory=media)
    protocol: str = "sip"
    remote_address: str = "192.0.2.1:5060"
    hung_up: HangUp | None = None
    camera: Camera | None = None
    asked_for_pictures: int = 0
    floor: list[int] = field(default_factory=list)
    keyframes: list[Kind] = field(default_factory=list)

    def request_keyframe(self, kind: Kind) -> None:
        self.keyframes.append(kind)

    def roster_changed(self) -> None:
        pass

    def pictures_allowed(self) -> None:
        self.asked_for_pictures += 1

    def floor_changed(self, holder: int, name: str) -> None:
        self.floor.append(holder)

    async def hang_up(self, reason: HangUp) -> None:
        self.hung_up = reason


@dataclass
class FakeWorker:
    sent: list[tuple[str, Message]] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    leg_observers: dict[int, list[LegObserver]] = field(default_factory=dict)
    observers: list[LegObserver] = field(default_factory=list)

    async def open_leg(self, request: OpenLeg) -> LegOpened:
        return LegOpened(request.leg, "192.0.2.2")

    async def configure_leg(self, request: ConfigureLeg) -> None:
        pass

    async def restart_ice(self, leg: int) -> LegOpened:
        return LegOpened(leg, "192.0.2.2")

    def close_leg(self, leg: int) -> None:
        self.closed.append(leg)

    def observe_leg(self, leg: int, observer: LegObserver) -> None:
        self.leg_observers.setdefault(leg, []).append(observer)

    def observe(self, observer: LegObserver) -> None:
        self.observers.append(observer)

    def send(self, process: str, message: Message) -> None:
        self.sent.append((process, message))

    def say(self, message: AnyMessage) -> None:
        for observer in self.observers:
            observer(message)

    def say_of(self, leg: int, message: AnyMessage) -> None:
        for observer in self.leg_observers[leg]:
            observer(message)

    def told(self, kind: type[Message]) -> list[Message]:
        return [message for _, message in self.sent if isinstance(message, kind)]


@dataclass
class FakeFleet:
    worker: FakeWorker = field(default_factory=FakeWorker)
    released: list[str] = field(default_factory=list)
    legs: int = 1000

    def next_leg_id(self) -> int:
        self.legs += 1
        return self.legs

    async def worker_for(self, room: str) -> FakeWorker:
        return self.worker

    def release(self, room: str) -> None:
        self.released.append(room)


@dataclass
class FakeRegister:
    refusal: str = ""
    noted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    begun: list[StartRecording] = field(default_factory=list)
    ended: list[tuple[RecordingEnded, tuple[str, ...]]] = field(default_factory=list)

    async def begin(self, policy: RoomPolicy, leg: int, by: str, picture: tuple[int, int, int]) -> StartRecording:
        if self.refusal:
            raise RegisterError(self.refusal)
        order = StartRecording(leg, f"recording-{len(self.begun)}", "x.sealed", bytes(32), b"", *picture)
        self.begun.append(order)
        return order

    async def progress(self, message: RecordingProgress) -> None:
        pass

    async def took_part(self, recording_id: str, participants: Sequence[str]) -> None:
        self.noted[recording_id] = tuple(participants)

    async def finish(self, message: RecordingEnded, participants: Sequence[str]) -> None:
        self.ended.append((message, tuple(participants)))
