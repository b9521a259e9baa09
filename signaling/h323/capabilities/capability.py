"""One entry of a capability table, understood."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from crypto.h235.algorithm import Algorithm
from mcu.media import Codec, Kind

Oid = tuple[int, ...]


class Packetization(Enum):
    """How H.264 and H.263 lie in RTP, by the payloadDescriptor of H.245's RTPPayloadType."""

    H264_SINGLE_NAL = ("oid", (0, 0, 8, 241, 0, 0, 0, 0))
    """H.241 Annex A, which is the single NAL unit mode of RFC 6184."""
    H264_NON_INTERLEAVED = ("oid", (0, 0, 8, 241, 0, 0, 0, 1))
    """RFC 6184, packetization-mode 1."""
    RFC_2190 = ("rfc-number", 2190)
    RFC_2429 = ("rfc-number", 2429)
    RFC_4629 = ("rfc-number", 4629)
    """Its successor, alike on the wire."""


@dataclass(frozen=True, slots=True)
class H264:
    """What the receiver of H.264 takes (H.241 8.3.2), in the units of H.264."""

    profile_idc: int = 66
    """The dearest, where an entry names several."""
    level_idc: int = 31
    """9 is level 1b."""
    max_mbps: int = 0
    """Macroblocks a second beyond the level's; 0 for those of the level."""
    max_fs: int = 0
    """Macroblocks a picture beyond the level's."""
    least_profile_idc: int = 0
    """The lowest of several in one entry; 0 where there is one."""


@dataclass(frozen=True, slots=True)
class PictureIntervals:
    """Least intervals between pictures (MPI), in 1/29.97 s; 0 for a size that is not taken (H.245 B.2.2.4)."""

    qcif: int = 0
    cif: int = 0
    cif4: int = 0
    has_options: bool = False
    """Annexes of H.263 version 2 and on."""


@dataclass(frozen=True, slots=True)
class Capability:
    """A medium that one end can receive, or that a channel carries."""

    codec: Codec
    kind: Kind
    number: int = 0
    """capabilityTableEntryNumber; 0 in a channel."""
    max_bitrate_bps: int = 0
    frames: int = 0
    """Of sound: the most milliseconds in a packet (H.225.0 Table 4 counts G.711 and G.722 in frames of 1 ms)."""
    payload_type: int = 0
    """Of telephone events."""
    h264: H264 | None = None
    intervals: PictureIntervals | None = None
    algorithms: tuple[Algorithm, ...] = ()
    """H.235.6: those it may be encrypted by, dearest first; of a channel the one it is encrypted by."""
