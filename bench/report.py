"""One result of a benchmark, for machines and for people."""

from __future__ import annotations

import platform
import statistics
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """Our cost and the baseline's, measured one after the other."""

    ours: float
    baseline: float | None = None
    """None where there is nothing to compare with."""
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Ours over the baseline."""
        return self.ours / self.baseline if self.baseline else None


@dataclass(frozen=True)
class Result:
    """All pairs of one case; medians are what is quoted."""

    bench: str
    case: str
    unit: str
    pairs: list[Pair]
    gate: float | None
    """What `gated` may be at most."""
    notes: str
    void: str = ""
    """Why the run does not count: something fell behind or was not seen."""
    gated: str = "ratio"
    """"ratio", "ours" or the name of a figure."""

    def median(self, name: str) -> float | None:
        """The median of "ours", "baseline", "ratio" or a figure; None where no pair has it."""
        values = [value for pair in self.pairs if (value := _value(pair, name)) is not None]
        return statistics.median(values) if values else None

    @property
    def verdict(self) -> str:
        """One of "pass", "miss" and "void"; "" where there is no gate."""
        if self.void:
            return "void"
        value = self.median(self.gated)
        if self.gate is None or value is None:
            return ""
        return "pass" if value <= self.gate else "miss"

    def as_json(self) -> dict[str, object]:
        """One line of output."""
        names = dict.fromkeys(name for pair in self.pairs for name in pair.figures)
        return {
            "bench": self.bench,
            "case": self.case,
            "ours": _rounded(self.median("ours")),
            "baseline": _rounded(self.median("baseline")),
            "ratio": _rounded(self.median("ratio")),
            "gate": self.gate,
            "unit": self.unit,
            "runs": [[_rounded(pair.ours), _rounded(pair.baseline)] for pair in self.pairs],
            "notes": self.notes,
            **{name: _rounded(self.median(name)) for name in names},
            "gated": self.gated,
            "verdict": self.verdict,
            "machine": machine(),
            "void": self.void,
        }


def table(result: Result) -> str:
    """The same, to be read; the median ratio comes last."""
    line = result.as_json()
    title = f"{result.bench} · {result.case}" + (f"  VOID: {result.void}" if result.void else "")
    last = ("gate", "verdict", "ratio")
    shown = [name for name in line if name not in ("bench", "case", "void", "gated", *last)]
    rows = [f"  {name:<22} {line[name]}" for name in shown]
    if result.gate is not None:
        rows.append(f"  {'gate':<22} {result.gated} <= {result.gate:g}: {result.verdict}")
    return "\n".join([title, *rows, f"  {'ratio':<22} {'-' if line['ratio'] is None else line['ratio']}", ""])


def machine() -> str:
    """Processor and number of cores."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].partition(":")[2].strip() if names else platform.processor()
    return f"{model} x{len(names)}"


def _value(pair: Pair, name: str) -> float | None:
    if name in ("ours", "baseline", "ratio"):
        value: float | None = getattr(pair, name)
        return value
    return pair.figures.get(name)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
