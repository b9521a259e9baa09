"""Whose camera a remote control turns, and whether it may."""

from __future__ import annotations

import logging

import pytest

from mcu.camera import HOLD_S, CameraMove, seen_large
from mcu.cameras import Steering
from mcu.participant import Role
from mcu.policy import may_turn_cameras
from mcu.worker.messages import Levels
from tests.mcu.fakes import FakeLeg
from tests.mcu.test_conference import House

LEFT, RIGHT, STILL = CameraMove(pan=-1), CameraMove(pan=1), CameraMove()


class FakeCamera:
    def __init__(self) -> None:
        self.moves: list[tuple[CameraMove, float]] = []

    def move(self, move: CameraMove, hold_s: float = HOLD_S) -> None:
        self.moves.append((move, hold_s))


class Room(House):
    """Numbers of legs are those of participants; each has a camera but browsers."""

    async def enter(self, leg: int, role: Role = Role.GUEST, protocol: str = "h323") -> FakeCamera:
        self.conference = await self.conferences.open(self.policy)
        camera = FakeCamera()
        fake = FakeLeg(leg, protocol=protocol, camera=None if protocol == "webrtc" else camera)
        await self.conference.join(fake, f"P{leg}", role)
        return camera

    def speaks(self, leg: int) -> None:
        self.conference.heard(Levels("1001", {leg: 20}, (leg,), leg))

    def steer(self, by: int, move: CameraMove = LEFT, hold_s: float = 0.8, *, is_start: bool = True) -> Steering:
        return self.conference.steer_camera(by, move, hold_s, is_start=is_start)


@pytest.mark.parametrize(
    ("people", "spoke", "expected"),
    [
        ([1], [], 0),
        ([1], [1], 0),
        ([1, 2], [], 2),
        ([1, 2], [1], 2),
        ([1, 2, 3], [], 0),
        ([1, 2, 3], [3, 2], 3),
        ([1, 2, 3], [1], 0),
        ([1, 2, 3], [1, 2], 2),
        ([1, 2, 3], [4, 2], 2),
    ],
)
def test_whom_number_one_sees_large(people: list[int], spoke: list[int], expected: int) -> None:
    assert seen_large(1, people, spoke) == expected


@pytest.mark.parametrize(
    ("is_host", "people", "may"), [(True, 9, True), (False, 2, True), (False, 3, False), (False, 1, False)]
)
def test_hosts_may_and_anybody_in_a_room_of_two(is_host: bool, people: int, may: bool) -> None:
    assert may_turn_cameras(is_host=is_host, people=people) is may


async def test_in_a_room_of_two_each_turns_the_camera_of_the_other(caplog: pytest.LogCaptureFixture) -> None:
    room = Room()
    one, two = await room.enter(1, protocol="sip"), await room.enter(2)
    with caplog.at_level(logging.INFO, "mcu.cameras"):
        assert room.steer(1) is Steering.STARTED
        assert room.steer(1, is_start=False) is Steering.CONTINUED
        assert room.steer(1, STILL, 0.0, is_start=False) is Steering.STOPPED
    assert room.steer(1, is_start=False) is Steering.NOT_MOVING
    assert two.moves == [(LEFT, 0.8), (LEFT, 0.8), (STILL, 0.0)]
    assert one.moves == []
    assert caplog.messages == ["room=1001 leg=1 turns the camera of leg=2"]
    assert room.steer(2, RIGHT, 0.2) is Steering.STARTED
    assert one.moves == [(RIGHT, 0.2)]


async def test_in_a_larger_room_hosts_turn_the_camera_of_who_speaks() -> None:
    room = Room()
    cameras = [await room.enter(leg, Role.HOST if leg < 3 else Role.GUEST) for leg in (1, 2, 3)]
    assert room.steer(1) is Steering.NOBODY_SEEN
    room.speaks(3)
    assert room.steer(1) is Steering.STARTED
    room.speaks(1)
    assert room.steer(1, RIGHT) is Steering.STARTED, "it speaks itself: the one before is meant"
    assert room.steer(3) is Steering.NOT_ALLOWED
    room.conference.set_role(3, Role.HOST)
    assert room.steer(3) is Steering.STARTED
    assert [camera.moves for camera in cameras] == [[(LEFT, 0.8)], [], [(LEFT, 0.8), (RIGHT, 0.8)]]


async def test_a_camera_goes_on_though_another_speaks_and_stops_when_the_next_is_turned() -> None:
    room = Room()
    await room.enter(1, Role.HOST)
    two, three = await room.enter(2), await room.enter(3)
    room.speaks(2)
    room.steer(1)
    room.speaks(3)
    assert room.steer(1, is_start=False) is Steering.CONTINUED
    assert (len(two.moves), three.moves) == (2, [])
    room.steer(1, RIGHT)
    assert two.moves[-1][0] == STILL
    assert three.moves == [(RIGHT, 0.8)]


async def test_who_starts_last_has_the_camera() -> None:
    room = Room()
    await room.enter(1, Role.HOST)
    await room.enter(2, Role.HOST)
    three = await room.enter(3)
    room.speaks(3)
    room.steer(1)
    assert room.steer(2, RIGHT) is Steering.STARTED
    assert room.steer(1, is_start=False) is Steering.NOT_MOVING
    assert room.steer(1, STILL, 0.0, is_start=False) is Steering.NOT_MOVING
    assert [move for move, _ in three.moves] == [LEFT, RIGHT]
    assert room.conference.move_camera(3, CameraMove(zoom=1)), "from a page"
    assert room.steer(2, RIGHT, is_start=False) is Steering.NOT_MOVING


async def test_what_is_not_there_is_not_turned() -> None:
    room = Room()
    one = await room.enter(1)
    await room.enter(2, protocol="webrtc")
    assert room.steer(1) is Steering.NO_CAMERA
    assert room.steer(2) is Steering.STARTED
    await room.conference.leave(2)
    assert room.steer(2, is_start=False) is Steering.NOT_MOVING
    assert room.steer(1) is Steering.NOBODY_SEEN
    assert room.steer(99) is Steering.NOBODY_SEEN
    assert one.moves == [(LEFT, 0.8)]
