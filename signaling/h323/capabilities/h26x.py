"""H.261 and H.263: VideoCapability of H.245 (B.2.2.4)."""

from __future__ import annotations

from typing import Any

from mcu.media import Codec
from signaling.h323.capabilities.capability import PictureIntervals

_RATE_UNIT_BPS = 100
_MOST_H261, _MOST_H263 = 19_200, 192_400
_SIZES = {"qcifMPI": "qcif", "cifMPI": "cif", "cif4MPI": "cif4"}
_NOT_TAKEN = (
    "unrestrictedVector", "arithmeticCoding", "advancedPrediction", "pbFrames", "temporalSpatialTradeOffCapability",
)  # fmt: skip


def write_h261(intervals: PictureIntervals, max_bitrate_bps: int) -> tuple[str, Any]:
    """At these picture rates."""
    body = {
        "temporalSpatialTradeOffCapability": False,
        "maxBitRate": _rate(max_bitrate_bps, _MOST_H261),
        "stillImageTransmission": False,
    }
    return ("h261VideoCapability", body | _sizes(intervals, most=4))


def write_h263(intervals: PictureIntervals, max_bitrate_bps: int) -> tuple[str, Any]:
    """The baseline of H.263, which every decoder takes; no annexes."""
    body: dict[str, Any] = {"maxBitRate": _rate(max_bitrate_bps, _MOST_H263)}
    body |= dict.fromkeys(_NOT_TAKEN, False) | _sizes(intervals, most=32)
    return ("h263VideoCapability", body)


def read(value: Any) -> tuple[Codec, PictureIntervals, int] | None:
    """Codec, picture rates and bits a second; None where it is neither, or takes no size of ours."""
    name, body = value
    codec = {"h261VideoCapability": Codec.H261, "h263VideoCapability": Codec.H263}.get(name)
    if codec is None:
        return None
    sizes = {ours: body[theirs] for theirs, ours in _SIZES.items() if theirs in body}
    if not sizes:
        return None
    return codec, PictureIntervals(**sizes, has_options="h263Options" in body), body["maxBitRate"] * _RATE_UNIT_BPS


def _sizes(intervals: PictureIntervals, most: int) -> dict[str, int]:
    told = {theirs: getattr(intervals, ours) for theirs, ours in _SIZES.items()}
    if most == 4:
        del told["cif4MPI"]
    return {name: min(interval, most) for name, interval in told.items() if interval}


def _rate(max_bitrate_bps: int, most: int) -> int:
    return min(max(max_bitrate_bps // _RATE_UNIT_BPS, 1), most)
