"""What is drawn over and instead of pictures: names, microphones, cards, the recording sign, captions."""

from __future__ import annotations

import threading
import unicodedata
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache

from PIL import Image, ImageDraw

from mcu.video.fonts import Font, Fonts
from mcu.video.surface import Rgb, Sprite

BACKGROUND: Rgb = (17, 21, 28)
TILE: Rgb = (27, 33, 42)
SPEAKING: Rgb = (61, 201, 140)
_TEXT = (240, 243, 246, 255)
_QUIET_TEXT = (150, 160, 173, 255)
_SHADE = (10, 13, 18, 168)
_MUTED = (255, 122, 110, 255)
_RECORDING = (235, 64, 52, 255)
_CARD_COLOURS: tuple[Rgb, ...] = (
    (58, 98, 138), (52, 116, 108), (112, 86, 136), (138, 94, 68), (74, 108, 72), (132, 78, 96), (66, 88, 128),
)  # fmt: skip
_MAX_TEXT = 80
_MAX_CACHED = 512
_MAX_CACHED_BYTES = 96 << 20
_SMOOTHING = 4
_ELLIPSIS = "…"


class Labels:
    """Draws sprites and keeps those lately used; safe for several threads."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self._cache: OrderedDict[Hashable, Sprite] = OrderedDict()
        self._cached_bytes = 0
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Use every part of the drawing library once, while files may still be opened."""
        self.name("远程会诊 Ag", True, 640, 360)
        self.card("Ag", 320, 180)
        self.recording(720)

    def name(self, text: str, is_muted: bool, tile_width: int, tile_height: int) -> Sprite | None:
        """A name on a dark ribbon, behind a crossed microphone when muted; None when there is nothing to say."""
        text = clean(text)
        if not text and not is_muted:
            return None
        size = min(max(tile_height * 0.06, 12 if tile_height > 80 else 10), 24)
        width = max(8, int(tile_width - 2 * size))
        return self._cached(("name", text, is_muted, width, size), lambda: self._draw_name(text, is_muted, width, size))

    def card(self, text: str, tile_width: int, tile_height: int) -> Sprite:
        """A filled tile with the initials of `text` in a circle."""
        initials = initials_of(clean(text))
        colour = _CARD_COLOURS[zlib.crc32(text.encode()) % len(_CARD_COLOURS)]
        key = ("card", initials, colour, tile_width, tile_height)
        return self._cached(key, lambda: self._draw_card(initials, colour, tile_width, tile_height))

    def recording(self, height: int) -> Sprite:
        """A red dot and REC."""
        return self._cached(("rec", height), lambda: self._draw_recording(max(height * 0.034, 12)))

    def caption(self, text: str, width: int, height: int) -> Sprite:
        """One line for everybody, on a dark ribbon."""
        text = clean(text)
        size = max(height * 0.039, 12)
        return self._cached(("caption", text, width, size), lambda: self._draw_ribbon(text, int(width * 0.9), size))

    def room(self, text: str, width: int, height: int) -> Sprite:
        """The name of an empty room, without a ground."""
        text = clean(text)
        return self._cached(("room", text, width, height), lambda: self._draw_room(text, int(width * 0.8), height))

    def _cached(self, key: Hashable, draw: Callable[[], Image.Image]) -> Sprite:
        with self._lock:
            if (found := self._cache.get(key)) is not None:
                self._cache.move_to_end(key)
                return found
            sprite = self._cache[key] = Sprite.of(draw())
            self._cached_bytes += sprite.bytes
            while len(self._cache) > 1 and (len(self._cache) > _MAX_CACHED or self._cached_bytes > _MAX_CACHED_BYTES):
                self._cached_bytes -= self._cache.popitem(last=False)[1].bytes
            return sprite

    def _draw_name(self, text: str, is_muted: bool, width: int, size: float) -> Image.Image:
        font = self._fonts.at(size)
        icon = round(size) if is_muted else 0
        gap = round(size * 0.4)
        room = width - 2 * gap - (icon + gap if icon else 0)
        text = shortened(text, room, font.getlength)
        total = 2 * gap + icon + (gap if icon and text else 0) + round(font.getlength(text))
        image = _ribbon(total, round(size * 1.6), radius=size * 0.35)
        draw = ImageDraw.Draw(image)
        if icon:
            image.alpha_composite(_microphone(icon), (gap, (image.height - icon) // 2))
        _write(draw, text, font, (gap + (icon + gap if icon else 0), image.height / 2), "lm", _TEXT)
        return image

    def _draw_card(self, initials: str, colour: Rgb, width: int, height: int) -> Image.Image:
        image = Image.new("RGBA", (width, height), (*TILE, 255))
        diameter = round(min(width, height) * 0.42)
        circle = smooth((diameter, diameter), lambda draw, box: draw.ellipse(box, fill=(*colour, 255)))
        image.alpha_composite(circle, ((width - diameter) // 2, (height - diameter) // 2))
        font = self._fonts.at(diameter * (0.36 if len(initials) > 1 and _is_wide(initials[0]) else 0.42))
        _write(ImageDraw.Draw(image), initials, font, (width / 2, height / 2), "mm", _TEXT)
        return image

    def _draw_recording(self, size: float) -> Image.Image:
        font = self._fonts.at(size * 0.85)
        dot, gap = round(size * 0.6), round(size * 0.5)
        image = _ribbon(3 * gap + dot + round(font.getlength("REC")), round(size * 1.6), radius=size * 0.8)
        circle = smooth((dot, dot), lambda draw, box: draw.ellipse(box, fill=_RECORDING))
        image.alpha_composite(circle, (gap, (image.height - dot) // 2))
        _write(ImageDraw.Draw(image), "REC", font, (2 * gap + dot, image.height / 2), "lm", _TEXT)
        return image

    def _draw_ribbon(self, text: str, width: int, size: float) -> Image.Image:
        font = self._fonts.at(size)
        gap = round(size * 0.7)
        text = shortened(text, width - 2 * gap, font.getlength)
        image = _ribbon(2 * gap + round(font.getlength(text)), round(size * 1.9), radius=size * 0.4)
        _write(ImageDraw.Draw(image), text, font, (gap, image.height / 2), "lm", _TEXT)
        return image

    def _draw_room(self, text: str, width: int, height: int) -> Image.Image:
        font = self._fonts.at(height * 0.085)
        text = shortened(text, width, font.getlength)
        image = Image.new("RGBA", (max(2, round(font.getlength(text)) + 4), round(height * 0.14)))
        _write(ImageDraw.Draw(image), text, font, (image.width / 2, image.height / 2), "mm", _QUIET_TEXT)
        return image


@lru_cache(maxsize=512)
def clean(text: str, longest: int = _MAX_TEXT) -> str:
    """One line of at most 80 printable characters; what would change the direction of its neighbours is gone."""
    return " ".join("".join(c for c in text[: 4 * longest] if c == " " or _is_visible(c)).split())[:longest]


def initials_of(text: str) -> str:
    """Two letters of a name: of Chinese the last two characters (the given name), of a number its end."""
    if not text:
        return "?"
    if all(_is_wide(character) for character in text):
        return text[-2:] if len(text) <= 4 else text[:2]
    if _is_wide(text[0]):
        return text[0]
    words = [word for word in text.split() if word[0].isalpha()]
    return "".join(word[0] for word in words[:2]).upper() or text[-2:]


def shortened(text: str, width: float, measure: Callable[[str], float]) -> str:
    """`text`, or as much of its beginning with an ellipsis as `width` holds; "" where nothing fits."""
    if measure(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip() + _ELLIPSIS) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + _ELLIPSIS if low else ""


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in {"W", "F"}


def _write(
    draw: ImageDraw.ImageDraw, text: str, font: Font, place: tuple[float, float], anchor: str, fill: tuple[int, ...]
) -> None:
    if text:
        draw.text(place, text, font=font, fill=fill, anchor=anchor)


def _ribbon(width: int, height: int, radius: float) -> Image.Image:
    return smooth((width, height), lambda draw, box: draw.rounded_rectangle(box, radius * _SMOOTHING, fill=_SHADE))


def smooth(
    size: tuple[int, int], paint: Callable[[ImageDraw.ImageDraw, tuple[int, int, int, int]], None]
) -> Image.Image:
    """A shape drawn large and scaled down, so that its edges are soft."""
    large = Image.new("RGBA", (size[0] * _SMOOTHING, size[1] * _SMOOTHING))
    paint(ImageDraw.Draw(large), (0, 0, large.width - 1, large.height - 1))
    return large.resize(size, Image.Resampling.BOX)


def _microphone(size: int) -> Image.Image:
    """A microphone crossed out."""

    def paint(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
        unit = box[2] / 16
        line = max(1, round(unit * 1.6))
        draw.rounded_rectangle((unit * 5.5, unit * 0.5, unit * 10.5, unit * 9), unit * 2.5, fill=_MUTED)
        draw.arc((unit * 3, unit * 3, unit * 13, unit * 12), 10, 170, fill=_MUTED, width=line)
        draw.line((unit * 8, unit * 12, unit * 8, unit * 15), fill=_MUTED, width=line)
        draw.line((unit * 2.6, unit * 1, unit * 14.4, unit * 14.2), fill=(0, 0, 0, 0), width=line * 3)
        draw.line((unit * 2, unit * 1.4, unit * 13.8, unit * 14.6), fill=_MUTED, width=line)

    return smooth((size, size), paint)
