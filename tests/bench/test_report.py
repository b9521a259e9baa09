from __future__ import annotations

import json

import pytest

from bench.report import Pair, Result, table

_FIRST = ["bench", "case", "ours", "baseline", "ratio", "gate", "unit", "runs", "notes"]


def _result(*pairs: Pair, gate: float | None = 1.25, gated: str = "ratio", void: str = "") -> Result:
    return Result("room", "9 participants", "CPU-s/s", list(pairs), gate, "H.264", void, gated)


def test_a_line_has_the_agreed_keys_first_and_medians() -> None:
    pairs = Pair(3.0, 2.0, {"net": 0.5}), Pair(1.0, 1.0, {"net": 0.0}), Pair(4.0, 2.0, {"net": 0.2})
    line = _result(*pairs).as_json()
    assert list(line)[: len(_FIRST)] == _FIRST
    assert (line["ours"], line["baseline"], line["ratio"], line["net"]) == (3.0, 2.0, 1.5, 0.2)
    assert line["runs"] == [[3.0, 2.0], [1.0, 1.0], [4.0, 2.0]]
    assert json.loads(json.dumps(line)) == line


def test_a_median_of_zeros_is_zero() -> None:
    assert _result(Pair(0.0, 2.0)).as_json()["ours"] == 0.0
    assert _result(Pair(0.0, 2.0)).verdict == "pass"


@pytest.mark.parametrize(
    ("pairs", "gate", "gated", "void", "verdict"),
    [
        ([Pair(1.25, 1.0)], 1.25, "ratio", "", "pass"),
        ([Pair(1.26, 1.0)], 1.25, "ratio", "", "miss"),
        ([Pair(30.0, 20.0)], 30.0, "ours", "", "pass"),
        ([Pair(1.0, 1.0, {"p95_ms": 46.0})], 45.0, "p95_ms", "", "miss"),
        ([Pair(1.0, 1.0)], 1.25, "ratio", "24.1 frames/s", "void"),
        ([Pair(1.0, 1.0)], None, "ratio", "", ""),
        ([Pair(400.0)], 500.0, "ours", "", "pass"),
        ([Pair(400.0)], 500.0, "ratio", "", ""),
        ([], 1.0, "ratio", "nothing was measured", "void"),
    ],
)
def test_verdicts(pairs: list[Pair], gate: float | None, gated: str, void: str, verdict: str) -> None:
    assert _result(*pairs, gate=gate, gated=gated, void=void).verdict == verdict


def test_the_table_ends_with_the_ratio_and_says_whether_the_gate_holds() -> None:
    lines = table(_result(Pair(2.0, 1.0, {"net": 0.5}))).rstrip().splitlines()
    assert lines[-1].split() == ["ratio", "2.0"]
    assert lines[-2].split() == ["gate", "ratio", "<=", "1.25:", "miss"]
    assert any(line.split() == ["net", "0.5"] for line in lines)
    assert "VOID: late" in table(_result(Pair(2.0, 1.0), void="late"))
    assert table(_result(Pair(2.0))).rstrip().splitlines()[-1].split() == ["ratio", "-"]
