"""Dynamic payload types for encrypted channels: H.245 calls them synchFlag (H.235.6 8.6)."""

from __future__ import annotations

from collections.abc import Collection

FIRST, LAST = 96, 127
"""Those that dynamicRTPPayloadType can name (H.245 B.3.1)."""


def allot(wanted: int, taken: Collection[int]) -> int:
    """The one that is wanted, or the next that is free; a number of the static ones is none."""
    start = wanted if FIRST <= wanted <= LAST else FIRST
    span = LAST - FIRST + 1
    for step in range(span):
        candidate = FIRST + (start - FIRST + step) % span
        if candidate not in taken:
            return candidate
    return start  # never: a session knows a dozen


def following(payload_type: int) -> int:
    """Where to look for that of the next key: one that was used lately should not come back soon."""
    return FIRST + (payload_type - FIRST + 1) % (LAST - FIRST + 1)
