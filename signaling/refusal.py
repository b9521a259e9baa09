"""Why the gate stays shut, or what is waited for, in words that every protocol translates into its own."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why a caller is not let in. A blocked room gives UNKNOWN_ROOM, like a number that does not exist."""

    UNKNOWN_ROOM = "unknown-room"
    PASSCODE_REQUIRED = "passcode-required"
    PASSCODE_WRONG = "passcode-wrong"
    TOO_MANY_TRIES = "too-many-tries"
    SLOW_DOWN = "slow-down"
    LOCKED = "locked"
    FULL = "full"
    ENCRYPTION_REQUIRED = "encryption-required"
    CAPACITY = "capacity"
    HOST_ABSENT = "host-absent"
    NOT_LET_IN = "not-let-in"
    NETWORK = "network-access"
    """Its network does not know the device, or knows it as another (IEEE 802.1X)."""


class WaitReason(StrEnum):
    """What is waited for."""

    HOST = "host"
    """A host has to come."""
    LOCKED = "locked"
    """A host has to unlock the room, or to let this one in."""


class Refused(Exception):
    """The gate stays shut; `reason` is for the protocol's own words."""

    def __init__(self, reason: Refusal, *, retry_after_s: float = 0.0, tries_left: int = 0) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.retry_after_s = retry_after_s
        """SLOW_DOWN, CAPACITY: how long to stay away; 0 where unknown."""
        self.tries_left = tries_left
        """PASSCODE_WRONG, PASSCODE_REQUIRED: further passcodes this call may try."""
