"""One line of the table of routes: where, what answers, who may, and what it changes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp.typedefs import Handler

from portal.rights import Access

API: Final = "/api/v1"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""RFC 9110 9.2.1."""
_VARIABLE = re.compile(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}")


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path with their handler; what it needs and changes is named, there is no default that opens."""

    method: str
    """"GET" answers HEAD, too."""
    path: str
    """As aiohttp writes it: {name} or {name:pattern} is a variable."""
    handler: Handler
    access: Access
    changes: str = ""
    """What has happened when it succeeded, for the audit, such as "room.created"; "" where nothing changes."""

    def __post_init__(self) -> None:
        if self.method not in SAFE_METHODS and not self.changes:
            raise ValueError(f"{self.method} {self.path}: say what it changes")

    @property
    def canonical(self) -> str:
        """The path without the patterns of its variables."""
        return _VARIABLE.sub(r"{\1}", self.path)

    @property
    def is_public(self) -> bool:
        """Whether strangers may."""
        return self.access is Access.PUBLIC

    @property
    def place(self) -> tuple[str, str]:
        """The same for routes that stand in each other's way: variables of any name are alike."""
        return self.method, _VARIABLE.sub("{}", self.path)


def joined(*tables: Iterable[Route]) -> tuple[Route, ...]:
    """One table of many. Raises ValueError where two routes have one method and path."""
    found: dict[tuple[str, str], Route] = {}
    for route in (route for table in tables for route in table):
        if found.setdefault(route.place, route) is not route:
            raise ValueError(f"{route.method} {route.path}: there are two of it")
    return tuple(found.values())
