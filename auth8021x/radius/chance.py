"""Randomness of the operating system, as the cores want it."""

from __future__ import annotations

import random
import secrets


class SystemChance:
    """See request.Chance."""

    def octets(self, count: int) -> bytes:
        """Octets that nobody can foretell."""
        return secrets.token_bytes(count)

    def spread(self) -> float:
        """A number between -0.1 and 0.1."""
        return random.uniform(-0.1, 0.1)  # nothing depends on whether somebody can foretell it
