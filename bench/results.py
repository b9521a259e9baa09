"""`python -m bench.results [LINES]`: bench/RESULTS.md and its plot from the JSON lines of `python -m bench all`.

Lines of benchmarks that were run again may follow in the same file: they count instead of those before.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench import plot
from bench.suite import BENCHMARKS, LINES

_HERE = Path(__file__).parent
FINDINGS = _HERE / "FINDINGS.md"
PAGE, GATES_PLOT = _HERE / "RESULTS.md", _HERE / "results.svg"
SCALE_PLOT = _HERE.parent / "docs" / "scale.svg"
_KNOWN = (
    "bench", "case", "ours", "baseline", "ratio", "gate", "unit", "runs", "notes", "gated", "verdict", "machine",
    "void",
)  # fmt: skip
_HEAD = """# What it costs

Made by `make bench` ({machine}). Each benchmark alternates ours and the named baseline in one run; figures are medians
of the pairs. CPU is user and system time of all processes that do the work, children included; that of load generators
is not in it. `python -m bench NAME` prints one of them. The gate holds for what the column says.

![the gates](results.svg)

| benchmark | case | ours | baseline | ratio | gate | |
|---|---|---|---|---|---|---|
"""
_WORDS = {"pass": "met", "miss": "**missed**", "void": "void", "": ""}
_ROW, _BAR = 24, 300
_MOST_SHARE = 1.5
_MACHINE_CORES = 2.0


def main() -> int:
    """Write the page; 1 where there is nothing to write it from."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else LINES
    if not source.is_file():
        print(f"{source} is missing: run `python -m bench all` first", file=sys.stderr)
        return 1
    lines = latest(json.loads(line) for line in source.read_text().splitlines() if line.strip())
    findings = sections(FINDINGS.read_text()) if FINDINGS.is_file() else {}
    PAGE.write_text(page(lines, findings))
    GATES_PLOT.write_text(gates_plot(lines))
    if drawn := scale_plot(lines):
        SCALE_PLOT.write_text(drawn)
    return 0


def latest(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last line of each case, in the place of its first: a benchmark that was run again is appended to the file."""
    return list({(line["bench"], line["case"]): line for line in lines}.values())


def page(lines: Sequence[dict[str, Any]], findings: dict[str, str]) -> str:
    """RESULTS.md; `findings` say for a benchmark what its profile shows, in the words of who looked."""
    ordered = sorted(lines, key=lambda line: _place(line["bench"]))
    machines = dict.fromkeys(line["machine"] for line in ordered if line.get("machine"))
    table = "".join(map(_row, ordered))
    names = dict.fromkeys(line["bench"] for line in ordered)
    parts = [_section(name, [line for line in ordered if line["bench"] == name], findings) for name in names]
    return _HEAD.format(machine=", ".join(machines) or "no machine") + table + "\n" + "\n".join(parts)


def sections(text: str) -> dict[str, str]:
    """The text below each `## name`."""
    found = re.split(r"^## +(.+)$", text, flags=re.MULTILINE)[1:]
    return {name.strip(): body.strip() for name, body in zip(found[::2], found[1::2], strict=True)}


def gates_plot(lines: Iterable[dict[str, Any]]) -> str:
    """A bar for each case with a gate: how much of the gate is used; the line is the gate."""
    rows = [line for line in lines if line.get("gate") and not line["void"] and _gated(line) is not None]
    height = 50 + _ROW * len(rows)
    parts = [_svg_text(330, 22, "share of the gate that is used (at the line: all of it)")]
    for index, line in enumerate(rows):
        share = float(_gated(line) or 0) / line["gate"]
        y = 36 + _ROW * index
        colour = "#3a9d5d" if share <= 1 else "#c8452f"
        parts.append(_svg_text(322, y + 14, f"{line['bench']}: {line['case']}"[:52], "end"))
        parts.append(
            f'<rect x="330" y="{y + 3}" width="{min(share, _MOST_SHARE) * _BAR:.0f}" height="15" fill="{colour}"/>'
        )
        parts.append(_svg_text(338 + _MOST_SHARE * _BAR, y + 15, f"{_number(_gated(line))} of {line['gate']:g}"))
    parts.append(f'<path d="M{330 + _BAR} 32V{height - 10}" stroke="#222" stroke-dasharray="4 3"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 920 {height}" font-family="sans-serif">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def scale_plot(lines: Iterable[dict[str, Any]]) -> str:
    """Cores against participants, one plot for pictures and one for sound, "" where `scale` was not run."""
    series: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        if line["bench"] == "scale" and line.get("participants") and not line["void"]:
            series.setdefault(str(line["case"]).rpartition(" ")[0], []).append((line["participants"], line["ours"]))
    plots = [_growth_plot(name, sorted(points)) for name, points in series.items() if len(points) > 1]
    return plot.below(plots) if plots else ""


def _growth_plot(name: str, points: Sequence[tuple[float, float]]) -> str:
    """What was measured, and what as much for each as in the smallest room would be, up to what the machine has."""
    people, cost = points[0]
    most = min(points[-1][0], _MACHINE_CORES * people / cost) if cost else points[-1][0]
    shown = {"measured": points, "as much for each as in the smallest room": [(0.0, 0.0), (most, most * cost / people)]}
    cores = plot.Axis("cores of the server", _MACHINE_CORES, "this machine")
    return plot.lines(f"What a room costs: {name}", shown, plot.Axis("participants, all of whom send"), cores)


def _section(name: str, lines: Sequence[dict[str, Any]], findings: dict[str, str]) -> str:
    text = f"## {name}\n\n"
    if name == "scale" and scale_plot(lines):
        text += "![cores against participants](../docs/scale.svg)\n\n"
    for note in dict.fromkeys(line["notes"] for line in lines if line.get("notes")):
        text += f"{note}.\n\n"
    for line in lines:
        if line["void"]:
            text += f"- {line['case'] or 'the run'}: void, {line['void']}\n"
            continue
        figures = [f"{key} {_number(value)}" for key, value in line.items() if key not in _KNOWN]
        pairs = ", ".join("/".join(map(_number, pair)) for pair in line["runs"])
        text += f"- {line['case']}: pairs {pairs} {line['unit']}" + (f"; {', '.join(figures)}" if figures else "")
        text += "\n"
    if name in findings:
        text += f"\n{findings[name]}\n"
    return text


def _row(line: dict[str, Any]) -> str:
    gate = line.get("gate")
    shown = "" if gate is None else f"{'' if line['gated'] == 'ratio' else line['gated'] + ' '}≤ {gate:g}"
    unit, cells = line.get("unit") or "", [_number(line.get(key)) for key in ("ours", "baseline", "ratio")]
    word = _WORDS[str(line.get("verdict") or "")]
    return f"| {line['bench']} | {line['case']} | {cells[0]} {unit} | {cells[1]} | {cells[2]} | {shown} | {word} |\n"


def _gated(line: dict[str, Any]) -> float | None:
    value: float | None = line.get(line["gated"])
    return value


def _place(name: str) -> int:
    return BENCHMARKS.index(name) if name in BENCHMARKS else len(BENCHMARKS)


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, int | float) else str(value)


def _svg_text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="12" text-anchor="{anchor}" fill="#222">{escape(text)}</text>'


if __name__ == "__main__":
    sys.exit(main())
