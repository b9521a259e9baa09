"""Extended sequence numbers with restart detection (RFC 3550 appendix A.1)."""
class SequenceTracker:
    """One (SSRC)'s sequence numbers."""
    highest: int      # extended, -1 before the first packet
    base: int
    received: int
    restarts: int     # grows when the sender started anew: reset assemblers
    def receive(self, sequence: int) -> int | None: """Count a packet; its extended number, None when it must be dropped (wild jump, not yet confirmed)."""
    def extend(self, sequence: int) -> int: """The extended number nearest to the highest one, without counting."""
class TimestampUnwrapper:
    def unwrap(self, rtp_timestamp: int) -> int: ...
