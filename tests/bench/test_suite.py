from __future__ import annotations

import importlib.util
import sys

import pytest

from bench import suite

_LINE = '{"bench": "a", "case": "b", "ours": 1, "void": "%s"}'


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (f"print('{_LINE % ''}')", [""]),
        (f"print('noise'); print('{_LINE % 'late'}'); raise SystemExit(1)", ["late"]),
        (f"print('{_LINE % ''}'); raise ValueError('no peer')", ["", "failed: ValueError: no peer"]),
        ("raise SystemExit(2)", ["failed: ended with status 2"]),
        ("pass", ["failed: ended with status 0"]),
    ],
)
def test_a_failure_is_a_line_and_no_end(code: str, expected: list[str]) -> None:
    lines = suite.lines_of("a", [sys.executable, "-c", code])
    assert [line["void"] for line in lines] == expected


def test_what_hangs_is_ended() -> None:
    code = f"import time; print('{_LINE % ''}', flush=True); time.sleep(60)"
    lines = suite.lines_of("a", [sys.executable, "-c", code], timeout_s=0.5)
    assert [line["void"] for line in lines] == ["", "failed: took too long"]


def test_names_lead_to_modules() -> None:
    assert suite.module_of("peers-audio") == "bench.peers_audio"
    assert importlib.util.find_spec(suite.module_of("room")) is not None
