"""Paints one scene at one size: two canvases in turn, on each only what changed since it was last painted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable

from mcu.video.box import Box
from mcu.video.labels import BACKGROUND, SPEAKING, TILE, Labels
from mcu.video.panel import Panels
from mcu.video.scaler import ScaleError, Scaler
from mcu.video.scene import Pictures, Seat, Stage
from mcu.video.source import Picture
from mcu.video.surface import Sprite, Surface
from mcu.worker.messages import SetScene

Watch = Callable[[int], None]
"""Called with the stream whose picture is touched next, and with 0 afterwards."""
_GUTTER = 2


class Compositor:
    """Owns the canvases and the scalers of a scene at one size. Used by one thread at a time."""

    def __init__(self, width: int, height: int, labels: Labels, panels: Panels, counters: Counter[str]) -> None:
        self.width, self.height = width, height
        self._labels = labels
        self._panels = panels
        self._card: Sprite | None = None
        self._version = 0
        self._counters = counters
        self._stage = Stage.of(SetScene("", "", ()), width, height)
        self._canvases = [_Canvas(width, height), _Canvas(width, height)]
        self._scalers: dict[tuple[int, int], Scaler] = {}

    def set_scene(self, scene: SetScene) -> None:
        """Show this from the next paint() on."""
        before, self._stage = self._stage, Stage.of(scene, self.width, self.height)
        self._version += 1
        if scene.panel != before.scene.panel:
            self._card = None
        keys = {(number, seat.tile.stream) for number, seat in enumerate(self._stage.seats)}
        self._scalers = {key: scaler for key, scaler in self._scalers.items() if key in keys}
        is_new_ground = [seat.box for seat in before.seats] != [seat.box for seat in self._stage.seats]
        if is_new_ground or _overlays(before.scene) != _overlays(scene) or not scene.tiles:
            for canvas in self._canvases:
                canvas.painted.clear()
                canvas.edges.clear()
                canvas.has_ground = False

    @property
    def still(self) -> int:
        """Which still picture paint() gives: another number for another picture, 0 where pictures move."""
        return self._version if self._shows_words else 0

    @property
    def has_to_draw(self) -> bool:
        """Whether the next paint() draws words, which takes long."""
        scene = self._stage.scene
        if scene.panel is None:
            return False
        return self._card is None if scene.tiles else not any(canvas.has_ground for canvas in self._canvases)

    @property
    def _shows_words(self) -> bool:
        return self._stage.scene.panel is not None and not self._stage.scene.tiles

    def paint(self, pictures: Pictures, watch: Watch) -> Surface:
        """Bring one canvas up to date; it stays untouched until the next but one call."""
        self._canvases.reverse()
        canvas = self._canvases[0]
        if self._shows_words:
            return self._paint_words(canvas)
        overlays = self._overlay_sprites()
        if not canvas.has_ground:
            canvas.surface.fill(Box(0, 0, self.width, self.height), BACKGROUND)
            canvas.has_ground = True
        else:
            for box, _ in overlays:
                canvas.surface.fill(box, BACKGROUND)
        repaints_all = False
        for number, seat in enumerate(self._stage.seats):
            shown = pictures.get(seat.tile.stream)
            picture = shown.visible(seat.tile) if shown else None
            is_under = any(box.overlaps(seat.box) for box, _ in overlays)
            state = _state(seat, picture)
            if repaints_all or is_under or canvas.painted.get(number) != state:
                canvas.painted[number] = state
                if is_under or self._stage.has_overlaps:
                    canvas.edges.pop(number, None)
                repaints_all = self._stage.has_overlaps
                self._paint_seat(canvas, number, seat, picture, watch)
        for box, sprite in overlays:
            canvas.surface.blend(sprite, box.x, box.y)
        return canvas.surface

    def _paint_words(self, canvas: _Canvas) -> Surface:
        other, panel = self._canvases[1], self._stage.scene.panel
        if not canvas.has_ground and panel is not None:
            if other.has_ground:
                canvas.surface.copy(other.surface, Box(0, 0, self.width, self.height), 0, 0)
            else:
                canvas.surface.blend(self._panels.whole(panel, self.width, self.height), 0, 0)
            canvas.has_ground = True
        return canvas.surface

    def _paint_seat(self, canvas: _Canvas, number: int, seat: Seat, picture: Picture | None, watch: Watch) -> None:
        surface = canvas.surface
        if picture is None or not self._paint_picture(canvas, number, seat, picture, watch):
            canvas.edges.pop(number, None)
            card = self._labels.card(seat.tile.label, seat.box.width, seat.box.height)
            surface.blend(card, seat.box.x, seat.box.y)
        self._paint_name(surface, seat)
        if seat.has_edges and canvas.edges.get(number) != seat:
            colour = SPEAKING if seat.tile.is_speaking else BACKGROUND
            surface.frame_box(seat.box, self._edge_of(seat), colour)
            canvas.edges[number] = seat

    def _paint_picture(self, canvas: _Canvas, number: int, seat: Seat, picture: Picture, watch: Watch) -> bool:
        scaler = self._scalers.setdefault((number, seat.tile.stream), Scaler())
        watch(seat.tile.stream)
        try:
            scaled, fit = scaler.scaled(picture, seat.box, may_cut=not seat.tile.is_content)
        except ScaleError:
            self._counters["scale_errors"] += 1
            return False
        finally:
            watch(0)
        part, inset = fit.part, self._edge_of(seat)
        if (part.width, part.height) != (seat.box.width, seat.box.height):
            canvas.edges.pop(number, None)
            canvas.surface.fill(seat.box, TILE)
            inset = 0
        inner = Box(part.x + inset, part.y + inset, part.width - 2 * inset, part.height - 2 * inset)
        canvas.surface.copy(scaled, inner, fit.x + inset, fit.y + inset)
        return True

    def _edge_of(self, seat: Seat) -> int:
        if not seat.has_edges:
            return 0
        return max(2, round(self.height / 360) * 2) if seat.tile.is_speaking else _GUTTER

    def _paint_name(self, surface: Surface, seat: Seat) -> None:
        sprite = self._labels.name(seat.tile.label, seat.tile.is_muted, seat.box.width, seat.box.height)
        if sprite is None or 2 * sprite.height > seat.box.height or sprite.width > seat.box.width:
            return
        margin = max(6, round(seat.box.height / 60) * 2)
        y = seat.box.y + seat.box.height - sprite.height - margin
        surface.blend(sprite, seat.box.x + margin, max(seat.box.y, y - y % 2))

    def _overlay_sprites(self) -> list[tuple[Box, Sprite]]:
        """What lies over the tiles, and where."""
        scene, found = self._stage.scene, []
        margin = max(8, round(self.height / 60) * 2)
        if not scene.tiles:
            found.append(self._placed(self._labels.room(scene.room, self.width, self.height), 0.5, 0.5))
        if scene.is_recording:
            sprite = self._labels.recording(self.height)
            # In the middle: terminals and the join page lay their own signs over the corners.
            across = (self.width - sprite.width) // 2
            found.append((Box(across - across % 2, margin, sprite.width, sprite.height), sprite))
        if scene.caption:
            found.append(self._placed(self._labels.caption(scene.caption, self.width, self.height), 0.5, 0.92))
        if scene.panel is not None:
            if self._card is None:
                self._card = self._panels.card(scene.panel, self.width, self.height)
            down = max(0, self.height - self._card.height - margin)
            found.append((Box(margin, down - down % 2, self._card.width, self._card.height), self._card))
        return found

    def _placed(self, sprite: Sprite, across: float, down: float) -> tuple[Box, Sprite]:
        x = max(0, round(self.width * across - sprite.width / 2))
        y = max(0, round(self.height * down - sprite.height / 2))
        return Box(x - x % 2, y - y % 2, sprite.width, sprite.height), sprite


class _Canvas:
    """One picture in the making, and what each seat of it shows."""

    def __init__(self, width: int, height: int) -> None:
        self.surface = Surface.blank(width, height, BACKGROUND)
        self.painted: dict[int, Hashable] = {}
        self.edges: dict[int, Seat] = {}
        """The seats whose edges are there: a new picture that fills its tile is put between them."""
        self.has_ground = True


def _state(seat: Seat, picture: Picture | None) -> Hashable:
    return (seat, picture.serial if picture else None)


def _overlays(scene: SetScene) -> tuple[object, ...]:
    return scene.is_recording, scene.caption, bool(scene.tiles), scene.panel
