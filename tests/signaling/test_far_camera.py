"""Remote controls and cameras of terminals in one room: H.281 in, the rule of the room, H.281 out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from mcu.media import Codec, Format, Grade, Kind, LegMedia, StreamSpec
from mcu.participant import Role
from mcu.worker.messages import CameraFrame, Levels
from signaling.calls import Calls
from signaling.far_camera import FarCamera
from signaling.h224 import camera, frame
from signaling.h224.camera import Axes, Command, Request
from signaling.h224.frame import CME, H281, Frame
from tests.mcu.fakes import FakeLeg
from tests.mcu.test_conference import House

LEFT = Axes(pan=-1)
H224 = Format(Codec.H224, 100, 4800)


class Terminal:
    """The camera and the remote control of one leg, of either protocol."""

    def __init__(self, ward: Ward, leg: int, protocol: str, *, has_camera: bool = True) -> None:
        self._worker = ward.worker
        self.counted: Counter[str] = Counter()
        self.far = FarCamera(leg, lambda event: self.counted.update([event]), ward.calls)
        stream = StreamSpec("c", Kind.CAMERA, (H224,), H224 if has_camera else None)
        media = LegMedia((stream,), is_encrypted=False, grade=Grade.CLEAR)
        self.leg = FakeLeg(leg, media, protocol)
        self.far.apply(media, ward.worker)  # type: ignore[arg-type]
        self.leg.camera = self.far.camera

    def press(self, request: Request, axes: Axes = LEFT, timeout_ms: int = 800) -> None:
        self.far.receive(Command(request, axes, timeout_ms).frame().serialize())

    def told(self) -> list[tuple[Request, Axes]]:
        """Commands that have gone to this terminal."""
        found = []
        for message in self._worker.told(CameraFrame):
            assert isinstance(message, CameraFrame)
            read = frame.parse(message.data)
            if message.leg == self.leg.id and read is not None and read.client == H281:
                command = camera.parse(read.data)
                assert command is not None
                found.append((command.request, command.axes))
        return found


class Ward(House):
    def __init__(self, **policy: object) -> None:
        super().__init__(**policy)
        self.calls = Calls(self.conferences)

    async def enter(self, leg: int, protocol: str, role: Role = Role.GUEST, **kind: bool) -> Terminal:
        terminal = Terminal(self, leg, protocol, **kind)
        self.conference = await self.conferences.open(self.policy)
        await self.conference.join(terminal.leg, f"P{leg}", role)
        terminal.far.entered("1001")
        return terminal


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(3):
        while not holds():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(("mover", "moved"), [("h323", "sip"), ("sip", "h323"), ("h323", "h323")])
async def test_a_terminal_turns_the_camera_of_another(mover: str, moved: str):
    ward = Ward()
    one, two = await ward.enter(1, mover), await ward.enter(2, moved)
    one.press(Request.START)
    one.press(Request.STOP)
    one.press(Request.START, Axes(zoom=1))
    one.press(Request.STOP, Axes(zoom=1))
    zoom = Axes(zoom=1)
    assert two.told() == [
        (Request.START, LEFT), (Request.STOP, LEFT), (Request.START, zoom), (Request.STOP, zoom),
    ]  # fmt: skip
    assert (one.told(), one.counted) == ([], {"camera-started": 2, "camera-stopped": 2})


async def test_a_camera_stops_when_the_remote_control_falls_silent():
    ward = Ward()
    one, two = await ward.enter(1, "sip"), await ward.enter(2, "h323")
    one.press(Request.START, timeout_ms=50)
    await until(lambda: two.told() == [(Request.START, LEFT), (Request.STOP, LEFT)])
    one.press(Request.CONTINUE)
    assert one.counted["camera-commands-ignored"] == 1
    assert len(two.told()) == 2
    one.press(Request.START, timeout_ms=50)
    await ward.conference.leave(1)
    await until(lambda: two.told()[2:] == [(Request.START, LEFT), (Request.STOP, LEFT)])


async def test_a_guest_of_a_larger_room_turns_nothing_and_a_host_who_speaks():
    ward = Ward()
    host, guest, ill = [
        await ward.enter(1, "h323", Role.HOST), await ward.enter(2, "sip"), await ward.enter(3, "h323"),
    ]  # fmt: skip
    ward.worker.say(Levels("1001", {3: 20}, (3,), 3))
    guest.press(Request.START)
    host.press(Request.START)
    assert guest.counted == {"camera-not-allowed": 1}
    assert host.counted == {"camera-started": 1}
    assert (guest.told(), ill.told()) == ([], [(Request.START, LEFT)])


async def test_a_terminal_without_a_camera_may_have_a_remote_control():
    ward = Ward()
    one, two = await ward.enter(1, "h323", has_camera=False), await ward.enter(2, "sip")
    assert one.leg.camera is None
    one.press(Request.START)
    two.press(Request.START)
    assert two.told() == [(Request.START, LEFT)]
    assert (one.told(), two.counted) == ([], {"camera-no-camera": 1})


async def test_what_is_no_command_for_us_is_counted_and_turns_nothing():
    ward = Ward()
    one, two = await ward.enter(1, "h323"), await ward.enter(2, "sip")
    one.press(Request.STORE_PRESET)
    one.far.receive(Frame(H281, b"\x09").serialize())
    one.far.receive(Frame(CME, b"\x07\x00").serialize())
    one.far.receive(b"\x00")
    assert one.counted == {"camera-commands-ignored": 1, "camera-malformed": 2, "camera-other-frames": 1}
    assert two.told() == []
