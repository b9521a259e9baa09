"""Randomness of the operating system, as the cores want it."""

from __future__ import annotations

import secrets


class SystemChance:
    """See request.Chance."""

    def octets(self, count: int) -> bytes:
        """Octets that nobody can foretell."""
        return secrets.token_bytes(count)

    def spread(self) -> float:
        """A number between -0.1 and 0.1."""
        return secrets.randbits(16) / 0xFFFF / 5 - 0.1
