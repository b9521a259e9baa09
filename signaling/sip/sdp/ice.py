"""ICE on our side of an m-line: we are lite, and our ports are our candidates (RFC 8839, RFC 8445 2.5)."""

from __future__ import annotations

import base64
import hashlib
import re

from mcu.media import IceCredentials
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.security import KeySource
from signaling.sip.sdp.session import Attributes, MediaDescription, SessionDescription

LITE: Attributes = (("ice-lite", None),)
"""What the session says beside credentials and candidates (RFC 8839 5.3)."""
_CHARACTERS = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 5.4
_UFRAG_BYTES, _PWD_BYTES = 6, 18
_HOST_PREFERENCE = 126  # RFC 8445 5.1.2.2


def answer_ice(offer: SessionDescription, media: MediaDescription, keys: KeySource) -> IceCredentials | None:
    """Our credentials where the m-line has ICE; they change when the peer's do (RFC 8839 4.4.1.1)."""
    theirs = _credentials(media, offer)
    # Two lite ends would check nothing (RFC 8445 6.1.1): symmetric RTP does as well.
    if theirs is None or _has(offer, "ice-lite"):
        return None
    mark = hashlib.sha256(f"{theirs.ufrag}:{theirs.pwd}".encode()).digest()[: _UFRAG_BYTES + _PWD_BYTES]
    ours = keys("ICE", mark)
    return IceCredentials(_text(ours[:_UFRAG_BYTES]), _text(ours[_UFRAG_BYTES:]))


def agreed_ice(
    answer: SessionDescription, media: MediaDescription, offer: SessionDescription, ours: MediaDescription
) -> IceCredentials | None:
    """What we offered again from an answer of ours, where the peer still has ICE."""
    return _credentials(ours, offer) if _credentials(media, answer) is not None else None


def ice_attributes(ice: IceCredentials | None, local: LocalMedia, rtp_port: int, rtcp_port: int) -> Attributes:
    """Credentials and host candidates of an m-line; `rtcp_port` is 0 where RTCP shares the port of RTP."""
    if ice is None:
        return ()
    ports = ((1, rtp_port), (2, rtcp_port))
    candidates = tuple(
        ("candidate", f"1 {component} udp {_priority(component)} {local.address} {port} typ host")
        for component, port in ports
        if port
    )
    return (("ice-ufrag", ice.ufrag), ("ice-pwd", ice.pwd), *candidates)


def _priority(component: int) -> int:
    return (_HOST_PREFERENCE << 24) + (65535 << 8) + 256 - component


def _credentials(media: MediaDescription, description: SessionDescription) -> IceCredentials | None:
    ufrag = media.value("ice-ufrag") or description.value("ice-ufrag") or ""
    pwd = media.value("ice-pwd") or description.value("ice-pwd") or ""
    usable = _CHARACTERS.fullmatch(ufrag) and _CHARACTERS.fullmatch(pwd)
    return IceCredentials(ufrag, pwd) if usable else None


def _has(description: SessionDescription, name: str) -> bool:
    return any(key == name for key, _ in description.attributes)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
