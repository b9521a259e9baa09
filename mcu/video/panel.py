"""Words for one caller, drawn: a whole picture where nothing else is shown, a card over running pictures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from mcu.video.fonts import Font, Fonts
from mcu.video.labels import SPEAKING, clean, smooth
from mcu.video.paragraph import Paragraph, wrapped
from mcu.video.surface import Rgb, Sprite
from mcu.worker.messages import Panel

TOP: Rgb = (24, 35, 52)
BOTTOM: Rgb = (12, 16, 23)
"""The ground fades from one to the other."""
WARNING: Rgb = (255, 183, 77)
_TITLE = (245, 247, 250, 255)
_TEXT = (194, 204, 216, 255)
_WARNING_GROUND = (255, 183, 77, 40)
_FIELD = (255, 255, 255, 26)
_FIELD_EDGE = (255, 255, 255, 90)
_CARD = (10, 14, 20, 232)
_DOTS = frozenset("•●*＊")
_MAX_LINES = 10
_MAX_TEXT = 200
_MAX_ENTRY = 24
_SIZES = (1.0, 0.85, 0.72, 0.6, 0.5, 0.42)
"""Words that do not fit are tried smaller."""
_LEAST_TEXT_PX = 10


@dataclass(frozen=True, slots=True)
class _Block:
    """One part of a panel, laid out: its height, and how it is drawn at (left, top)."""

    kind: str
    paragraph: Paragraph
    height: int
    gap: int
    """Empty room above it."""


class Panels:
    """Draws panels; safe for several threads. Nothing is kept: a panel is drawn once for every change of it."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Use every part of the drawing library once, while files may still be opened."""
        words = Panel("远程会诊 Ag", ("请输入 Ag",), "12•", "Ag")
        self.whole(words, 640, 360)
        self.card(words, 640, 360)

    def whole(self, panel: Panel, width: int, height: int) -> Sprite:
        """An opaque picture of that size."""
        with self._lock:
            image = _ground(width, height).copy()
            margin = round(width * 0.09)
            blocks = self._fitted(panel, width - 2 * margin, round(height * 0.88), height * 0.1)
            top = (height - _height_of(blocks)) // 2
            self._draw(image, blocks, margin, top)
            return Sprite.of(image)

    def card(self, panel: Panel, width: int, height: int) -> Sprite:
        """A dark translucent card, to be laid over a picture of that size."""
        with self._lock:
            share = 0.56 if width >= 480 else 0.76
            margin = max(6, round(height * 0.04))
            blocks = self._fitted(panel, round(width * share) - 2 * margin, round(height * 0.84), height * 0.08)
            inner = max((block.paragraph.width for block in blocks), default=0)
            size = (min(round(width * share), inner + 2 * margin), _height_of(blocks) + 2 * margin)
            image = smooth(size, lambda draw, box: draw.rounded_rectangle(box, margin * 3, fill=_CARD))
            self._draw(image, blocks, margin, margin)
            return Sprite.of(image)

    # ---- layout

    def _fitted(self, panel: Panel, width: int, height: int, size: float) -> list[_Block]:
        """The blocks of a panel in the largest words that fit; what is too much even for the smallest is left out."""
        blocks: list[_Block] = []
        for scale in _SIZES:
            blocks = list(self._blocks(panel, width, size * scale))
            if _height_of(blocks) <= height:
                return blocks
        while len(blocks) > 1 and _height_of(blocks) > height:
            spare = next((i for i in range(len(blocks) - 1, 0, -1) if blocks[i].kind == "line"), len(blocks) - 1)
            del blocks[spare]
        return blocks

    def _blocks(self, panel: Panel, width: int, size: float) -> Iterator[_Block]:
        text_size = max(size * 0.62, _LEAST_TEXT_PX)
        gap = round(size * 0.45)
        if title := clean(panel.title, _MAX_TEXT):
            yield self._block("title", title, width, max(size, _LEAST_TEXT_PX), 0, 2)
        for number, line in enumerate(panel.lines[:_MAX_LINES]):
            if text := clean(line, _MAX_TEXT):
                yield self._block("line", text, width, text_size, gap if number == 0 else round(gap * 0.4), 3)
        if entry := clean(panel.entry, _MAX_ENTRY):
            yield self._entry(entry, width, max(size * 0.9, _LEAST_TEXT_PX), round(gap * 1.3))
        if note := clean(panel.note, _MAX_TEXT):
            inset = round(text_size)
            block = self._block("note", note, width - 2 * inset, text_size, round(gap * 1.2), 2)
            yield _Block("note", block.paragraph.padded(inset), block.height + round(text_size * 0.8), block.gap)

    def _block(self, kind: str, text: str, width: int, size: float, gap: int, max_lines: int) -> _Block:
        font = self._fonts.at(size)
        paragraph = wrapped(text, width, font, max_lines)
        return _Block(kind, paragraph, paragraph.height, gap)

    def _entry(self, entry: str, width: int, size: float, gap: int) -> _Block:
        font = self._fonts.at(size)
        step = _step(font)
        shown = entry[-max(1, (width - step) // step) :]
        paragraph = Paragraph((shown,), font, min(width, step * (max(len(shown), 4) + 1)), round(step * 1.7))
        return _Block("entry", paragraph, paragraph.height, gap)

    # ---- drawing

    def _draw(self, image: Image.Image, blocks: list[_Block], left: int, top: int) -> None:
        for block in blocks:
            top += block.gap
            box = (left, top, left + block.paragraph.width, top + block.height)
            if block.kind == "entry":
                _draw_entry(image, block.paragraph, box)
            elif block.kind == "note":
                _draw_note(image, block, box)
            else:
                colour = _TITLE if block.kind == "title" else _TEXT
                block.paragraph.draw(image, left, top, colour)
            top += block.height


def _height_of(blocks: list[_Block]) -> int:
    return sum(block.gap + block.height for block in blocks)


@lru_cache(maxsize=8)
def _ground(width: int, height: int) -> Image.Image:
    """A calm fade with a green line at its foot."""
    column = Image.new("RGBA", (1, height))
    for y in range(height):
        part = y / max(1, height - 1)
        channels = tuple(round(top + (bottom - top) * part) for top, bottom in zip(TOP, BOTTOM, strict=True))
        column.putpixel((0, y), (*channels, 255))
    image = column.resize((width, height))
    foot = max(2, round(height / 120))
    ImageDraw.Draw(image).rectangle((0, height - foot, width, height), fill=(*SPEAKING, 255))
    return image


def _step(font: Font) -> int:
    """The width of one place of an entry."""
    return max(8, round(font.getlength("0") * 1.5))


def _draw_entry(image: Image.Image, paragraph: Paragraph, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    radius = (bottom - top) // 4
    field = smooth(
        (right - left, bottom - top),
        lambda draw, inner: draw.rounded_rectangle(inner, radius * 4, fill=_FIELD, outline=_FIELD_EDGE, width=4),
    )
    image.alpha_composite(field, (left, top))
    draw = ImageDraw.Draw(image)
    step, middle = _step(paragraph.font), (top + bottom) / 2
    for number, character in enumerate(paragraph.lines[0]):
        across = left + step * (number + 1)
        if character in _DOTS:
            size = max(4, round(step * 0.5)) // 2 * 2
            dot = smooth((size, size), lambda draw, inner: draw.ellipse(inner, fill=_TITLE))
            image.alpha_composite(dot, (across - size // 2, round(middle) - size // 2))
        else:
            draw.text((across, middle), character, font=paragraph.font, fill=_TITLE, anchor="mm")


def _draw_note(image: Image.Image, block: _Block, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    size = (right - left, bottom - top)
    radius = min(size[1] // 4, 10)
    ground = smooth(size, lambda draw, inner: draw.rounded_rectangle(inner, radius * 4, fill=_WARNING_GROUND))
    image.alpha_composite(ground, (left, top))
    bar = max(2, radius // 3)
    ImageDraw.Draw(image).rectangle((left, top + radius, left + bar - 1, bottom - radius), fill=(*WARNING, 255))
    inset = (size[1] - block.paragraph.height) // 2
    block.paragraph.draw(image, left + block.paragraph.inset, top + inset, (*WARNING, 255))
