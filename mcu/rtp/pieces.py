"""Encoded frames cut into RTP payloads that many legs share."""
from typing import NamedTuple
from mcu.media import Codec
class Piece(NamedTuple):
    payload: bytes
    marker: bool
def cut(codec: Codec, frame: bytes, max_bytes: int = 1200, mode: int = 1, picture_id: int = 0) -> list[Piece]: """H.264 (RFC 6184), VP8 (RFC 7741) or audio (one piece)."""
def equal_runs(sizes: list[int]) -> list[tuple[int, int]]: """[start, end) of packets that one UDP GSO send may carry: equal sizes, only the last of a run smaller."""
