"""SRTP and SRTCP of one transport, both directions, by libsrtp (RFC 3711, RFC 7714). Errors come back as counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from pylibsrtp import Error, Policy, Session

MAX_PROTECTED_BYTES = 1500
"""libsrtp's binding works in a buffer of this size."""
MAX_PACKET_BYTES = 1352
"""Largest packet that is protected; the rest is kept for the trailer (SRTCP index, tag, MKI)."""
MAX_SOURCES = 256
"""SSRCs of one peer. libsrtp keeps a state for each that authenticates, and looks for it one by one."""
REPLAY_WINDOW = 1024
"""Packets; repairs of a fast sender arrive up to 200 ms late (RFC 3711 3.3.2 asks for 64 and more)."""

PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
}
"""Suite name (RFC 4568 6.2, RFC 7714 14.2) -> libsrtp profile and bytes of key and salt."""

_REASONS = {
    "authentication failure": "auth",
    "replay check failed (bad index)": "replay",
    "replay check failed (index too old)": "too-old",
    "packet index is too old to consider": "too-old",
    "can't use key any more": "key-expired",
    "error parsing data": "malformed",
    "unsupported parameter": "malformed",
}


class SrtpPair:
    """The two SRTP sessions of one transport: any SSRC (up to MAX_SOURCES of the peer), own keys a direction."""

    __slots__ = ("_inbound", "_outbound", "_sources", "drops", "suite")

    def __init__(self, suite: str, local: bytes, remote: bytes) -> None:
        """Start both directions; `local` and `remote` are key followed by salt.

        Raises ValueError for an unknown suite or a key of the wrong length.
        """
        if suite not in PROFILES:
            raise ValueError("unknown SRTP suite")
        profile, size = PROFILES[suite]
        if len(local) != size or len(remote) != size:
            raise ValueError("SRTP key of the wrong length")
        self.suite = suite
        self._outbound = _session(profile, local, Policy.SSRC_ANY_OUTBOUND)
        self._inbound = _session(profile, remote, Policy.SSRC_ANY_INBOUND)
        self._sources: set[bytes] = set()
        self.drops: Counter[str] = Counter()

    def protect(self, packet: bytes) -> bytes | None:
        """The SRTP packet; None where it cannot be sent: too long, or its number was used before (counted)."""
        return self._run(self._outbound.protect, packet, MAX_PACKET_BYTES, "protect-")

    def protect_rtcp(self, packet: bytes) -> bytes | None:
        """The SRTCP packet, None where it cannot be sent (counted)."""
        return self._run(self._outbound.protect_rtcp, packet, MAX_PACKET_BYTES, "protect-rtcp-")

    def unprotect(self, packet: bytes) -> bytes | None:
        """The RTP packet; None when it does not authenticate, was seen before, or is malformed (counted)."""
        return self._receive(self._inbound.unprotect, packet, packet[8:12], "")

    def unprotect_rtcp(self, packet: bytes) -> bytes | None:
        """The RTCP packet; None when it does not authenticate, was seen before, or is malformed (counted)."""
        return self._receive(self._inbound.unprotect_rtcp, packet, packet[4:8], "rtcp-")

    def _receive(self, process: Callable[[bytes], bytes], packet: bytes, source: bytes, prefix: str) -> bytes | None:
        if source in self._sources:
            return self._run(process, packet, MAX_PROTECTED_BYTES, prefix)
        if len(self._sources) >= MAX_SOURCES:
            self.drops[prefix + "too-many-sources"] += 1
            return None
        clear = self._run(process, packet, MAX_PROTECTED_BYTES, prefix)
        if clear is not None:
            self._sources.add(source)
        return clear

    def _run(self, process: Callable[[bytes], bytes], packet: bytes, limit: int, prefix: str) -> bytes | None:
        if len(packet) > limit:
            self.drops[prefix + "too-long"] += 1
            return None
        try:
            return process(packet)
        except Error as error:
            self.drops[prefix + _REASONS.get(str(error), "failed")] += 1
            return None


def _session(profile: int, key: bytes, direction: int) -> Session:
    policy = Policy(key=bytes(key), ssrc_type=direction, srtp_profile=profile)
    policy.window_size = REPLAY_WINDOW
    return Session(policy)
