"""The cipher of a leg in words that people find in their terminals' menus; who vouches for its keys says its Grade."""

from __future__ import annotations

from mcu.media import LegMedia, StreamSpec


def cipher_of(media: LegMedia) -> str:
    """Of the first stream that is encrypted, "" where none is."""
    return next((name for name in map(_cipher, media.streams) if name), "")


def has_integrity(media: LegMedia) -> bool:
    """Whether a packet that was changed on its way is noticed: H.235.6 encrypts and no more."""
    return media.is_encrypted and all(stream.h235 is None for stream in media.streams)


def _cipher(stream: StreamSpec) -> str:
    if stream.h235 is not None:
        keys = [stream.h235.local, *(key for _, key in stream.h235.remote)]
        bits = max(map(len, keys)) * 8
        return f"H.235.6 AES-{bits}-CBC" if bits else ""
    if stream.sdes is not None:
        return f"SRTP {stream.sdes.suite}"
    return "DTLS-SRTP" if stream.dtls is not None else ""
