"""What a conference shows: its scenes, and the few encoded outputs that its legs share."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcu.fleet.worker import Worker
from mcu.layout import Rect, rectangles
from mcu.media import Codec, Kind, stream_id
from mcu.participant import Participant
from mcu.policy import LayoutMode
from mcu.rendition import LADDER, RenditionKey, outputs_for, rendition_for
from mcu.worker.messages import (
    CloseRendition,
    CloseRoom,
    Message,
    OpenRendition,
    RouteVideo,
    SetScene,
    Tile,
    UpdateRendition,
)

MAIN = "main"
AUDIENCE = "audience"
RECORDED_KEYFRAME_INTERVAL_S = 4.0
_RECORDED = RenditionKey(MAIN, Codec.H264, LADDER[0])
_BIG_TILE_RATIO = 1.5
_rendition_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class View:
    """What the pictures of a conference depend on, beside who is in it."""

    layout: LayoutMode
    speaker: int = 0
    is_recording: bool = False
    caption: str = ""


def next_rendition() -> int:
    """A rendition number that nothing used before."""
    return next(_rendition_numbers)


class Stage:
    """Turns the roster into scenes, and legs into receivers of renditions."""

    def __init__(self, room: str, worker: Worker) -> None:
        self.room = room
        self._worker = worker
        self._scenes: dict[str, SetScene] = {}
        self._renditions: dict[RenditionKey, int] = {}
        self._users: Counter[int] = Counter()
        self._routes: dict[int, int] = {}
        self._is_recorded = False

    @property
    def rendition_count(self) -> int:
        """How many encoders this room needs now."""
        return len(self._renditions)

    def show(self, people: Sequence[Participant], view: View) -> None:
        """Bring scenes and routes up to date; only what changed is said to the worker.

        In a lecture the audience sees the speaker, and the speaker sees the audience.
        """
        lecturer = view.speaker if view.layout is LayoutMode.LECTURE else 0
        self._set_scene(MAIN, people, view)
        if lecturer:
            audience = [person for person in people if person.id != lecturer]
            self._set_scene(AUDIENCE, audience or people, replace(view, layout=LayoutMode.GRID, speaker=0))
        wishes = {person.id: _wish(person, AUDIENCE if person.id == lecturer else MAIN) for person in people}
        kept = frozenset({_RECORDED} if self._is_recorded else ())
        outputs = outputs_for([wish for wish in wishes.values() if wish is not None], kept)
        for leg, wish in wishes.items():
            self._route(leg, None if wish is None else outputs[wish])

    def acquire_recorded(self) -> int:
        """The main H.264 output, kept open for the recorder, with a keyframe often enough for seeking."""
        self._is_recorded = True
        rendition = self._open(_RECORDED)
        self._users[rendition] += 1
        self._send(UpdateRendition(rendition, RECORDED_KEYFRAME_INTERVAL_S))
        return rendition

    def release_recorded(self, rendition: int) -> None:
        """The recorder needs it no more."""
        self._is_recorded = False
        self._send(UpdateRendition(rendition, 0.0))
        self._release(rendition)

    def forget(self, leg: int) -> None:
        """The leg is gone: free what only it used."""
        if rendition := self._routes.pop(leg, 0):
            self._release(rendition)

    def close(self) -> None:
        """The conference ends."""
        self._send(CloseRoom(self.room))
        self._renditions.clear()
        self._routes.clear()
        self._users.clear()

    # ---- scenes

    def _set_scene(self, scene: str, people: Sequence[Participant], view: View) -> None:
        sharing = next((person for person in people if person.is_sharing), None)
        seats = list(rectangles(view.layout, len(people) + (sharing is not None), sharing is not None))
        tiles = [_tile(seats.pop(0), sharing, Kind.CONTENT)] if sharing is not None and seats else []
        has_big_tile = view.layout is LayoutMode.LECTURE or _has_big_tile(seats)
        seated = _speaker_first(people, view.speaker) if has_big_tile and not tiles else people
        tiles += [_tile(seat, person, Kind.VIDEO) for seat, person in zip(seats, seated, strict=False)]
        message = SetScene(self.room, scene, tuple(tiles), view.is_recording, view.caption)
        if self._scenes.get(scene) != message:
            self._scenes[scene] = message
            self._send(message)

    # ---- renditions

    def _route(self, leg: int, key: RenditionKey | None) -> None:
        rendition = self._open(key) if key is not None else 0
        before = self._routes.get(leg, 0)
        if rendition == before:
            return
        if rendition:
            self._users[rendition] += 1
        self._routes[leg] = rendition
        self._worker.send("net", RouteVideo(leg, rendition))
        if before:
            self._release(before)

    def _open(self, key: RenditionKey) -> int:
        if key in self._renditions:
            return self._renditions[key]
        number = self._renditions[key] = next_rendition()
        rung = key.rung
        self._send(
            OpenRendition(
                number, self.room, key.scene, key.codec, rung.width, rung.height, rung.frame_rate, rung.bitrate_bps,
                key.profile_level_id, key.max_slice_bytes,
            )
        )  # fmt: skip
        return number

    def _release(self, rendition: int) -> None:
        self._users[rendition] -= 1
        if self._users[rendition] <= 0:
            del self._users[rendition]
            self._renditions = {key: number for key, number in self._renditions.items() if number != rendition}
            self._send(CloseRendition(rendition))

    def _send(self, message: Message) -> None:
        self._worker.send("video", message)


def _wish(person: Participant, scene: str) -> RenditionKey | None:
    stream = person.leg.media.stream(Kind.VIDEO)
    return rendition_for(stream, scene) if stream is not None else None


def _speaker_first(people: Sequence[Participant], speaker: int) -> list[Participant]:
    return sorted(people, key=lambda person: person.id != speaker)


def _has_big_tile(seats: Sequence[Rect]) -> bool:
    return len(seats) > 1 and seats[0].area > _BIG_TILE_RATIO * seats[1].area


def _tile(seat: Rect, person: Participant, kind: Kind) -> Tile:
    return Tile(
        seat.x,
        seat.y,
        seat.width,
        seat.height,
        stream=stream_id(person.id, kind) if kind is Kind.CONTENT or person.has_video else 0,
        label=person.name,
        is_speaking=person.is_speaking and kind is not Kind.CONTENT,
        is_muted=person.is_muted and kind is not Kind.CONTENT,
        is_content=kind is Kind.CONTENT,
    )
