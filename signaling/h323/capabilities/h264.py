"""H.264 as a generic capability (H.241 8.3, Tables 7 and 8)."""

from __future__ import annotations

from typing import Any

from signaling.h323.capabilities.capability import H264
from signaling.h323.h245 import generic_message

OID = (0, 0, 8, 241, 0, 0, 1)
_CUSTOM_MAX_MBPS, _CUSTOM_MAX_FS = 3, 4
_PROFILE, _LEVEL = 41, 42
_MBPS_UNIT, _FS_UNIT = 500, 256
_MOST = 65_535
_RATE_UNIT_BPS = 100

_PROFILE_BITS = {100: 8, 77: 32, 66: 64}
"""profile_idc to its bit in the booleanArray, dearest first (H.241 8.3.2.1). Nobody has Extended."""
_CONSTRAINTS = {66: 0xE0, 77: 0x40}
"""Constraint flags of a stream that decoders of these profiles, and of constrained baseline, take (H.264 A.2)."""
_LEVELS = {
    15: 10, 19: 9, 22: 11, 29: 12, 36: 13, 43: 20, 50: 21, 57: 22, 64: 30, 71: 31, 78: 32, 85: 40, 92: 41, 99: 42,
    106: 50, 113: 51,
}  # fmt: skip
"""H.241's number of a level to level_idc (H.241 Table 8)."""
_LIMITS = {
    10: (1_485, 99), 9: (1_485, 99), 11: (3_000, 396), 12: (6_000, 396), 13: (11_880, 396), 20: (11_880, 396),
    21: (19_800, 792), 22: (20_250, 1_620), 30: (40_500, 1_620), 31: (108_000, 3_600), 32: (216_000, 5_120),
    40: (245_760, 8_192), 41: (245_760, 8_192), 42: (522_240, 8_704), 50: (589_824, 22_080), 51: (983_040, 36_864),
}  # fmt: skip
"""MaxMBPS and MaxFS by level_idc (H.264 Table A-1), lowest level first."""
_NUMBERS = {level: number for number, level in _LEVELS.items()}


def write(wanted: H264, max_bitrate_bps: int) -> tuple[str, Any]:
    """A genericVideoCapability. Our profiles have an entry each: terminals look for the bit of one alone."""
    least = wanted.least_profile_idc or wanted.profile_idc
    bits = sum(bit for profile, bit in _PROFILE_BITS.items() if least <= profile <= wanted.profile_idc)
    parameters = [
        generic_message.parameter(_PROFILE, "booleanArray", bits),
        generic_message.parameter(_LEVEL, "unsignedMin", _NUMBERS[wanted.level_idc]),
    ]
    if wanted.max_mbps:
        units = min(-(-wanted.max_mbps // _MBPS_UNIT), _MOST)
        parameters.append(generic_message.parameter(_CUSTOM_MAX_MBPS, "unsignedMin", units))
    if wanted.max_fs:
        units = min(-(-wanted.max_fs // _FS_UNIT), _MOST)
        parameters.append(generic_message.parameter(_CUSTOM_MAX_FS, "unsignedMin", units))
    body = {
        "capabilityIdentifier": generic_message.identifier(OID),
        "maxBitRate": max_bitrate_bps // _RATE_UNIT_BPS,
        "collapsing": parameters,
    }
    return ("genericVideoCapability", body)


def read(body: Any) -> tuple[H264, int] | None:
    """What the receiver takes and its rate; None where it is no H.264, or of no profile that we can send."""
    if generic_message.oid_of(body["capabilityIdentifier"]) != OID:
        return None
    numbers = generic_message.numbers([*body.get("collapsing", ()), *body.get("nonCollapsing", ())])
    bits = numbers.get(_PROFILE, _PROFILE_BITS[66])
    profiles = [profile for profile, bit in _PROFILE_BITS.items() if bits & bit]
    if not profiles:
        return None
    told = numbers.get(_LEVEL, 0)
    level = _LEVELS[max((number for number in _LEVELS if number <= told), default=15)]
    limits = H264(
        profiles[0],
        level,
        numbers.get(_CUSTOM_MAX_MBPS, 0) * _MBPS_UNIT,
        numbers.get(_CUSTOM_MAX_FS, 0) * _FS_UNIT,
        profiles[-1] if len(profiles) > 1 else 0,
    )
    return limits, body.get("maxBitRate", 0) * _RATE_UNIT_BPS


def usable(limits: H264) -> H264:
    """The highest level whose pictures fit into the level and what was added to it.

    Terminals name a low level and lift its two limits; the stream then carries the level that it needs.
    """
    speed, size = _LIMITS[limits.level_idc]
    speed, size = max(speed, limits.max_mbps), max(size, limits.max_fs)
    fitting = [level for level, (mbps, fs) in _LIMITS.items() if mbps <= speed and fs <= size]
    most = _LIMITS[fitting[-1]]
    level = limits.level_idc
    if _LIMITS[level] != most:
        level = next(each for each in fitting if _LIMITS[each] == most)
    return H264(limits.profile_idc, level, speed, size, limits.least_profile_idc)


def profile_level_id(limits: H264) -> str:
    """As RFC 6184 8.1 writes it. Level 1b of the lower profiles is level_idc 11 with constraint_set3_flag."""
    flags, level = _CONSTRAINTS.get(limits.profile_idc, 0), limits.level_idc
    if level == 9 and limits.profile_idc != 100:
        flags, level = flags | 0x10, 11
    return f"{limits.profile_idc:02x}{flags:02x}{level:02x}"
