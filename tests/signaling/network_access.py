"""A network that knows some addresses, and notes what it was asked."""

from __future__ import annotations

from signaling.network_access import Approach, Known


class FakeAccess:
    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.identities: dict[str, str] = {}
        self.asked: list[Approach] = []

    async def ask(self, approach: Approach) -> Known:
        is_allowed = self.allows_now(approach)
        return Known(is_allowed, self.identities.get(approach.source, "") if is_allowed else "")

    def allows_now(self, approach: Approach) -> bool:
        self.asked.append(approach)
        return approach.source in self.known
