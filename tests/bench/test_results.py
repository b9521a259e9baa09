from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from bench import plot, results
from bench.report import Pair, Result


def _line(bench: str, case: str, ours: float, *, gate: float | None = None, void: str = "", **figures: float) -> Any:
    return Result(bench, case, "CPU-s/s", [Pair(ours, 1.0, figures)], gate, "H.264 & Opus", void).as_json()


def test_the_page_shows_every_case_in_the_order_of_the_suite() -> None:
    failed = {"bench": "join", "case": "", "verdict": "void", "void": "failed: no peer"}
    lines = [
        failed,
        _line("room", "9 participants", 1.3, gate=1.25, net=0.2),
        _line("pixels", "4 senders", 1.0, gate=1.1),
    ]
    page = results.page(lines, {"room": "The net process reads packet by packet."})
    assert page.index("| pixels |") < page.index("| room |") < page.index("| join |")
    assert "| room | 9 participants | 1.3 CPU-s/s | 1 | 1.3 | ≤ 1.25 | **missed** |" in page
    assert "| pixels | 4 senders | 1 CPU-s/s | 1 | 1 | ≤ 1.1 | met |" in page
    assert "The net process reads packet by packet." in page
    assert "net 0.2" in page
    assert "void, failed: no peer" in page


def test_what_was_run_again_counts_in_the_place_of_what_was_before() -> None:
    lines = [_line("room", "4", 1.0), _line("room", "9", 1.0, void="late"), _line("room", "9", 2.0)]
    assert [(line["case"], line["ours"], line["void"]) for line in results.latest(lines)] == [
        ("4", 1.0, ""),
        ("9", 2.0, ""),
    ]


def test_sections_are_found_by_their_names() -> None:
    assert results.sections("# Findings\n\nintro\n\n## room\n\nslow\n\n## peers-audio\nfast\n") == {
        "room": "slow",
        "peers-audio": "fast",
    }


def test_the_gates_are_drawn_for_what_counts() -> None:
    lines = [
        _line("room", "9 <b>", 2.0, gate=1.25),
        _line("room", "4", 1.0),
        _line("join", "x", 1.0, gate=1.0, void="late"),
    ]
    drawn = results.gates_plot(lines)
    ET.fromstring(drawn)
    assert drawn.count('height="15"') == 1
    assert "2 of 1.25" in drawn
    assert "9 &lt;b&gt;" in drawn


def test_scale_is_drawn_from_its_lines_alone() -> None:
    lines = [_line("scale", f"video {n}", n / 30, participants=n) for n in (36, 2, 9)]
    lines += [_line("scale", "mixed estate", 1.0, participants=36), _line("room", "video 4", 1.0, participants=4)]
    drawn = results.scale_plot(lines)
    ET.fromstring(drawn)
    assert drawn.count("<polyline") == 2, "what was measured, and the straight line"
    assert drawn.count("<circle") == 3 + 2
    both = results.scale_plot([*lines, *(_line("scale", f"audio {n}", n / 400, participants=n) for n in (10, 400))])
    assert [each.get("y") for each in ET.fromstring(both)] == ["0", "400"], "pictures and sound have their own scales"
    assert results.scale_plot(lines[3:]) == ""
    assert "docs/scale.svg" in results.page(lines, {})
    assert "docs/scale.svg" not in results.page(lines[3:], {})


def test_axes_end_at_round_numbers_and_hold_every_point() -> None:
    drawn = plot.lines("t", {"a": [(0, 0), (37, 1.23)]}, plot.Axis("n"), plot.Axis("cores", 2.0, "all"))
    root = ET.fromstring(drawn)
    circles = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in root.iter("{http://www.w3.org/2000/svg}circle")]
    assert all(0 <= x <= 720 and 0 <= y <= 400 for x, y in circles)
    assert circles[0][0] < circles[1][0]
    assert circles[0][1] > circles[1][1]
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "40" in texts
    assert "2" in texts
