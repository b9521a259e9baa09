"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01)."""
class ArrivalLog:
    """Collects transport-wide sequence numbers of one transport (all SSRCs of a bundle)."""
    def receive(self, sequence: int, now_us: int) -> None: ...
    def next_timeout(self) -> int | None: """When feedback is due (100 ms after the first unreported packet)."""
    def feedback(self, sender_ssrc: int, media_ssrc: int, now_us: int) -> list["TransportFeedback"]: """What is due; forget it."""
