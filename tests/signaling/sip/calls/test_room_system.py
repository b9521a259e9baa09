"""Floor and camera of one SIP call, with a worker and a room that only note what they are told."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from mcu.camera import CameraMove
from mcu.media import Kind
from mcu.worker.messages import CameraFrame
from signaling.bfcp.ports import FloorPorts
from signaling.sip.calls.leg import SipLeg
from signaling.sip.calls.room_system import RoomSystem, kinds_for
from signaling.sip.sdp import session
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer_answer import Negotiation
from tests.signaling.fakes import FakeCalls, FakeWorker
from tests.signaling.sip import offers
from tests.signaling.sip.offers import sdp

HOST = "127.0.0.1"
PORTS = {kind: (40000 + 2 * index, 40001 + 2 * index) for index, kind in enumerate(Kind)}


class Call:
    """One call of a room system whose floor client is a socket of the test."""

    def __init__(self, floors: FloorPorts | None) -> None:
        self.calls = FakeCalls()
        self.worker = FakeWorker()
        self.counted: Counter[str] = Counter()
        services = SimpleNamespace(calls=self.calls, floors=floors)
        self.infos: list[tuple[str, bytes]] = []
        handle = SimpleNamespace(info=lambda kind, body: self.infos.append((kind, body)))
        self.leg = SipLeg(7, handle)  # type: ignore[arg-type]
        self.system = RoomSystem(7, services, HOST, HOST)  # type: ignore[arg-type]
        self.system.leg = self.leg
        self.system.on_counted = lambda event: self.counted.update([event])
        self.local = self.system.prepare(LocalMedia(HOST, PORTS, bytes, peer_address=HOST))
        self.negotiation = Negotiation(self.local, 1)
        self.terminal = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.terminal.bind((HOST, 0))
        self.terminal.setblocking(False)

    def negotiate(self, role: str = "c-only", *, camera: bool = True) -> session.SessionDescription:
        port = self.terminal.getsockname()[1]
        names = ("a=confid:3", "a=userid:4", "a=floorid:1 mstrm:2")
        floor = (f"m=application {port} UDP/BFCP *", f"a=floorctrl:{role}", *names)
        h224 = (f"m=application {5008 if camera else 0} RTP/AVP 100", "a=rtpmap:100 H224/4800")
        slides = ("m=video 5004 RTP/AVP 97", "a=rtpmap:97 H264/90000", "a=content:slides", "a=label:2")
        body, media = self.negotiation.answer(sdp("m=audio 5000 RTP/AVP 0", *slides, *floor, *h224))
        self.leg.media = media
        self.system.apply(self.negotiation, media, self.worker)  # type: ignore[arg-type]
        return session.parse(body)

    def tell(self, primitive: int, body: bytes = b"", transaction: int = 1) -> None:
        assert self.local.floor is not None
        floor = self.local.floor
        head = bytes((0x40, primitive)) + (len(body) // 4).to_bytes(2, "big") + floor.conference_id.to_bytes(4, "big")
        head += transaction.to_bytes(2, "big") + floor.user_id.to_bytes(2, "big")
        self.terminal.sendto(head + body, (HOST, floor.port))

    async def hear(self) -> bytes:
        async with asyncio.timeout(3):
            return await asyncio.get_running_loop().sock_recv(self.terminal, 2000)

    @property
    def frames(self) -> list[str]:
        return [message.data.hex() for _, message in self.worker.sent if isinstance(message, CameraFrame)]


@asynccontextmanager
async def a_call(floors: FloorPorts | None = FloorPorts(41_500, 41_599)) -> AsyncIterator[Call]:  # noqa: B008
    call = Call(floors)
    try:
        yield call
    finally:
        call.system.close()
        call.terminal.close()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(3):
        while not holds():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("offer", "kinds"),
    [
        (b"", list(Kind)),
        (offers.LINPHONE, [Kind.AUDIO, Kind.VIDEO]),
        (offers.ROOM_SYSTEM, list(Kind)),
        (sdp("m=audio 1 RTP/AVP 0", "m=application 2 TCP/BFCP *"), [Kind.AUDIO, Kind.VIDEO, Kind.CONTENT]),
    ],
)
def test_ports_are_reserved_for_what_may_be_negotiated(offer: bytes, kinds: list[Kind]):
    assert list(kinds_for(offer)) == kinds


async def test_a_terminal_has_the_floor_only_in_its_room():
    async with a_call() as call:
        call.negotiate()
        call.tell(1, bytes.fromhex("05040001"))
        assert bytes((0x0A, 4, 4, 0)) in await call.hear(), "denied"
        assert call.calls.presenter == 0, "not in a room yet"
        call.system.entered("1001")
        call.tell(1, bytes.fromhex("05040001"), transaction=2)
        assert (await call.hear())[1] == 4
        assert call.calls.presenter == 7
        call.leg.floor_changed(9, "Li")
        revoked = await call.hear()
        assert revoked[1] == 4
        assert bytes((0x0A, 4, 7, 0)) in revoked


async def test_a_terminal_that_has_the_say_is_shown_nothing_before_it_has_granted():
    async with a_call() as call:
        call.negotiate("s-only")
        content = call.leg.media.stream(Kind.CONTENT)
        assert content is not None
        assert content.send is None
        assert content.receive
        call.negotiate("c-only")
        content = call.leg.media.stream(Kind.CONTENT)
        assert content is not None
        assert content.send is not None


async def test_a_terminal_that_negotiates_floor_control_late_is_told_who_presents():
    async with a_call() as call:
        call.leg.floor_changed(9, "Li")
        call.negotiate()
        call.tell(7, bytes.fromhex("05040001"))
        status = await call.hear()
        assert status[1] == 8
        assert b"Li" in status


async def test_without_ports_the_screen_goes_without_floor_control():
    async with a_call(None) as call:
        lines = call.negotiate().media
        assert [line.port for line in lines] == [40000, 40004, 0, 40006]
        assert call.leg.floor is None
        call.leg.floor_changed(9, "Li")


async def test_a_camera_is_introduced_in_the_room_moved_and_stopped():
    async with a_call() as call:
        call.negotiate()
        assert call.leg.camera is not None
        assert call.frames == []
        call.system.entered("1001")
        assert [frame[18:22] for frame in call.frames] == ["0100", "0200", "01ff"]
        call.leg.camera.move(CameraMove(pan=1))
        assert call.frames[-1].endswith("01c001c000")
        await until(lambda: call.frames[-1].endswith("01c003c0"))
        call.system.camera_frame(bytes.fromhex("007103 0000 0000 00c0 01000105"))
        assert call.leg.camera is None, "the terminal says that it has none"
        call.negotiate(camera=False)
        assert call.leg.camera is None


async def test_a_remote_control_turns_cameras_of_the_room_it_is_in():
    async with a_call() as call:
        call.negotiate()
        left = bytes.fromhex("006103 0000 0000 01c0 018008")
        call.system.camera_frame(left)
        call.system.entered("1001")
        for frame in (left, bytes.fromhex("006103 0000 0000 01c0 0380")):
            call.system.camera_frame(frame)
        assert call.calls.steered == [
            ("1001", 7, CameraMove(pan=-1), 0.4, True), ("1001", 7, CameraMove(), 0.0, False),
        ]  # fmt: skip
        assert call.counted == {"camera-commands-ignored": 1, "camera-started": 1, "camera-stopped": 1}


async def test_keyframes_are_asked_by_the_label_of_the_stream():
    async with a_call() as call:
        call.negotiate()
        call.leg.request_keyframe(Kind.CONTENT)
        call.leg.request_keyframe(Kind.VIDEO)
        ((_, body),) = call.infos
        assert b"<stream_id>2</stream_id>" in body
