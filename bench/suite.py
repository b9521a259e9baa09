"""All benchmarks, one after the other, each in a process of its own: its JSON lines are kept, its failure is a line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

BENCHMARKS = (
    "pixels", "quality", "room", "transport", "fanout", "share", "audio", "record", "sealing", "review", "latency",
    "join", "peers-audio", "peers-video", "scale", "sip", "register", "h323", "dot1x",
)  # fmt: skip
"""By name, in the order of the report."""
LINES = Path(__file__).with_name("results.jsonl")
_TIMEOUT_S = 3600.0


def module_of(name: str) -> str:
    """Where a benchmark is."""
    return f"bench.{name.replace('-', '_')}"


def run_all(out: Path, seconds: float, runs: int, names: Sequence[str] = BENCHMARKS) -> int:
    """Run them, write the lines to `out` as they come; 0, or 1 when something failed or was void."""
    is_valid = True
    with out.open("w", encoding="utf-8") as file:
        for name in names:
            print(f"== {name}", file=sys.stderr, flush=True)
            command = [sys.executable, "-m", "bench", name, "--json", f"--seconds={seconds}", f"--runs={runs}"]
            for line in lines_of(name, command):
                is_valid = is_valid and not line.get("void")
                print(json.dumps(line), file=file, flush=True)
                print(_brief(line), file=sys.stderr, flush=True)
    return 0 if is_valid else 1


def lines_of(name: str, command: Sequence[str], timeout_s: float = _TIMEOUT_S) -> list[dict[str, object]]:
    """What a benchmark printed; a void line more where it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
        output, why = done.stdout, _last(done.stderr) or f"ended with status {done.returncode}"
    except subprocess.TimeoutExpired as late:
        output, why, done = (late.stdout or b"").decode(errors="replace"), "took too long", None
    lines: list[dict[str, object]] = []
    for text in output.splitlines():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if isinstance(line, dict) and "bench" in line:
            lines.append(line)
    has_failed = done is None or (done.returncode != 0 and not any(line.get("void") for line in lines))
    if has_failed or not lines:
        lines.append({"bench": name, "case": "", "verdict": "void", "void": f"failed: {why}"})
    return lines


def _brief(line: dict[str, object]) -> str:
    verdict = line.get("void") or line.get("verdict") or ""
    return f"   {line['case']}: {line.get('ours')} / {line.get('baseline')} = {line.get('ratio')}  {verdict}"


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:300] if lines else ""
