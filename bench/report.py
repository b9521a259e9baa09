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
    baseline: float
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Ours over the baseline."""
        return self.ours / self.baseline


@dataclass(frozen=True)
class Result:
    """All pairs of one case; medians are what is quoted."""

    bench: str
    case: str
    unit: str
    pairs: list[Pair]
    gate: float | None
    notes: str
    void: str = ""
    """Why the run does not count: something fell behind or was not seen."""

    def median(self, name: str) -> float:
        """The median of "ours", "baseline", "ratio" or a figure."""
        values = [getattr(pair, name, None) or pair.figures.get(name, 0.0) for pair in self.pairs]
        return statistics.median(values) if values else 0.0

    def as_json(self) -> dict[str, object]:
        """One line of output."""
        figures = {name: round(self.median(name), 4) for name in (self.pairs[0].figures if self.pairs else {})}
        return {
            "bench": self.bench,
            "case": self.case,
            "ours": round(self.median("ours"), 4),
            "baseline": round(self.median("baseline"), 4),
            "unit": self.unit,
            "runs": [[round(pair.ours, 4), round(pair.baseline, 4)] for pair in self.pairs],
            **figures,
            "machine": machine(),
            "notes": self.notes,
            "void": self.void,
            "gate": self.gate,
            "ratio": round(self.median("ratio"), 3),
        }


def table(result: Result) -> str:
    """The same, to be read."""
    line = result.as_json()
    title = f"{result.bench} · {result.case}" + (f"  VOID: {result.void}" if result.void else "")
    shown = {key: value for key, value in line.items() if key not in ("bench", "case", "void", "gate")}
    return "\n".join([title, *(f"  {key:<22} {value}" for key, value in shown.items()), ""])


def machine() -> str:
    """Processor and number of cores."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].partition(":")[2].strip() if names else platform.processor()
    return f"{model} x{len(names)}"
