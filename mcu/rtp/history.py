"""What was sent: frames shared by all legs of a rendition, and each leg's own numbering of them."""
class RingFrame: 
    number: int; pieces: list["Piece"]; rtp_timestamp: int; capture_us: int; is_keyframe: bool; size_bytes: int
class PieceRing:
    """One a rendition: frames since the last keyframe and a bit more; bounded in frames and bytes."""
    def __init__(self, codec: "Codec", max_bytes_a_piece: int = 1200, mode: int = 1) -> None: ...
    def add(self, payload: bytes, rtp_timestamp: int, capture_us: int, is_keyframe: bool) -> RingFrame: ...
    def since_keyframe(self) -> list[RingFrame]: """For a joiner; [] when there is none or it was too large to keep."""
class SequenceMap:
    """One a leg and stream: constant SSRC, continuous numbers and timestamps through every change of what is sent."""
    def __init__(self, ssrc: int, clock_rate_hz: int, media_rate_hz: int, first_sequence: int, first_timestamp: int) -> None: ...
    def place(self, rtp_timestamp: int, packets: int) -> tuple[int, int]: """(first sequence number, RTP timestamp) for a frame of that many packets, media-clock timestamp given."""
class SentPackets:
    """Protected packets of a leg for repeats without RTX, bounded; the very same bytes go out again."""
    def store(self, sequence: int, data: bytes) -> None: ...
class Repeater:
    """Answers NACKs of one leg: bounded rate, one repeat of a packet per round trip."""
    def select(self, lost: "Sequence[int]", now_us: int) -> list[int]: ...
class RtxStream:
    """RFC 4588: own SSRC and numbering; wrap(sequence, payload) -> RTX payload."""
