"""What an EAP method is on the side of who wants to get in (RFC 3748 5)."""

from __future__ import annotations

from typing import Protocol


class PeerMethod(Protocol):
    """One run of a method."""

    kind: int
    """Its type."""
    fault: str
    """What is wrong with the server, as people are told; "" while nothing is."""

    def respond(self, data: bytes, identifier: int) -> bytes:
        """The data of the response to a request with this data and identifier."""
