"""`python -m tests.fuzz [TARGET ...] --seconds N --seed S`: change inputs for so long, keep what fails in the corpus.

Where atheris is installed, it leads the search by what the code has run through (--plain: do without). It needs a
process of its own for each target, so each target gets one either way.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import subprocess
import sys
import time
import traceback
from importlib.util import find_spec

from tests.fuzz.mutator import mutate
from tests.fuzz.target import MAX_INPUT_BYTES, TARGETS, Target, keep

_SLOW_S = 0.25
"""CPU time of one input over which it counts as a failure."""


def main() -> int:
    """The number of targets that failed."""
    arguments = _arguments()
    if arguments.inside:
        return _inside(arguments)
    names = arguments.targets or _names()
    failed = []
    for name in names:
        command = [sys.executable, "-m", "tests.fuzz", name, "--inside", f"--seconds={arguments.seconds}"]
        command += [f"--seed={arguments.seed}", *(["--plain"] if arguments.plain else [])]
        if subprocess.run(command, check=False, timeout=arguments.seconds * 3 + 120).returncode:
            failed.append(name)
    print(f"{len(names) - len(failed)} of {len(names)} targets stood {arguments.seconds:g} s each")
    if failed:
        print("failed:", " ".join(failed))
    return len(failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _names() -> list[str]:
    from tests.fuzz import targets  # noqa: F401 - registers them

    return list(TARGETS)


def _inside(arguments: argparse.Namespace) -> int:
    name, seconds, seed = arguments.targets[0], arguments.seconds, arguments.seed
    if find_spec("atheris") is not None and not arguments.plain:
        from tests.fuzz.guided import search

        return search(name, seconds, seed)
    _names()
    return _search(TARGETS[name], seconds, seed)


def _search(target: Target, seconds: float, seed: int) -> int:
    chance, seeds = random.Random(seed), list(target.corpus().values())
    for data in seeds[:32]:
        target.feed(data)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    deadline, count, worst = time.monotonic() + seconds, 0, 0.0
    while time.monotonic() < deadline:
        data = mutate(chance, seeds, MAX_INPUT_BYTES)
        count += 1
        try:
            spent = target.feed(data)
        except Exception:
            traceback.print_exc()
            print(f"{target.name}: kept as {keep(target.name, _title('raises', data), data)}")
            return 1
        if spent > _SLOW_S:
            print(f"{target.name}: {spent:.2f} s, kept as {keep(target.name, _title('slow', data), data)}")
            return 1
        worst = max(worst, spent)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    print(f"{target.name}: {count} inputs, at worst {worst * 1e6:.0f} us, memory +{grown_kib} KiB", flush=True)
    return 0


def _title(kind: str, data: bytes) -> str:
    return f"{kind}-{hashlib.sha256(data).hexdigest()[:12]}"


if __name__ == "__main__":
    sys.exit(main())
