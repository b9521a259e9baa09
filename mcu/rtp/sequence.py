"""Extended sequence numbers and timestamps, with restart detection (RFC 3550 appendix A.1)."""

from __future__ import annotations

MAX_DROPOUT = 3000
"""RFC 3550 A.1: a forward jump beyond it is not believed at first."""
MAX_MISORDER = 1024
"""How far behind the highest number a packet may be. RFC 3550 A.1 suggests 100, but peers without RTX repeat packets
of hundreds of milliseconds ago under their old numbers, and two of those in a row would look like a restart."""
_CYCLE = 1 << 16


class SequenceTracker:
    """The sequence numbers of one SSRC: extends them to integers that never wrap, and notices a restart.

    The probation of A.1 (MIN_SEQUENTIAL) is left out: signalling or SRTP already vouches for the source.
    """

    __slots__ = ("_after_jump", "base", "highest", "received", "restarts")

    def __init__(self) -> None:
        self.base = 0
        """Extended number of the first packet since the last restart."""
        self.highest = -1
        """Highest extended number, -1 before the first packet."""
        self.received = 0
        """Packets counted since the last restart, repeats included."""
        self.restarts = 0
        """Grows when the sender started anew; then reset what was built from its packets."""
        self._after_jump = -1

    def receive(self, sequence: int) -> int | None:
        """Count a packet. Its extended number, None when it is a wild jump that no second packet has confirmed yet."""
        highest = self.highest
        if highest < 0:
            return self._start(sequence)
        delta = (sequence - highest) & 0xFFFF
        if delta < MAX_DROPOUT:
            self.highest = highest + delta
            self.received += 1
            return self.highest
        if delta > _CYCLE - MAX_MISORDER:
            self.received += 1
            return self.extend(sequence)
        if sequence == self._after_jump:
            self.restarts += 1
            return self._start(sequence)
        self._after_jump = (sequence + 1) & 0xFFFF
        return None

    def extend(self, sequence: int) -> int:
        """The extended number nearest to the highest one, without counting (for repaired packets)."""
        if self.highest < 0:
            return sequence + _CYCLE
        return self.highest + ((sequence - self.highest + 0x8000) & 0xFFFF) - 0x8000

    @property
    def expected(self) -> int:
        """How many packets the sender has sent since the first one, as far as the numbers tell (RFC 3550 A.3)."""
        return self.highest - self.base + 1 if self.highest >= 0 else 0

    def _start(self, sequence: int) -> int:
        # One cycle up, so that packets just before the first one do not get negative numbers.
        self.base = self.highest = sequence + _CYCLE
        self.received = 1
        self._after_jump = -1
        return self.highest


class TimestampUnwrapper:
    """Makes 32-bit RTP timestamps integers that never wrap; each is taken as the one nearest to the last."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, rtp_timestamp: int) -> int:
        """The unwrapped timestamp; the first one is moved one cycle up, so that earlier ones are not negative."""
        last = self._last
        if last is None:
            self._last = rtp_timestamp + (1 << 32)
        else:
            self._last = last + ((rtp_timestamp - last + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
        return self._last


class SourceTracker:
    """Which SSRC is the one source of a stream, when the peer may change it (RFC 3550 section 8).

    The first source is believed; another one replaces it after it sent twice while the old one fell silent.
    """

    __slots__ = ("_candidate", "_last_us", "changes", "ssrc")

    SILENCE_US = 200_000

    def __init__(self, ssrc: int | None = None) -> None:
        self.ssrc = ssrc
        self.changes = 0
        self._candidate: int | None = None
        self._last_us = 0

    def accept(self, ssrc: int, now_us: int) -> bool:
        """Whether a packet of `ssrc` belongs to the stream; `changes` grows when the source was replaced."""
        if ssrc == self.ssrc or self.ssrc is None:
            self.ssrc = ssrc
            self._last_us = now_us
            self._candidate = None
            return True
        if ssrc == self._candidate and now_us - self._last_us > self.SILENCE_US:
            self.ssrc, self._candidate, self._last_us = ssrc, None, now_us
            self.changes += 1
            return True
        self._candidate = ssrc
        return False
