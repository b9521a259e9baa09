"""Scenes, canvases and encoders: one canvas for each scene and size, one encoder for each rendition."""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass, field

from config.media import VideoSettings
from mcu.media import is_place, leg_of, place_of
from mcu.video.compositor import Compositor, Watch
from mcu.video.encoder import Encoder, RenditionError
from mcu.video.labels import Labels
from mcu.video.panel import Panels
from mcu.video.scene import Pictures
from mcu.worker.channel import Frame
from mcu.worker.messages import CloseScene, OpenRendition, SetScene, UpdateRendition

logger = logging.getLogger(__name__)
_LOGGED_OF = 250
_DRAWN_A_TICK = 1
_SceneKey = tuple[str, str]
_StageKey = tuple[str, str, int, int]


@dataclass(slots=True)
class _Stage:
    compositor: Compositor
    encoders: dict[int, Encoder] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """A canvas to paint, and the encoders that take it at this tick."""

    compositor: Compositor
    encoders: list[Encoder]


class Stages:
    """All of a worker. Used by the thread that ticks; perform() may run on several threads for different work."""

    def __init__(self, settings: VideoSettings, labels: Labels, panels: Panels, counters: Counter[str]) -> None:
        self._settings = settings
        self._labels = labels
        self._panels = panels
        self._counters = counters
        self._scenes: dict[_SceneKey, SetScene] = {}
        self._stages: dict[_StageKey, _Stage] = {}
        self._visible: dict[int, int] | None = None

    @property
    def encoders(self) -> int:
        """Encoders that run: what a room costs."""
        return sum(len(stage.encoders) for stage in self._stages.values())

    @property
    def canvases(self) -> int:
        """Pictures composed at each tick."""
        return len(self._stages)

    def set_scene(self, scene: SetScene) -> None:
        """Show this from now on."""
        key = (scene.room, scene.scene)
        if is_place(scene.room) and any(place_of(leg_of(tile.stream)) != scene.room for tile in scene.tiles):
            self._counters["foreign_place"] += 1
            return
        if key not in self._scenes and not self._has_room_for_scene(scene.room):
            self._counters["refused_scenes"] += 1
            return
        self._scenes[key] = scene
        self._visible = None
        for (room, name, _, _), stage in self._stages.items():
            if (room, name) == key:
                stage.compositor.set_scene(scene)

    def close_scene(self, message: CloseScene) -> None:
        """Forget a scene; a rendition that still shows it shows nothing."""
        self.set_scene(SetScene(message.room, message.scene, ()))
        self._scenes.pop((message.room, message.scene), None)
        self._visible = None

    def open(self, rendition: OpenRendition) -> None:
        """Start an encoder; one of the same number ends first. What cannot be encoded is refused and counted."""
        self.close(rendition.rendition)
        try:
            if not self._has_room_for_rendition(rendition.room):
                raise RenditionError("too many renditions")
            encoder = Encoder(rendition, self._settings)
        except RenditionError as error:
            logger.error("rendition=%d room=%s refused: %s", rendition.rendition, rendition.room, error)
            self._counters["refused_renditions"] += 1
            return
        key = (rendition.room, rendition.scene, rendition.width, rendition.height)
        if (stage := self._stages.get(key)) is None:
            stage = self._stages[key] = _Stage(
                Compositor(rendition.width, rendition.height, self._labels, self._panels, self._counters)
            )
            scene = self._scenes.get(key[:2], SetScene(rendition.room, rendition.scene, ()))
            stage.compositor.set_scene(scene)
        stage.encoders[rendition.rendition] = encoder
        self._visible = None

    def update(self, message: UpdateRendition) -> None:
        """A recording starts or stops."""
        if encoder := self._encoder(message.rendition):
            encoder.keyframe_interval_s = message.keyframe_interval_s

    def close(self, rendition: int) -> None:
        """End an encoder, and the canvas that nobody else needs; unknown ones are ignored."""
        for key, stage in list(self._stages.items()):
            if stage.encoders.pop(rendition, None) and not stage.encoders:
                del self._stages[key]
        self._visible = None

    def close_room(self, room: str) -> None:
        """Forget scenes and renditions of a room."""
        self._scenes = {key: scene for key, scene in self._scenes.items() if key[0] != room}
        self._stages = {key: stage for key, stage in self._stages.items() if key[0] != room}
        self._visible = None

    def request_keyframe(self, rendition: int) -> None:
        """A receiver needs one; unknown renditions are ignored."""
        if encoder := self._encoder(rendition):
            encoder.request_keyframe()

    def visible_streams(self) -> dict[int, int]:
        """Sources in scenes that some rendition shows, and by how many milliseconds they are to be delayed."""
        if self._visible is None:
            shown = [self._scenes[key] for key in {key[:2] for key in self._stages} if key in self._scenes]
            self._visible = {tile.stream: scene.delay_ms for scene in shown for tile in scene.tiles if tile.stream}
        return self._visible

    def due(self, now_us: int) -> list[Work]:
        """What is to be done at this tick; of words one panel is drawn, the others come with the next ticks."""
        found, draws = [], 0
        for stage in self._stages.values():
            compositor = stage.compositor
            encoders = [each for each in stage.encoders.values() if each.is_due(now_us, compositor.still)]
            draws += bool(encoders) and compositor.has_to_draw
            if encoders and not (compositor.has_to_draw and draws > _DRAWN_A_TICK):
                found.append(Work(compositor, encoders))
        return found

    def perform(self, work: Work, pictures: Pictures, now_us: int, watch: Watch) -> tuple[float, float, list[Frame]]:
        """Paint and encode; milliseconds spent on each, and the frames."""
        started = time.perf_counter()
        surface = work.compositor.paint(pictures, watch)
        painted = time.perf_counter()
        frames = []
        for encoder in work.encoders:
            try:
                frame = encoder.encode(surface, now_us, work.compositor.still)
            except RenditionError as error:
                if self._counters["encode_errors"] % _LOGGED_OF == 0:
                    logger.error("rendition=%d failed: %s", encoder.rendition.rendition, error)
                self._counters["encode_errors"] += 1
                continue
            if frame is not None:
                frames.append(frame)
        return (painted - started) * 1000, (time.perf_counter() - painted) * 1000, frames

    def _has_room_for_scene(self, room: str) -> bool:
        """Callers in their places never take the room of conferences."""
        alike = sum(is_place(name) == is_place(room) for name, _ in self._scenes)
        return alike < (self._settings.max_places if is_place(room) else self._settings.max_scenes)

    def _has_room_for_rendition(self, room: str) -> bool:
        alike = sum(len(stage.encoders) for key, stage in self._stages.items() if is_place(key[0]) == is_place(room))
        return alike < (self._settings.max_places if is_place(room) else self._settings.max_renditions)

    def _encoder(self, rendition: int) -> Encoder | None:
        return next((stage.encoders[rendition] for stage in self._stages.values() if rendition in stage.encoders), None)
