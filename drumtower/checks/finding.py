"""One result of `drumtower doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from config.settings import Settings


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """The server runs, but something is weaker than it could be."""
    FAIL = "fail"
    """The server does not start, or a part of it does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was found, and what to do about it."""

    check: str
    level: Level
    text: str
    advice: str = ""


Check = Callable[[Settings], Iterator[Finding]]


def ok(check: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(check, Level.OK, text)


def warn(check: str, text: str, advice: str) -> Finding:
    """Better to be mended."""
    return Finding(check, Level.WARN, text, advice)


def fail(check: str, text: str, advice: str) -> Finding:
    """Must be mended."""
    return Finding(check, Level.FAIL, text, advice)
