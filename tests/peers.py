"""Programs that tests talk to: without them a developer's run skips loudly, and CI fails."""

from __future__ import annotations

import os
import shutil

import pytest

_IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")


def missing(what: str) -> None:
    """Skip the test, or fail it where everything has to be there."""
    if _IN_CI:
        pytest.fail(what)
    pytest.skip(what)


def needs_programs(*programs: str) -> None:
    """The programs that this test starts."""
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        missing(f"not installed: {' '.join(absent)} (scripts/peers.sh)")
