"""Packets of one video source in any order -> whole encoded frames in order."""
from dataclasses import dataclass
from mcu.media import Codec
@dataclass(slots=True)
class AssembledFrame:
    payload: bytes; rtp_timestamp: int; first_arrival_us: int; last_arrival_us: int; is_keyframe: bool; width: int; height: int
class FrameAssembler:
    """Bounded. `sequence` is the extended number of a SequenceTracker."""
    def __init__(self, codec: Codec) -> None: ...
    keyframe_needed: bool     # stays True until a keyframe came
    round_trip_us: int        # set it when RTT is known; default 100_000
    dropped: dict[str, int]   # Counter by reason
    packets_lost: int         # after repair
    def receive(self, sequence: int, rtp_timestamp: int, marker: bool, payload: bytes, now_us: int) -> None: ...
    def next_frame(self) -> AssembledFrame | None: ...
    def next_timeout(self) -> int | None: ...
    def handle_timeout(self, now_us: int) -> None: ...
    def missing(self, now_us: int) -> list[int]: """16-bit numbers to put into a NACK now (spaced by RTT, bounded tries)."""
    def reset(self) -> None: """The sender restarted or changed its SSRC."""
def unwrap_rtx(payload: bytes) -> tuple[int, bytes] | None: """(original sequence number, original payload) of an RTX payload (RFC 4588 section 4)."""
