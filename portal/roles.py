"""Roles of people: three administrators that need each other, hosts, reviewers; and where a role holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here for."""

    SYSTEM_ADMINISTRATOR = "system-admin"
    """Rooms, terminals, the machine."""
    SECURITY_ADMINISTRATOR = "security-admin"
    """Who may come in."""
    AUDITOR = "auditor"
    """Sees what the others did."""
    HOST = "host"
    """Runs conferences."""
    REVIEWER = "reviewer"
    """Watches recordings."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in one room or organisation alone; "" is any."""

    role: Role
    room: str = ""
    organisation: str = ""

    def holds(self, room: str, organisation: str) -> bool:
        """Whether it does there; "" asks for everywhere."""
        return self.room in ("", room) and self.organisation in ("", organisation)


def roles_of_account(stored: str) -> frozenset[Role]:
    """What the stored role of an account stands for: "admin" for all of them, unknown words for none."""
    if stored == "admin":
        return frozenset(Role)
    return frozenset({Role(stored)} if stored in set(Role) else ())
