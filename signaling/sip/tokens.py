"""Unguessable strings for tags, branches and Call-IDs (RFC 3261 19.3), many from one call of the kernel."""

from __future__ import annotations

import secrets

_TOKEN_BYTES = 10
_POOL_BYTES = 400 * _TOKEN_BYTES


class Tokens:
    """Tokens of 20 hex digits."""

    def __init__(self) -> None:
        self._pool = ""
        self._at = 0

    def __call__(self) -> str:
        """The next one."""
        if self._at >= len(self._pool):
            self._pool, self._at = secrets.token_hex(_POOL_BYTES), 0
        start, self._at = self._at, self._at + 2 * _TOKEN_BYTES
        return self._pool[start : self._at]
