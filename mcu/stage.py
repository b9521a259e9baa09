"""What a conference shows: its scenes, and the few encoded outputs that its legs share."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from mcu.capacity import SMALL, SMALL_SEEN, Allowance
from mcu.fleet.worker import Worker
from mcu.layout import Rect, rectangles
from mcu.media import Codec, Kind, stream_id
from mcu.outputs import Outputs, Seat
from mcu.participant import Participant
from mcu.policy import LayoutMode
from mcu.rendition import LADDER, RenditionKey, Rung, rendition_for, sizes_of
from mcu.rungs import Footing
from mcu.tile_rates import HIDDEN, Need, needs
from mcu.worker.messages import (
    CloseRoom,
    CloseScene,
    LimitSource,
    Message,
    Panel,
    SetScene,
    Tile,
)

MAIN = "main"
AUDIENCE = "audience"
PEOPLE = "people"
"""As the main scene, without the shared screen."""
CONTENT = "content"
"""The shared screen alone."""
MAX_PANELS = 4
"""So many legs of a room see a panel at the same time; each costs a scene and a small encoder of its own."""
MAX_OWN_LAYOUTS = 2
"""So many layouts beside that of the room can be seen by those who chose them; each costs a scene and its encoders."""
RAISED_HAND = "\u261d"
"""Before the name of who asks for the floor; a hand that the usual fonts have."""
_PANEL_LADDER = LADDER[1:]
_BIG_TILE_RATIO = 1.5
_PICTURES = (Kind.VIDEO, Kind.CONTENT)


@dataclass(frozen=True, slots=True)
class View:
    """What the pictures of a conference depend on, beside who is in it."""

    layout: LayoutMode
    speaker: int = 0
    is_recording: bool = False
    caption: str = ""
    panels: Mapping[int, Panel] = field(default_factory=dict)
    """By leg: words that this one alone sees over its picture, as the menu of a remote control."""
    own_layouts: Mapping[int, LayoutMode] = field(default_factory=dict)
    """By leg: how this one wants its picture arranged, whatever the others see."""
    sizes: Sequence[Rung] = LADDER
    """What legs may be sent, largest first."""


class Stage:
    """Turns the roster into scenes, and legs into receivers of renditions."""

    def __init__(self, room: str, worker: Worker, clock: Callable[[], float] = time.monotonic) -> None:
        self.room = room
        self._worker = worker
        self._clock = clock
        self._scenes: dict[str, SetScene] = {}
        self._outputs = Outputs(room, worker)
        self._footings: dict[Seat, Footing] = {}
        self._sizes: Sequence[Rung] = LADDER
        self._panels: dict[int, str] = {}
        """By leg: the scene in which it sees its panel."""
        self._own: set[str] = set()
        """Scenes in the layouts that legs chose for themselves."""

    @property
    def rendition_count(self) -> int:
        """How many encoders this room needs now; one or two more may run for some seconds after a switch."""
        return sum(users > 0 for users in self._outputs.open.values())

    @property
    def outputs(self) -> dict[RenditionKey, int]:
        """What is encoded now, and how many receive it."""
        return self._outputs.open

    def show(self, people: Sequence[Participant], view: View) -> None:
        """Bring scenes and routes up to date; only what changed is said to the worker.

        In a lecture the audience sees the speaker, and the speaker sees the audience.
        """
        self._sizes = view.sizes
        lecturer = view.speaker if view.layout is LayoutMode.LECTURE else 0
        sharing = next((person for person in people if person.is_sharing), None)
        apart = {person.id for person in people if sharing is not None and person.has_screen_apart}
        self._set_scene(MAIN, people, view, sharing)
        if apart - {lecturer}:
            self._set_scene(PEOPLE, people, view, None)
        if sharing is not None and apart - {sharing.id}:
            self._set_content(sharing)
        if lecturer:
            audience = [person for person in people if person.id != lecturer] or people
            shown = sharing if sharing in audience and lecturer not in apart else None
            self._set_scene(AUDIENCE, audience, replace(view, layout=LayoutMode.GRID, speaker=0), shown)
        own = self._set_own_layouts(people, view, sharing, apart)
        wishes = _wishes(people, lecturer, apart, own, self._sizes)
        private = self._set_panels(people, view.panels, wishes)
        shared = {seat: wish for seat, wish in wishes.items() if seat not in private}
        now_s = self._clock()
        self._outputs.route_all(shared, self._thin(people, shared, now_s), private, now_s)
        self._close_panels({leg for leg, _ in private})
        self._close_own(set(own.values()))
        self._ask_sources(people)
        for person in people:
            found = {kind: self._outputs.shown_to((person.id, kind)) for kind in _PICTURES}
            person.shown = {kind: key.rung for kind, key in found.items() if key is not None}

    def _thin(
        self, people: Sequence[Participant], wishes: Mapping[Seat, RenditionKey | None], now_s: float
    ) -> dict[Seat, RenditionKey]:
        """What those get instead whose downlink does not carry their wish."""
        found: dict[Seat, RenditionKey] = {}
        for person in people:
            for kind in _PICTURES:
                seat = person.id, kind
                stream, wish = person.leg.media.stream(kind), wishes.get(seat)
                bandwidth_bps = person.bandwidth.get(kind, 0)
                if stream is None or wish is None or (not bandwidth_bps and seat not in self._footings):
                    continue
                footing, sizes = self._footings.setdefault(seat, Footing()), sizes_of(stream, self._sizes)
                lesser = _wish(person, kind, wish.scene, footing.ladder(sizes, bandwidth_bps, now_s))
                if lesser is not None and lesser != wish:
                    found[seat] = lesser
        return found

    @property
    def largest(self) -> Rung:
        """The size of the picture for those who can take it."""
        return self._sizes[0]

    def acquire_recorded(self, rung: Rung) -> int:
        """The main H.264 output, kept open for the recorder, with a keyframe often enough for seeking."""
        return self._outputs.record(RenditionKey(MAIN, Codec.H264, rung))

    def release_recorded(self, rendition: int) -> None:
        """The recorder needs it no more."""
        self._outputs.end_recording(rendition)

    def forget(self, leg: int) -> None:
        """The leg is gone: free what only it used."""
        for kind in _PICTURES:
            self._outputs.forget((leg, kind))
            self._footings.pop((leg, kind), None)
        self._close_panels(self._panels.keys() - {leg}, at_once=True)

    def close(self) -> None:
        """The conference ends."""
        self._send(CloseRoom(self.room))
        self._outputs.clear()
        self._footings.clear()
        self._panels.clear()
        self._own.clear()

    # ---- scenes

    def _set_scene(self, scene: str, people: Sequence[Participant], view: View, sharing: Participant | None) -> None:
        seats = list(rectangles(view.layout, len(people) + (sharing is not None), sharing is not None))
        tiles = [_tile(seats.pop(0), sharing, Kind.CONTENT)] if sharing is not None and seats else []
        has_big_tile = view.layout is LayoutMode.LECTURE or _has_big_tile(seats)
        seated = _speaker_first(people, view.speaker) if has_big_tile and not tiles else people
        tiles += [_tile(seat, person, Kind.VIDEO) for seat, person in zip(seats, seated, strict=False)]
        self._put(SetScene(self.room, scene, tuple(tiles), view.is_recording, view.caption))

    def _set_content(self, sharing: Participant) -> None:
        """The shared screen alone, for those who see the people beside it."""
        self._put(SetScene(self.room, CONTENT, (_tile(Rect(0, 0, 1, 1), sharing, Kind.CONTENT),)))

    def _set_own_layouts(
        self, people: Sequence[Participant], view: View, sharing: Participant | None, apart: Collection[int]
    ) -> dict[int, str]:
        """By leg: the scene of those who see another layout than the others; the first layouts that were chosen."""
        modes = dict.fromkeys(view.own_layouts[person.id] for person in people if person.id in view.own_layouts)
        modes.pop(view.layout, None)
        offered = list(modes)[:MAX_OWN_LAYOUTS]
        found: dict[int, str] = {}
        for person in people:
            mode = view.own_layouts.get(person.id)
            if mode not in offered:
                continue
            is_apart = person.id in apart
            scene = f"own-{mode}-{PEOPLE}" if is_apart else f"own-{mode}"
            if scene not in found.values():
                self._own.add(scene)
                self._set_scene(scene, people, replace(view, layout=mode), None if is_apart else sharing)
            found[person.id] = scene
        return found

    def _close_own(self, kept: Collection[str]) -> None:
        for scene in self._own - set(kept):
            if not self._outputs.lingers(scene):
                self._own.discard(scene)
                self._close_scene(scene)

    def _set_panels(
        self, people: Sequence[Participant], panels: Mapping[int, Panel], wishes: Mapping[Seat, RenditionKey | None]
    ) -> dict[Seat, RenditionKey]:
        """What those see who have a panel: the scene that they would see without it, with the panel over it."""
        shown: dict[Seat, RenditionKey] = {}
        for person in sorted(people, key=lambda person: person.id not in self._panels):
            seat, panel = (person.id, Kind.VIDEO), panels.get(person.id)
            wish = wishes.get(seat)
            if panel is None or wish is None or len(shown) >= MAX_PANELS:
                continue
            scene = f"panel-{person.id}"
            key = _wish(person, Kind.VIDEO, scene, _PANEL_LADDER)
            if key is not None:
                shown[seat] = key
                self._panels[person.id] = scene
                self._put(msgspec.structs.replace(self._scenes[wish.scene], scene=scene, panel=panel))
        return shown

    def _close_panels(self, kept: Collection[int], *, at_once: bool = False) -> None:
        """A panel that was taken away is seen until the picture without it is there."""
        for leg in self._panels.keys() - set(kept):
            if not at_once and self._outputs.lingers(self._panels[leg]):
                continue
            self._close_scene(self._panels.pop(leg))

    def _close_scene(self, scene: str) -> None:
        self._outputs.leave_scene(scene)
        self._scenes.pop(scene, None)
        self._send(CloseScene(self.room, scene))

    def _put(self, message: SetScene) -> None:
        if self._scenes.get(message.scene) != message:
            self._scenes[message.scene] = message
            self._send(message)

    def _ask_sources(self, people: Sequence[Participant]) -> None:
        """Say what is needed of each source: the size of its largest tile, or nothing where no rendition shows it."""
        found = needs(
            (self._scenes[key.scene].tiles, key.rung) for key in self._outputs.open if key.scene in self._scenes
        )
        for person in people:
            for stream in person.leg.media.streams:
                if stream.kind in _PICTURES and (stream.receive or stream.kind in person.needs):
                    self._ask_source(person, stream.kind, found.get(stream_id(person.id, stream.kind), HIDDEN))

    def _ask_source(self, person: Participant, kind: Kind, need: Need) -> None:
        if person.allowance is Allowance.SMALL and kind is Kind.VIDEO:
            need = need.within(SMALL.width, SMALL.height)
        if person.needs.get(kind) == need:
            return
        person.needs[kind] = need
        number = stream_id(person.id, kind)
        self._worker.send("net", LimitSource(number, need.bitrate_bps, need.width, need.height))
        person.leg.roster_changed()

    def _send(self, message: Message) -> None:
        self._worker.send("video", message)


def _wishes(
    people: Sequence[Participant],
    lecturer: int,
    apart: Collection[int],
    own: Mapping[int, str],
    sizes: Sequence[Rung],
) -> dict[Seat, RenditionKey | None]:
    """What each leg would like to get; those in `apart` see the people without the shared screen, `own` their scene."""
    wishes: dict[Seat, RenditionKey | None] = {}
    for person in people:
        shared = AUDIENCE if person.id == lecturer else PEOPLE if person.id in apart else MAIN
        main = own.get(person.id, shared)
        wishes[person.id, Kind.VIDEO] = _wish(person, Kind.VIDEO, main, sizes)
        is_shown = person.id in apart and not person.is_sharing
        wishes[person.id, Kind.CONTENT] = _wish(person, Kind.CONTENT, CONTENT, sizes) if is_shown else None
    return wishes


def _wish(person: Participant, kind: Kind, scene: str, sizes: Sequence[Rung]) -> RenditionKey | None:
    stream = person.leg.media.stream(kind)
    if stream is None or not person.allowance.has_pictures:
        return None
    sizes = sizes_of(stream, sizes)
    if person.allowance is Allowance.SMALL:
        sizes = [rung for rung in sizes if rung.width <= SMALL_SEEN.width]
    limit_bps = person.limits.get(kind, 0)
    ladder = [rung for rung in sizes if not limit_bps or rung.bitrate_bps <= limit_bps] or sizes[-1:]
    return rendition_for(stream, scene, ladder)


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
        label=f"{RAISED_HAND} {person.name}" if person.has_hand_raised else person.name,
        is_speaking=person.is_speaking and kind is not Kind.CONTENT,
        is_muted=person.is_muted and kind is not Kind.CONTENT,
        is_content=kind is Kind.CONTENT,
    )
