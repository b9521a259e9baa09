"""Keyframes by signalling: the picture_fast_update of RFC 5168 in an INFO."""

from __future__ import annotations

import re

CONTENT_TYPE = "application/media_control+xml"
PICTURE_FAST_UPDATE = (
    b'<?xml version="1.0" encoding="utf-8"?>\r\n'
    b"<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>\r\n"
)
# Only one element matters, so no XML parser meets what a peer sends.
_ELEMENT = re.compile(rb"<\s*(?:[\w.\-]+:)?picture_fast_update\b")


def wants_keyframe(body: bytes) -> bool:
    """Whether the peer asks for a keyframe."""
    return _ELEMENT.search(body) is not None
