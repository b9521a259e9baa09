"""How much the peer is asked to send of its pictures: flowControlCommand to the size of their tiles (H.245 7.11.4)."""

from __future__ import annotations

from collections.abc import Iterator

from mcu.media import Kind
from signaling.h323.call_media.negotiation import Negotiation
from signaling.h323.call_media.records import Incoming
from signaling.h323.h245.events import Effect

LEAST_BPS = 128_000
"""Of a picture, also of one that nobody sees: encoders of room systems go no lower, and are back at once from here."""
LOWER_AFTER_S = 10.0
"""For so long less has to be enough: whoever is shown large changes with each who speaks."""
_HEADROOM = 1.5
"""Terminals encode less well than the encoder that the rates of tiles are made for, and often larger pictures."""
_RAISES_FROM, _LOWERS_FROM = 1.1, 0.75
"""Of what was asked for last: smaller changes are not worth an encoder that starts afresh."""
_UNBOUNDED_BPS = 1 << 40
"""Of a channel that names no rate."""


class Limits:
    """More is asked for at once, less after a while."""

    def __init__(self, negotiation: Negotiation) -> None:
        self._negotiation = negotiation
        self._needed: dict[Kind, int] = {}
        self._asked: dict[int, int] = {}
        """What the sender of a channel was told, by its number."""
        self.lowers_at: float | None = None
        """When less is asked for, unless more is needed until then."""

    def need(self, kind: Kind, bitrate_bps: int, now: float) -> list[Effect]:
        """So much of a picture is of use, 0 for nothing."""
        self._needed[kind] = bitrate_bps
        return self.review(now)

    def review(self, now: float) -> list[Effect]:
        """After whatever has happened to needs and channels, and when it is time for less."""
        channels = list(self._channels())
        numbers = {each.channel.number for each in channels}
        self._asked = {number: bps for number, bps in self._asked.items() if number in numbers}
        may_lower = self.lowers_at is not None and now >= self.lowers_at
        is_lower = False
        effects: list[Effect] = []
        for each in channels:
            most_bps = each.medium.capability.max_bitrate_bps or _UNBOUNDED_BPS
            wanted_bps = min(self._wanted_bps(each.kind), most_bps)
            asked_bps = min(self._asked.get(each.channel.number, most_bps), most_bps)
            lowers = wanted_bps < _LOWERS_FROM * asked_bps
            if (lowers and may_lower) or _is_raise(wanted_bps, asked_bps, most_bps):
                effects += self._tell(each.channel.number, wanted_bps, most_bps)
            elif lowers:
                is_lower = True
        if not is_lower:
            self.lowers_at = None
        elif self.lowers_at is None:
            self.lowers_at = now + LOWER_AFTER_S
        return effects

    def _tell(self, number: int, wanted_bps: int, most_bps: int) -> list[Effect]:
        self._asked[number] = wanted_bps
        return self._negotiation.control.flow_control(number, wanted_bps if wanted_bps < most_bps else None)

    def _channels(self) -> Iterator[Incoming]:
        """Those that carry the pictures."""
        for kind in self._needed:
            yield from self._negotiation.open_channels(kind)[-1:]

    def _wanted_bps(self, kind: Kind) -> int:
        return max(round(_HEADROOM * self._needed[kind]), LEAST_BPS)


def _is_raise(wanted_bps: int, asked_bps: int, most_bps: int) -> bool:
    return wanted_bps > _RAISES_FROM * asked_bps or (wanted_bps == most_bps and asked_bps < most_bps)
