"""The cameras of one conference: turned by hosts from their pages, and by the remote controls of terminals (H.281)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import StrEnum

from mcu.camera import Camera, CameraMove, seen_large
from mcu.participant import Participant, Role
from mcu.policy import may_turn_cameras

logger = logging.getLogger(__name__)


class Steering(StrEnum):
    """What became of a command of a remote control; the leg that it came from counts it as "camera-<value>"."""

    STARTED = "started"
    CONTINUED = "continued"
    STOPPED = "stopped"
    NOT_MOVING = "not-moving"
    """There is nothing to continue or to stop: it was refused, taken over, or its terminal has left."""
    NOBODY_SEEN = "nobody-seen"
    """In a larger room nobody else has spoken yet."""
    NOT_ALLOWED = "not-allowed"
    NO_CAMERA = "no-camera"


class Cameras:
    """Who moves whose camera now. Whoever starts last has it; it stops by itself when its mover falls silent."""

    def __init__(self, room: str, people: Mapping[int, Participant]) -> None:
        self._room = room
        self._people = people
        self._moved: dict[int, int] = {}
        """By the owner of the remote control: the owner of the camera."""
        self._spoke: list[int] = []
        """Who is here and has spoken, the last one first."""

    def spoke(self, participant: int) -> None:
        """Somebody is the speaker now, 0: nobody."""
        if participant and self._spoke[:1] != [participant]:
            self._spoke = [participant, *(each for each in self._spoke if each != participant)]

    def leave(self, participant: int) -> None:
        """Somebody is gone; a camera that it moved stops by itself."""
        self._spoke = [each for each in self._spoke if each != participant]
        self._moved = {by: owner for by, owner in self._moved.items() if participant not in (by, owner)}

    def move(self, participant: int, move: CameraMove) -> bool:
        """A host turns the camera of a participant; False where it has none that can be turned from here."""
        camera = self._camera_of(participant)
        if camera is None or not move.is_valid:
            return False
        self._take(participant)
        camera.move(move)
        return True

    def steer(self, by: int, move: CameraMove, hold_s: float, *, is_start: bool) -> Steering:
        """The remote control of a participant: begin, go on (for `hold_s` more), or stop."""
        if is_start:
            return self._start(by, move, hold_s)
        camera = self._camera_of(self._moved.get(by, 0))
        if camera is None:
            self._moved.pop(by, None)
            return Steering.NOT_MOVING
        camera.move(move, hold_s)
        if not move.is_stop:
            return Steering.CONTINUED
        del self._moved[by]
        return Steering.STOPPED

    def _start(self, by: int, move: CameraMove, hold_s: float) -> Steering:
        person, owner = self._people.get(by), seen_large(by, self._people, self._spoke)
        self._stop(by, unless=owner)
        if person is None or not owner:
            return Steering.NOBODY_SEEN
        if not may_turn_cameras(is_host=person.role is Role.HOST, people=len(self._people)):
            return Steering.NOT_ALLOWED
        camera = self._camera_of(owner)
        if camera is None:
            return Steering.NO_CAMERA
        self._take(owner)
        self._moved[by] = owner
        camera.move(move, hold_s)
        logger.info("room=%s leg=%d turns the camera of leg=%d", self._room, by, owner)
        return Steering.STARTED

    def _stop(self, by: int, unless: int) -> None:
        """Somebody else is seen large now, or may be turned no longer: what was moved until now does not go on."""
        owner = self._moved.pop(by, 0)
        camera = self._camera_of(owner)
        if camera is not None and owner != unless:
            camera.move(CameraMove())

    def _take(self, owner: int) -> None:
        """Whoever moved this camera moves it no longer."""
        self._moved = {by: each for by, each in self._moved.items() if each != owner}

    def _camera_of(self, participant: int) -> Camera | None:
        person = self._people.get(participant)
        return None if person is None else person.leg.camera
