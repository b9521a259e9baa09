"""A capability set that follows another: the peer merges them, so that what is gone must be said (H.245 B.2.2.2)."""

from __future__ import annotations

from typing import Any

_NUMBER = "capabilityTableEntryNumber"


def between(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """`after`, with entries without capability for those of `before` that it lacks."""
    kept = {entry[_NUMBER] for entry in after["capabilityTable"]}
    gone = [{_NUMBER: entry[_NUMBER]} for entry in before["capabilityTable"] if entry[_NUMBER] not in kept]
    return {**after, "capabilityTable": [*after["capabilityTable"], *gone]}
