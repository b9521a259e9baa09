"""What a browser is told that it may send over one transport, all its streams together (REMB)."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.media import Kind
from mcu.net.receiver import StreamReceiver

_SOUND_BPS = 100_000
_HEADROOM = 1.25
"""For headers, repeats and probes, which count too."""


def estimate_bps(receivers: Sequence[StreamReceiver], initial_bps: int) -> int:
    """The sum of what is of use of its pictures, with sound; `initial_bps` at most before that is known of each."""
    negotiated = [receiver.spec.max_bitrate_bps for receiver in receivers if receiver.spec.max_bitrate_bps]
    wanted = [receiver.uplink_bps for receiver in receivers if receiver.spec.kind in (Kind.VIDEO, Kind.CONTENT)]
    if not all(wanted):
        return min([*negotiated, initial_bps])
    return min([*negotiated, _SOUND_BPS + round(sum(wanted) * _HEADROOM)])
