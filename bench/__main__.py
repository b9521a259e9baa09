"""`python -m bench NAME [--json]`: run one benchmark and print it."""

from __future__ import annotations

import argparse
import json
import sys

from bench import register, room, sip
from bench.report import table

BENCHMARKS = {"room": room, "register": register, "sip": sip}


def main() -> int:
    """Run the named benchmark; 0, or 1 when its run is void."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of one measurement (default: 20)")
    parser.add_argument("--runs", type=int, default=3, help="pairs of measurements (default: 3)")
    options = parser.parse_args()
    is_valid = True
    for result in BENCHMARKS[options.name].run(options.seconds, options.runs):
        is_valid = is_valid and not result.void
        print(json.dumps(result.as_json()) if options.json else table(result), flush=True)
    return 0 if is_valid else 1


if __name__ == "__main__":
    sys.exit(main())
