"""Encoded frames cut into RTP payloads that many legs share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MAX_PIECE_BYTES = 1200


class Piece(NamedTuple):
    """One RTP payload; `marker` is the header's marker bit (last of a video frame)."""

    payload: bytes
    marker: bool


class Joined(NamedTuple):
    """A frame put together from its payloads. `width` and `height` are 0 where the frame does not tell."""

    payload: bytes
    is_keyframe: bool
    width: int = 0
    height: int = 0


def marked(payloads: Sequence[bytes]) -> list[Piece]:
    """Pieces of one video frame: the marker is on the last."""
    last = len(payloads) - 1
    return [Piece(payload, index == last) for index, payload in enumerate(payloads)]


def equal_runs(sizes: Sequence[int], limit: int = 64) -> list[tuple[int, int]]:
    """Ranges [start, end) of packets that one UDP GSO send may carry.

    Within a run all sizes are equal, only the last may be smaller; `limit` is the most segments of one send
    (UDP_MAX_SEGMENTS of Linux). A run holds at most 65,000 bytes.
    """
    runs: list[tuple[int, int]] = []
    start = 0
    while start < len(sizes):
        size = sizes[start]
        most = min(limit, max(1, 65_000 // max(1, size)))
        end = start + 1
        while end < len(sizes) and end - start < most and sizes[end] == size:
            end += 1
        if end < len(sizes) and end - start < most and sizes[end] < size:
            end += 1
        runs.append((start, end))
        start = end
    return runs
