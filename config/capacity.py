"""Settings of admission by capacity: how much of the machine calls may use before new ones get less."""

from __future__ import annotations

from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(gt=0, le=4)]


class CapacitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What this machine carries is measured at the first start; newcomers beyond it get less, and say so."""

    enabled: bool = True
    """Off: nobody gets less or is refused because of load, and nothing is measured at start."""
    participants: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    """How many at 720p the machine carries, where you know better than the self-test; 0: what was measured."""
    full_load: Share = 0.7
    """Up to this share of all cores newcomers get the whole picture; it is the safety margin of the estimate."""
    small_load: Share = 0.8
    """Up to this share newcomers send and see small pictures."""
    sound_load: Share = 0.9
    """Up to this share newcomers get sound only; beyond it they are refused."""

    def __post_init__(self) -> None:
        if not self.full_load <= self.small_load <= self.sound_load:
            raise ValueError("full_load, small_load and sound_load must not fall")
