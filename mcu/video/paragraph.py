"""Text in several lines: Latin breaks between words, Chinese anywhere but before closing marks."""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from PIL import Image, ImageDraw

from mcu.video.fonts import Font
from mcu.video.labels import shortened

_LINE_HEIGHT = 1.34
_NEVER_FIRST = frozenset("，。、；：？！）》」』”’,.;:?!)]}")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that fit a width, and the room that they take in pixels."""

    lines: tuple[str, ...]
    font: Font
    width: int
    height: int
    inset: int = 0
    """Room that is kept free on both sides; part of the width."""

    def padded(self, inset: int) -> Paragraph:
        """The same lines with room on both sides."""
        return replace(self, width=self.width + 2 * inset, inset=inset)

    def draw(self, image: Image.Image, left: int, top: int, colour: tuple[int, ...]) -> None:
        """Write the lines."""
        draw = ImageDraw.Draw(image)
        step = self.height / max(1, len(self.lines))
        for number, line in enumerate(self.lines):
            draw.text((left, top + step * (number + 0.5)), line, font=self.font, fill=colour, anchor="lm")


def wrapped(text: str, width: int, font: Font, max_lines: int) -> Paragraph:
    """`text` in at most `max_lines` lines of `width` pixels; what is too long ends with an ellipsis."""
    lines = list(_lines(text, width, font))
    if len(lines) > max_lines:
        lines = [*lines[: max_lines - 1], shortened(" ".join(lines[max_lines - 1 :]), width, font.getlength)]
    widest = max((font.getlength(line) for line in lines), default=0.0)
    line_height = round(_size_of(font) * _LINE_HEIGHT)
    return Paragraph(tuple(lines), font, min(width, round(widest) + 1), line_height * len(lines))


def _lines(text: str, width: int, font: Font) -> Iterator[str]:
    ends = list(accumulate(map(len, _words(text))))
    start = 0
    while start < len(text):
        following = ends[bisect_right(ends, start) :]
        fitting = _how_many_fit(text, start, following, width, font)
        word = text[start : following[0]]
        is_whole = fitting or len(word) == 1
        end = following[max(fitting, 1) - 1] if is_whole else start + _longest(word, width, font)
        if line := text[start:end].rstrip():
            yield line
        start = end


def _how_many_fit(text: str, start: int, ends: list[int], width: int, font: Font) -> int:
    """How many words from `start` on a line holds; few of them are measured, since each measure shapes them all."""

    def is_too_wide(count: int) -> bool:
        return count > 0 and font.getlength(text[start : ends[count - 1]].rstrip()) > width

    enough = 1
    while enough < len(ends) and not is_too_wide(enough):
        enough = min(2 * enough, len(ends))
    return bisect_left(range(enough // 2, enough + 1), True, key=is_too_wide) + enough // 2 - 1


def _longest(text: str, width: int, font: Font) -> int:
    """How many characters of a word that is wider than a line the line holds."""
    lengths = range(2, len(text))
    return max(1, bisect_right(lengths, width, key=lambda n: math.ceil(font.getlength(text[:n]))) + 1)


def _words(text: str) -> Iterator[str]:
    """The pieces that may stand on a line of their own, spaces kept at their ends."""
    word = ""
    for character in text:
        is_wide = unicodedata.east_asian_width(character) in {"W", "F"}
        if word and character not in _NEVER_FIRST and (is_wide or _may_break_after(word[-1])) and character != " ":
            yield word
            word = ""
        word += character
    if word:
        yield word


def _may_break_after(character: str) -> bool:
    return character == " " or unicodedata.east_asian_width(character) in {"W", "F"}


def _size_of(font: Font) -> float:
    return float(getattr(font, "size", 10))
