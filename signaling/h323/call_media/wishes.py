"""What the owner of a call wants of its media."""

from __future__ import annotations

from dataclasses import dataclass

from mcu.media import Grade, Kind
from signaling.h323.capabilities.own import OwnMedia


@dataclass(frozen=True, slots=True)
class Wishes:
    """Fixed for the call."""

    own: OwnMedia
    """`algorithms` bounds those that the agreed group allows; none stands for all of them. The rest of encryption, as
    is_encryption_required, CallMedia fills in.
    """
    must_encrypt: bool = False
    """Media in clear are neither offered, nor taken, nor sent."""
    grade: Grade = Grade.OPPORTUNISTIC
    """Of encrypted media; AUTHENTICATED where H.235.1 vouched for the half keys."""
    sends: frozenset[Kind] = frozenset({Kind.AUDIO, Kind.VIDEO, Kind.CAMERA})
    """Opened by us as soon as the peer takes it. Content is opened by open_content()."""
    key_lifetime_s: float = 0.0
    """Session keys are renewed after so long; 0 leaves that to the peer."""
