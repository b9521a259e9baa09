"""Keyframes by signalling: the picture_fast_update of RFC 5168 in an INFO."""

from __future__ import annotations

import re

CONTENT_TYPE = "application/media_control+xml"
# Only two elements matter, so no XML parser meets what a peer sends.
_ELEMENT = re.compile(rb"<\s*(?:[\w.\-]+:)?picture_fast_update\b")
_STREAM_ID = re.compile(rb"<\s*(?:[\w.\-]+:)?stream_id\s*>\s*([^<\s]{1,64})\s*<")
_LABEL = re.compile(r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]{1,64}")  # RFC 8866 token
_MAX_STREAMS = 8


def picture_fast_update(stream: str = "") -> bytes:
    """The body that asks for a keyframe, of the stream with that label (RFC 4574) where there is one."""
    quoted = stream.replace("&", "&amp;") if _LABEL.fullmatch(stream) else ""
    named = f"<stream_id>{quoted}</stream_id>" if quoted else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\r\n'
        f"<media_control><vc_primitive>{named}<to_encoder><picture_fast_update/></to_encoder></vc_primitive>"
        "</media_control>\r\n"
    ).encode()


def wants_keyframe(body: bytes) -> bool:
    """Whether the peer asks for a keyframe."""
    return _ELEMENT.search(body) is not None


def stream_ids(body: bytes) -> list[str]:
    """The labels of the streams that it is asked of; [] means the main picture, or all."""
    return [found.decode("ascii", "replace").replace("&amp;", "&") for found in _STREAM_ID.findall(body)[:_MAX_STREAMS]]
