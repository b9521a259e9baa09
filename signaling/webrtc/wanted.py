"""Which picture a page is asked for: what is larger than its largest tile is decoded and scaled for nothing."""

from __future__ import annotations

from mcu.tile_rates import Need
from signaling.webrtc.protocol import Wanted

_FRAME_RATE = 25
_LEAST = Wanted(160, 90, 5, 50_000)
"""While nobody sees it: enough to be shown at once."""


def wanted_picture(need: Need) -> Wanted:
    """What a page should send of its camera when the stage needs this."""
    if not need.is_shown:
        return _LEAST
    return Wanted(need.width, need.height, _FRAME_RATE, need.bitrate_bps)
