"""Symmetric RTP (RFC 4961): where the peer of a port really is, learnt once from what it sends."""

from __future__ import annotations

from mcu.net.ice import Address


class Latch:
    """The remote address of one socket of a leg.

    SDP names one; behind a NAT packets come from another. The first valid packet settles it. Without SRTP nothing else
    is let in afterwards; with SRTP the tag proves a packet wherever it comes from, but the address moves only once.
    """

    def __init__(self, negotiated: Address | None = None) -> None:
        self.remote = negotiated
        self._negotiated = negotiated
        self.is_learnt = False

    def negotiate(self, address: Address | None) -> None:
        """SDP named an address; a new one (re-INVITE) is learnt afresh."""
        if address == self._negotiated:
            return
        self._negotiated = address
        self.remote = address
        self.is_learnt = False

    def accept(self, source: Address, *, is_authentic: bool) -> bool:
        """Whether a well-formed packet from `source` may pass; `is_authentic` when its SRTP tag was right."""
        if not self.is_learnt:
            self.is_learnt = True
            self.remote = source
            return True
        return is_authentic or source[:2] == self.remote[:2] if self.remote is not None else False
