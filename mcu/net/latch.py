"""Symmetric RTP (RFC 4961, RFC 7362 4): where the peer of a port really is, learnt from what it sends."""

from __future__ import annotations

from enum import IntEnum

from mcu.net.ice import Address


class Rank(IntEnum):
    """How well signalling vouches for an address."""

    STRANGER = 0
    """Nobody has spoken of it."""
    SIGNALLING = 1
    """The host that the call's signalling comes from: the outside of the peer's NAT."""
    HOST = 2
    """The host that SDP names, another port."""
    NEGOTIATED = 3
    """What SDP names."""
    CHECKED = 4
    """What the peer has chosen by ICE."""


class Latch:
    """The remote address of one socket of a leg.

    SDP names one; behind a NAT packets come from another. The first valid packet from a host that signalling vouches
    for settles it at once, and a better vouched one moves it. A stranger is heard only where SDP and signalling name
    different hosts (a proxy in between, a NAT that neither knows), and only after it alone has sent for a while. Who
    was learnt keeps the leg: in the clear nobody else is let in, and with SRTP the tag proves a packet wherever it
    comes from. When the learnt address has fallen silent, its host may go on from another port (a NAT that forgot the
    way), and with SRTP any authentic sender.
    """

    RELEARN_US = 3_000_000
    """So long the learnt address must have been silent before another one follows it."""
    STRANGER_WAIT_US = 2_000_000
    _STRANGER_PACKETS = 3

    def __init__(self, negotiated: Address | None = None, *, signalling: str = "") -> None:
        """`signalling` is the numeric host that the call's signalling comes from, "" where it is not known."""
        self.remote = negotiated
        self.learnt: Address | None = None
        self.heard_us = 0
        """When the learnt address was heard last."""
        self._negotiated = negotiated
        self._signalling = signalling
        self._rank = Rank.STRANGER
        self._checked: Address | None = None
        self._ssrc = 0
        self._candidate: tuple[Address, int] | None = None
        self._candidate_us = self._candidate_packets = 0

    def negotiate(self, address: Address | None) -> None:
        """SDP named an address; a new one (re-INVITE) is learnt afresh."""
        if address == self._negotiated:
            return
        self._negotiated = address
        if self._checked is None:
            self._forget()

    def settle(self, address: Address, now_us: int) -> None:
        """The peer has chosen this path by ICE; SDP names only where it could have been."""
        self._checked = self.learnt = self.remote = address
        self._rank, self.heard_us = Rank.CHECKED, now_us

    def unsettle(self) -> None:
        """There is no ICE any more."""
        if self._checked is not None:
            self._checked = None
            self._forget()

    def _forget(self) -> None:
        self.remote = self._negotiated
        self.learnt = self._candidate = None
        self._rank = Rank.STRANGER

    def rank(self, source: Address) -> Rank:
        """How well signalling vouches for `source`."""
        named = self._negotiated
        if self._checked is not None and source[:2] == self._checked[:2]:
            return Rank.CHECKED
        if named is not None and source[:2] == named[:2]:
            return Rank.NEGOTIATED
        if named is not None and source[0] == named[0]:
            return Rank.HOST
        if named is None and not self._signalling:
            return Rank.SIGNALLING  # nobody is named, so that whoever comes first must do
        return Rank.SIGNALLING if source[0] == self._signalling else Rank.STRANGER

    def accept(self, source: Address, now_us: int, *, is_authentic: bool, ssrc: int = 0) -> bool:
        """Whether a well-formed packet from `source` may pass; `is_authentic` when its SRTP tag was right."""
        if self.learnt is not None and source[:2] == self.learnt[:2]:
            self.heard_us = now_us
            self._ssrc = ssrc or self._ssrc
            return True
        if self._may_learn(source, now_us, is_authentic, ssrc):
            self.learnt = self.remote = source
            self.heard_us, self._rank, self._candidate = now_us, self.rank(source), None
            self._ssrc = ssrc or self._ssrc
            return True
        return is_authentic

    def may_shake_hands(self, source: Address, now_us: int) -> bool:
        """Whether a DTLS datagram from `source` is worth an answer; nothing is learnt from it."""
        if self.learnt is not None and source[:2] == self.learnt[:2]:
            return True
        if self.rank(source) > Rank.STRANGER:
            return True
        return self.learnt is None and self._has_waited(source, 0, now_us)

    def _may_learn(self, source: Address, now_us: int, is_authentic: bool, ssrc: int) -> bool:
        rank = self.rank(source)
        if self.learnt is None:
            return is_authentic or rank > Rank.STRANGER or self._has_waited(source, ssrc, now_us)
        if rank > self._rank:
            return True
        if self._rank is Rank.CHECKED or now_us - self.heard_us < self.RELEARN_US:
            return False
        return is_authentic or (source[0] == self.learnt[0] and (rank > Rank.STRANGER or ssrc == self._ssrc))

    def _has_waited(self, source: Address, ssrc: int, now_us: int) -> bool:
        """A stranger waits for the peer, and starts again when another one, or another source of its own, comes."""
        if self._negotiated is not None and self._negotiated[0] == self._signalling:
            return False
        if self._candidate != (source, ssrc):
            self._candidate, self._candidate_us, self._candidate_packets = (source, ssrc), now_us, 0
        self._candidate_packets += 1
        return (
            self._candidate_packets >= self._STRANGER_PACKETS and now_us - self._candidate_us >= self.STRANGER_WAIT_US
        )
