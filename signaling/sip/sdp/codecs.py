"""Payload formats of an m-line: rtpmap, fmtp and static types understood as mcu.media.Format (RFC 8866 6.6, 6.15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from mcu.media import Codec, Format
from signaling.sip.sdp.session import MediaDescription

Texts = tuple[str, ...]
_STATIC = {"0": "PCMU/8000", "8": "PCMA/8000", "9": "G722/8000"}  # RFC 3551 6
_AUDIO: dict[tuple[str, int], Codec] = {
    ("OPUS", 48000): Codec.OPUS,
    ("G722", 8000): Codec.G722,  # the clock is 8000 by an old mistake that is kept (RFC 3551 4.5.2)
    ("PCMA", 8000): Codec.PCMA,
    ("PCMU", 8000): Codec.PCMU,
    ("TELEPHONE-EVENT", 8000): Codec.TELEPHONE_EVENT,
    ("TELEPHONE-EVENT", 48000): Codec.TELEPHONE_EVENT,
}
_VIDEO: dict[tuple[str, int], Codec] = {
    ("H264", 90000): Codec.H264,
    ("VP8", 90000): Codec.VP8,
    ("RTX", 90000): Codec.RTX,
}
_APPLICATION: dict[tuple[str, int], Codec] = {("H224", 4800): Codec.H224}  # RFC 4573 3
_TABLES = {"video": _VIDEO, "audio": _AUDIO, "application": _APPLICATION}
# Our own preference; H.264 mode 1 comes before mode 0.
_ORDER = {Codec.OPUS: 0, Codec.G722: 1, Codec.PCMA: 2, Codec.PCMU: 3, Codec.H264: 4, Codec.VP8: 6}
_DEFAULT_PROFILE = "42000a"  # RFC 6184 8.1: Baseline at level 1 where nothing is said


@dataclass(frozen=True, slots=True)
class Offered:
    """A format with the parameters that came with it."""

    format: Format
    encoding: str
    """`opus/48000/2` as the peer wrote it."""
    parameters: Mapping[str, str]

    @property
    def rank(self) -> int:
        """Smaller is better, by our order."""
        mode_0 = self.format.codec is Codec.H264 and self.format.packetization_mode == 0
        return _ORDER.get(self.format.codec, 99) + int(mode_0)


def formats_of(media: MediaDescription) -> tuple[Offered, ...]:
    """The formats of an m-line that we know, in the peer's order; each payload type once."""
    return _understood(media.media, media.formats, tuple(media.values("rtpmap")), tuple(media.values("fmtp")))


@lru_cache(256)  # a terminal says the same in all its calls
def _understood(kind: str, offered: Texts, rtpmap: Texts, fmtp: Texts) -> tuple[Offered, ...]:
    table = _TABLES.get(kind, {})
    maps = _by_payload_type(rtpmap)
    parameters = _by_payload_type(fmtp)
    found: dict[str, Offered] = {}
    for payload_type in offered:
        encoding = maps.get(payload_type) or _STATIC.get(payload_type, "")
        name, _, rate = encoding.partition("/")
        clock = rate.partition("/")[0]
        if not clock.isascii() or not clock.isdigit() or len(clock) > 6 or not _is_payload_type(payload_type):
            continue
        codec = table.get((name.upper(), int(clock)))
        if codec is not None and payload_type not in found:
            details = parse_fmtp(parameters.get(payload_type, ""))
            known = _format(codec, int(payload_type), int(clock), details)
            if known is not None:
                found[payload_type] = Offered(known, encoding, details)
    return tuple(found.values())


def parse_fmtp(text: str) -> dict[str, str]:
    """`a=1;b=2` with lower-case names; parts without "=" keep an empty value (`0-16`)."""
    found = {}
    for part in text.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.strip().lower()] = value.strip()
    return found


def number(text: str, most: int = 2**31) -> int:
    """A decimal parameter, 0 where it is none or too large."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= most else 0


def _format(codec: Codec, payload_type: int, clock: int, parameters: dict[str, str]) -> Format | None:
    if codec is Codec.RTX:
        apt = parameters.get("apt", "")
        return Format(codec, payload_type, clock, apt=int(apt)) if _is_payload_type(apt) else None
    if codec is Codec.VP8:
        return Format(codec, payload_type, clock, max_fs=number(parameters.get("max-fs", "")))
    if codec is not Codec.H264:
        return Format(codec, payload_type, clock)
    mode = parameters.get("packetization-mode", "0")
    profile = parameters.get("profile-level-id", _DEFAULT_PROFILE).lower()
    if mode not in ("0", "1") or not _is_profile(profile):
        return None
    return Format(codec, payload_type, clock, profile, int(mode), number(parameters.get("max-fs", "")))


def _is_profile(text: str) -> bool:
    return len(text) == 6 and all(char in "0123456789abcdef" for char in text)


def _is_payload_type(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3 and int(text) < 128


def _by_payload_type(values: Texts) -> dict[str, str]:
    """`96 text` -> {"96": "text"}; the first line of a payload type counts."""
    found: dict[str, str] = {}
    for value in values:
        payload_type, _, text = value.partition(" ")
        found.setdefault(payload_type, text.strip())
    return found
