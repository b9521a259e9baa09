"""Telephone events (RFC 4733)."""
class DtmfReceiver:
    def receive(self, payload: bytes, rtp_timestamp: int) -> str | None: """The digit, once an event."""
