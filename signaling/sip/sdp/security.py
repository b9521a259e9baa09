"""How one m-line is protected: SDES (RFC 4568), DTLS-SRTP (RFC 5763), opportunistic (RFC 8643), or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from crypto import sdes
from mcu.media import DtlsPeer, Grade, SdesKeys
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.session import Attributes, MediaDescription, SessionDescription

PLAIN_PROTOCOLS = frozenset({"RTP/AVP", "RTP/AVPF"})
SECURE_PROTOCOLS = frozenset({"RTP/SAVP", "RTP/SAVPF"})
DTLS_PROTOCOLS = frozenset({"UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"})
RTP_PROTOCOLS = PLAIN_PROTOCOLS | SECURE_PROTOCOLS | DTLS_PROTOCOLS
# Octets of the digests that a fingerprint may use (RFC 8122 5); SHA-1 and MD5 are not accepted.
_DIGESTS = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_FINGERPRINT = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2})*")

KeySource = Callable[[str, bytes], bytes]
"""(suite, the peer's key) -> our key and salt for that m-line."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What both ends use, and the attributes of our m-line that say so."""

    grade: Grade
    sdes: SdesKeys | None = field(default=None, repr=False)
    dtls: DtlsPeer | None = None
    attributes: Attributes = field(default=(), repr=False)


def answer_protection(
    offer: SessionDescription, media: MediaDescription, local: LocalMedia, keys: KeySource
) -> Protection | None:
    """How we answer an offered m-line; None where it asks for encryption that we cannot give."""
    if media.protocol in PLAIN_PROTOCOLS and not local.asks_for_encryption:
        return Protection(Grade.CLEAR)
    grade = Grade.AUTHENTICATED if local.is_secure_signaling else Grade.OPPORTUNISTIC
    if media.protocol not in DTLS_PROTOCOLS:
        line = sdes.choose(media.values("crypto"))
        if line is not None:
            key = keys(line.suite, line.key)
            ours = sdes.CryptoLine(line.tag, line.suite, key)
            return Protection(grade, SdesKeys(line.suite, key, line.key), attributes=(("crypto", ours.serialize()),))
    peer = _dtls_peer(offer, media) if local.fingerprint else None
    if peer is not None:
        role = "active" if peer.is_client else "passive"
        return Protection(grade, dtls=peer, attributes=fingerprint_attributes(local, role))
    return Protection(Grade.CLEAR) if media.protocol in PLAIN_PROTOCOLS else None


def offer_protection(local: LocalMedia) -> tuple[sdes.CryptoLine, ...]:
    """SDES lines of our own offer, one for each suite."""
    return tuple(sdes.make(tag, suite, local.random_bytes) for tag, suite in enumerate(sdes.SUITES, 1))


def accepted_protection(
    answer: SessionDescription, media: MediaDescription, ours: MediaDescription, local: LocalMedia
) -> Protection | None:
    """What the peer's m-line chose from ours; None where it answered encryption that we did not offer."""
    grade = Grade.AUTHENTICATED if local.is_secure_signaling else Grade.OPPORTUNISTIC
    line = next((item for item in map(sdes.parse, media.values("crypto")) if item is not None), None)
    for value in ours.values("crypto"):
        mine = sdes.parse(value)
        if line and mine and (mine.tag, mine.suite) == (line.tag, line.suite):
            return Protection(grade, SdesKeys(line.suite, mine.key, line.key))
    peer = _dtls_peer(answer, media) if ours.value("fingerprint") is not None else None
    if peer is not None:
        return Protection(grade, dtls=peer)
    is_plain = media.protocol in PLAIN_PROTOCOLS and ours.protocol in PLAIN_PROTOCOLS
    return Protection(Grade.CLEAR) if is_plain and not media.values("crypto") else None


def fingerprint_attributes(local: LocalMedia, role: str) -> Attributes:
    """Our certificate and DTLS role (RFC 5763 5, RFC 8122)."""
    return (("fingerprint", f"sha-256 {local.fingerprint}"), ("setup", role))


def _dtls_peer(description: SessionDescription, media: MediaDescription) -> DtlsPeer | None:
    values = media.values("fingerprint") or [
        value or "" for key, value in description.attributes if key == "fingerprint"
    ]
    for value in values:
        algorithm, _, digest = value.partition(" ")
        algorithm, digest = algorithm.lower(), digest.strip().upper()
        if _FINGERPRINT.fullmatch(digest) and (len(digest) + 1) // 3 == _DIGESTS.get(algorithm):
            setup = (media.value("setup") or description.value("setup") or "active").lower()
            # To actpass we answer passive: the peer's ClientHello then opens the way through its NAT.
            return DtlsPeer(algorithm, digest, is_client=setup == "passive")
    return None
