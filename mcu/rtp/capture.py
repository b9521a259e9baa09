"""When was it captured: sender reports mapped to our clock, and the lip-sync that follows (RFC 3550 section 6.4.1)."""
class LegClock:
    """One a leg: the peer's NTP clock seen from ours, smallest transit seen = 0, over a sliding window."""
class SourceClock:
    """One a stream of the leg."""
    def __init__(self, leg: LegClock, clock_rate_hz: int) -> None: ...
    def sender_report(self, ntp: int, rtp_timestamp: int, now_us: int) -> None: ...
    def capture_us(self, rtp_timestamp: int, arrival_us: int) -> int: """Never later than arrival."""
class LipSync:
    """One a leg."""
    def playout(self, delay_us: int) -> None: """The audio process plays that much after capture (Playout)."""
    def video_arrived(self, capture_us: int, now_us: int) -> int: """due_us for a whole video frame (0: no wish)."""
    def audio_due_us(self, capture_us: int) -> int: """due_us for an audio packet (0: no wish), when video is later than sound."""
