"""Line plots as SVG that reads on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 44, 52
_COLOURS = ("#2f7fb8", "#d9822b", "#3a9d5d", "#b0468f", "#7a6fd0", "#888888")
_MOST_TICKS = 8
_OVER_MARK = 1.1
"""So far up the axis goes above a mark, so that the legend has room."""


@dataclass(frozen=True)
class Axis:
    """What it says, and where a line of its value is drawn across (None: nowhere)."""

    title: str
    mark: float | None = None
    mark_title: str = ""


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], x: Axis, y: Axis) -> str:
    """A plot of points that are joined; both axes begin at 0."""
    points = [point for line in series.values() for point in line]
    right = _ceiling(max((point[0] for point in points), default=1.0))
    top = _ceiling(max([*(point[1] for point in points), (y.mark or 0.0) * _OVER_MARK, 1e-9]))

    def at(point: tuple[float, float]) -> tuple[float, float]:
        width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return round(_LEFT + point[0] / right * width, 1), round(_TOP + (1 - point[1] / top) * height, 1)

    parts = [_text(_WIDTH / 2, 22, title, "middle", 15), *_scales(at, right, top, x, y)]
    if y.mark is not None:
        (x0, y0), (x1, _) = at((0, y.mark)), at((right, y.mark))
        parts.append(f'<path d="M{x0} {y0}H{x1}" stroke="#c33" stroke-dasharray="6 4" fill="none"/>')
        parts.append(_text(x1, y0 - 5, y.mark_title, "end"))
    for index, (name, line) in enumerate(series.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        path = " ".join(f"{px},{py}" for px, py in map(at, line))
        parts.append(f'<polyline points="{path}" stroke="{colour}" stroke-width="2" fill="none"/>')
        parts += [f'<circle cx="{px}" cy="{py}" r="3" fill="{colour}"/>' for px, py in map(at, line)]
        height = _TOP + 14 + 18 * index
        parts.append(f'<rect x="{_LEFT + 12}" y="{height - 6}" width="14" height="4" fill="{colour}"/>')
        parts.append(_text(_LEFT + 32, height, name, "start"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'role="img" aria-label="{escape(title)}">\n<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def below(plots: Sequence[str]) -> str:
    """Several plots of lines() as one picture, one below the other."""
    placed = [
        plot.replace("<svg ", f'<svg y="{_HEIGHT * index}" width="{_WIDTH}" height="{_HEIGHT}" ', 1)
        for index, plot in enumerate(plots)
    ]
    size = f"0 0 {_WIDTH} {_HEIGHT * len(plots)}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}">\n' + "".join(placed) + "</svg>\n"


def _scales(at: object, right: float, top: float, x: Axis, y: Axis) -> list[str]:
    assert callable(at)
    (x0, y0), (x1, y1) = at((0, 0)), at((right, top))
    parts = [f'<path d="M{x0} {y1}V{y0}H{x1}" stroke="#333" fill="none"/>']
    for value in _ticks(right):
        px, _ = at((value, 0))
        parts.append(_text(px, y0 + 16, f"{value:g}", "middle"))
    for value in _ticks(top):
        _, py = at((0, value))
        parts.append(f'<path d="M{x0} {py}H{x1}" stroke="#ddd" fill="none"/>')
        parts.append(_text(x0 - 6, py + 4, f"{value:g}", "end"))
    middle = (y0 + y1) / 2
    parts.append(_text((x0 + x1) / 2, _HEIGHT - 12, x.title, "middle"))
    turned = f'transform="rotate(-90 18 {middle})"'
    parts.append(f'<text x="18" y="{middle}" text-anchor="middle" font-size="12" {turned}>{escape(y.title)}</text>')
    return parts


def _step(most: float) -> float:
    """1, 2 or 5 times a power of ten, so that a few ticks reach `most`."""
    raw = most / (_MOST_TICKS - 1)
    power: float = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw - 1e-12)


def _ceiling(most: float) -> float:
    step = _step(most)
    return math.ceil(most / step - 1e-9) * step


def _ticks(most: float) -> list[float]:
    step = _step(most)
    return [round(step * n, 9) for n in range(int(most / step + 1e-9) + 1)]


def _text(x: float, y: float, text: str, anchor: str, size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" fill="#222">{escape(text)}</text>'
