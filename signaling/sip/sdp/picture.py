"""Asking a terminal for pictures of the size that is wanted (RFC 6184 8.1, RFC 7741 6.1, RFC 6236)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcu.media import Codec, Format

# level_idc -> (most macroblocks a second, most macroblocks a picture); ITU-T H.264 table A-1.
_LEVELS = {
    10: (1485, 99), 11: (3000, 396), 12: (6000, 396), 13: (11880, 396), 20: (11880, 396), 21: (19800, 792),
    22: (20250, 1620), 30: (40500, 1620), 31: (108000, 3600), 32: (216000, 5120), 40: (245760, 8192),
    41: (245760, 8192), 42: (522240, 8704), 50: (589824, 22080), 51: (983040, 36864), 52: (2073600, 36864),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """What one seat of the mix can show."""

    width: int = 640
    height: int = 360
    frame_rate: int = 30
    bitrate_bps: int = 768_000

    @property
    def macroblocks(self) -> int:
        """16x16 blocks of one picture."""
        return -(-self.width // 16) * -(-self.height // 16)


def request_parameters(chosen: Format, offered: Mapping[str, str], wanted: WantedPicture) -> str:
    """The fmtp value of our answer, which says what we want to receive; "" where the format has none."""
    if chosen.codec is Codec.VP8:
        return f"max-fs={wanted.macroblocks};max-fr={wanted.frame_rate}"
    if chosen.codec is not Codec.H264:
        return ""
    mode = f";packetization-mode={chosen.packetization_mode}"
    if offered.get("level-asymmetry-allowed") != "1":
        # The level of the answer then binds both directions (RFC 6184 8.2.2), so we cannot ask for less than we send.
        return f"profile-level-id={chosen.profile_level_id}{mode}"
    profile = chosen.profile_level_id[:4]
    level, extra = level_for(wanted)
    return f"profile-level-id={profile}{level:02x}{mode};level-asymmetry-allowed=1{extra}"


def level_for(wanted: WantedPicture) -> tuple[int, str]:
    """The highest level that allows no larger picture, and max-fs and max-mbps for what is missing.

    max-fs may only raise the limit of a level (RFC 6184 8.1), so the level lies at or below the wanted size.
    """
    blocks, rate = wanted.macroblocks, wanted.macroblocks * wanted.frame_rate
    fitting = [level for level, (_, size) in _LEVELS.items() if size <= blocks] or [10]
    level = max(fitting)
    speed, size = _LEVELS[level]
    extra = f";max-fs={blocks}" if blocks > size else ""
    return level, extra + (f";max-mbps={rate}" if rate > speed else "")


def image_attribute(payload_type: int, wanted: WantedPicture) -> str:
    """The a=imageattr value of an answer (RFC 6236 3.1.2): the one size that we like to receive."""
    return f"{payload_type} recv [x={wanted.width},y={wanted.height}] send *"
