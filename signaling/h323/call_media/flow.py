"""How much we may send: flowControlCommand and flowControlToZero (H.245 7.11.4, B.3.2)."""

from __future__ import annotations

from mcu.media import Kind
from signaling.h323.call_media.negotiation import Negotiation
from signaling.h323.call_media.records import Outgoing, Phase
from signaling.h323.h245.events import FlowControl

_SOUND_BPS = 64_000
_PICTURES = (Kind.VIDEO, Kind.CONTENT)


class Flow:
    """Sound has one rate: it goes or is stopped."""

    def __init__(self, negotiation: Negotiation) -> None:
        self._negotiation = negotiation
        self._limit_bps: int | None = None
        """Of all channels together."""

    def restrict(self, event: FlowControl) -> None:
        """The peer lowers or lifts a limit."""
        if event.number is None:
            self._limit_bps = event.bitrate_bps
        elif (found := self._negotiation.find_outgoing(event.number)) is not None:
            found[1].limit_bps = event.bitrate_bps

    def is_stopped(self, kind: Kind, ours: Outgoing) -> bool:
        """Whether nothing may be sent on a channel."""
        if ours.limit_bps == 0 or self._limit_bps == 0:
            return True
        return kind in _PICTURES and self._share_bps() == 0

    def rate_bps(self, kind: Kind, ours: Outgoing) -> int:
        """The most that may be sent; 0 where nobody has said."""
        capability_bps = ours.medium.capability.max_bitrate_bps
        if kind not in _PICTURES:
            return capability_bps
        limits = (capability_bps or None, ours.limit_bps, self._share_bps())
        return min((limit for limit in limits if limit is not None), default=0)

    def _share_bps(self) -> int | None:
        """Of each picture in the limit of all channels: what sound leaves, in equal parts."""
        if self._limit_bps is None:
            return None
        open_kinds = [kind for kind, ours in self._negotiation.outgoing.items() if ours.phase is Phase.OPEN]
        pictures = sum(kind in _PICTURES for kind in open_kinds)
        spare_bps = self._limit_bps - _SOUND_BPS * (Kind.AUDIO in open_kinds)
        return max(spare_bps, 0) // max(pictures, 1)
