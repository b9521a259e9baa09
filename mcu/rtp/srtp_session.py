"""SRTP and SRTCP of one transport, both directions, by libsrtp (RFC 3711, RFC 7714). Errors come back as counts.

libsrtp is called through pylibsrtp's own binding, since the checks and allocations of its Session cost as much again as
the cipher. The private names of pylibsrtp 1.0 used here, pinned by a test: `_binding.ffi`, `_binding.lib`, `ERRORS` and
`Session._srtp`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from pylibsrtp import ERRORS, Policy, Session
from pylibsrtp._binding import ffi, lib

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


class _Scratch:
    """Where libsrtp works in place, the same memory as a buffer of Python's, and the length."""

    def __init__(self) -> None:
        self.data: Any = ffi.new("char[]", MAX_PROTECTED_BYTES)
        self.buffer: Any = ffi.buffer(self.data)
        self.size: Any = ffi.new("int *")


Operation = Callable[[bytes], bytes | None]
_Function = Callable[[Any, Any, Any], int]


class SrtpPair:
    """The two SRTP sessions of one transport: any SSRC (up to MAX_SOURCES of the peer), own keys a direction."""

    __slots__ = ("drops", "protect", "protect_rtcp", "suite", "unprotect", "unprotect_rtcp")
    name = "srtp"
    is_authentic = True
    """What can be opened was sent by who has the key."""

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
        self.drops: Counter[str] = Counter()
        outbound = _session(profile, local, Policy.SSRC_ANY_OUTBOUND)
        inbound = _session(profile, remote, Policy.SSRC_ANY_INBOUND)
        sources: set[bytes] = set()
        scratch = _Scratch()
        self.protect = _sending(outbound, lib.srtp_protect, "protect-", self.drops, scratch)
        """The SRTP packet; None where it cannot be sent: too long, or its number was used before (counted)."""
        self.protect_rtcp = _sending(outbound, lib.srtp_protect_rtcp, "protect-rtcp-", self.drops, scratch)
        """The SRTCP packet, None where it cannot be sent (counted)."""
        self.unprotect = _receiving(inbound, lib.srtp_unprotect, slice(8, 12), "", self.drops, scratch, sources)
        """The RTP packet; None when it does not authenticate, was seen before, or is malformed (counted)."""
        self.unprotect_rtcp = _receiving(
            inbound, lib.srtp_unprotect_rtcp, slice(4, 8), "rtcp-", self.drops, scratch, sources
        )
        """The RTCP packet; None when it does not authenticate, was seen before, or is malformed (counted)."""


def _session(profile: int, key: bytes, direction: int) -> Session:
    policy = Policy(key=bytes(key), ssrc_type=direction, srtp_profile=profile)
    policy.window_size = REPLAY_WINDOW
    return Session(policy)


def _sending(session: Session, function: _Function, prefix: str, drops: Counter[str], scratch: _Scratch) -> Operation:
    data, buffer, size = scratch.data, scratch.buffer, scratch.size
    handle = session._srtp  # noqa: SLF001 - pinned above; it lives as long as somebody refers to it

    def protect(packet: bytes) -> bytes | None:
        length = len(packet)
        if length > MAX_PACKET_BYTES:
            drops[prefix + "too-long"] += 1
            return None
        buffer[0:length] = packet
        size[0] = length
        status = function(handle[0], data, size)
        if status:
            drops[prefix + _reason(status)] += 1
            return None
        protected: bytes = buffer[0 : size[0]]
        return protected

    return protect


def _receiving(
    session: Session, function: _Function, ssrc: slice, prefix: str, drops: Counter[str], scratch: _Scratch,
    sources: set[bytes],
) -> Operation:  # fmt: skip
    data, buffer, size = scratch.data, scratch.buffer, scratch.size
    handle = session._srtp  # noqa: SLF001 - as above

    def unprotect(packet: bytes) -> bytes | None:
        length = len(packet)
        source = packet[ssrc]
        is_new = source not in sources
        if length > MAX_PROTECTED_BYTES or (is_new and len(sources) >= MAX_SOURCES):
            drops[prefix + ("too-many-sources" if is_new and len(sources) >= MAX_SOURCES else "too-long")] += 1
            return None
        buffer[0:length] = packet
        size[0] = length
        status = function(handle[0], data, size)
        if status:
            drops[prefix + _reason(status)] += 1
            return None
        if is_new:
            sources.add(source)
        clear: bytes = buffer[0 : size[0]]
        return clear

    return unprotect


def _reason(status: int) -> str:
    return _REASONS.get(ERRORS[status], "failed")
