"""`python -m bench NAME [--json]`: run one benchmark and print it; `all` runs every one and goes on when one fails."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from bench import suite
from bench.report import table


def main() -> int:
    """Run the named benchmark; 0, or 1 when its run is void."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=("all", *suite.BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of one measurement (default: 20)")
    parser.add_argument("--runs", type=int, default=3, help="pairs of measurements (default: 3)")
    parser.add_argument("--out", type=Path, default=suite.LINES, help="where `all` leaves its JSON lines")
    options = parser.parse_args()
    if options.name == "all":
        return suite.run_all(options.out, options.seconds, options.runs)
    # A dependency that one of them lacks does not keep the others from running.
    benchmark = importlib.import_module(suite.module_of(options.name))
    is_valid = True
    for result in benchmark.run(options.seconds, options.runs):
        is_valid = is_valid and not result.void
        print(json.dumps(result.as_json()) if options.json else table(result), flush=True)
    return 0 if is_valid else 1


if __name__ == "__main__":
    sys.exit(main())
