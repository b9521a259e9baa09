"""A network that knows some addresses, and notes what it was asked."""

from __future__ import annotations

from signaling.network_access import Approach


class FakeAccess:
    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.asked: list[Approach] = []

    async def allows(self, approach: Approach) -> bool:
        return self.allows_now(approach)

    def allows_now(self, approach: Approach) -> bool:
        self.asked.append(approach)
        return approach.source in self.known
