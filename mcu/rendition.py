"""Which encoded output a leg can take: one of few sizes, so that many legs share one encoder.

H.264 levels: ITU-T H.264 Table A-1. What a receiver of VP8 takes: RFC 7741 6.1 (max-fs).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from mcu.media import Codec, Format, StreamSpec

MAX_RENDITIONS = 4
SLICE_BYTES = 1180


@dataclass(frozen=True, slots=True)
class Rung:
    """One size of the ladder."""

    width: int
    height: int
    frame_rate: int
    bitrate_bps: int
    level: str
    """The H.264 level that this size needs, as the last two digits of profile-level-id."""

    @property
    def macroblocks(self) -> int:
        """16x16 blocks in one picture."""
        return -(-self.width // 16) * -(-self.height // 16)

    @property
    def macroblocks_per_s(self) -> int:
        """16x16 blocks in a second."""
        return self.macroblocks * self.frame_rate

    @property
    def lean(self) -> Rung:
        """The same size at the least bit rate that it is worth having at."""
        return replace(self, bitrate_bps=int(self.bitrate_bps * _LOWEST_SHARE_OF_BITRATE))


LADDER = (
    Rung(1280, 720, 25, 1_500_000, "1f"),
    Rung(640, 360, 25, 600_000, "1e"),
    Rung(320, 180, 25, 200_000, "0c"),
    Rung(176, 96, 15, 60_000, "0a"),
)
FULL_HD = Rung(1920, 1080, 25, 3_000_000, "28")
"""Above the ladder, in rooms that ask for it."""
CIF_LADDER = (Rung(384, 216, 15, 320_000, ""), Rung(192, 108, 15, 64_000, ""))
"""Scenes for H.263, which are sent as CIF and QCIF between two bands (mcu.video.common_intermediate)."""
_OF_FIXED_SIZES = (Codec.H263, Codec.H263_1996)
_LOWEST_SHARE_OF_BITRATE = 0.6


@dataclass(frozen=True, slots=True)
class RenditionKey:
    """What tells two encoded outputs of a room apart."""

    scene: str
    codec: Codec
    rung: Rung
    max_slice_bytes: int = 0

    @property
    def profile_level_id(self) -> str:
        """Constrained Baseline, which every H.264 terminal decodes, at the level of the size."""
        return "42e0" + self.rung.level

    def below(self, other: RenditionKey) -> RenditionKey | None:
        """The best output that both who want this one and who want `other` can take; None where there is none."""
        if (self.scene, self.codec) != (other.scene, other.codec):
            return None
        rung = min(self.rung, other.rung, key=lambda rung: (rung.macroblocks_per_s, rung.bitrate_bps))
        limits = [limit for limit in (self.max_slice_bytes, other.max_slice_bytes) if limit]
        return replace(self, rung=rung, max_slice_bytes=min(limits, default=0))


# level_idc -> (MaxFS in macroblocks, MaxMBPS in macroblocks per second)
_LEVELS = {
    10: (99, 1_485), 11: (396, 3_000), 12: (396, 6_000), 13: (396, 11_880), 20: (396, 11_880), 21: (792, 19_800),
    22: (1_620, 20_250), 30: (1_620, 40_500), 31: (3_600, 108_000), 32: (5_120, 216_000),
}  # fmt: skip
_ABOVE = (8_192, 245_760)
_CONSTRAINT_SET_3 = 0x10
_PROFILES_WITH_LEVEL_1B = (66, 77, 88)
"""ITU-T H.264 A.3.1: in Baseline, Main and Extended, level_idc 11 with constraint_set3_flag is level 1b."""


def h264_limits(profile_level_id: str) -> tuple[int, int]:
    """MaxFS and MaxMBPS of a profile-level-id; where it is missing level 1 holds (RFC 6184 8.1)."""
    try:
        profile, flags, level = bytes.fromhex(profile_level_id)
    except ValueError:
        profile, flags, level = 66, 0, 10
    if level == 11 and flags & _CONSTRAINT_SET_3 and profile in _PROFILES_WITH_LEVEL_1B:
        level = 10  # level 1b, whose pictures are those of level 1
    if level > max(_LEVELS):
        return _ABOVE
    return _LEVELS[max((known for known in _LEVELS if known <= level), default=10)]


def sizes_of(stream: StreamSpec, ladder: Sequence[Rung]) -> Sequence[Rung]:
    """Those of `ladder` that a stream can have; H.263 has a ladder of its own, or the part of it that is given."""
    if stream.send is None or stream.send.codec not in _OF_FIXED_SIZES:
        return ladder
    return [rung for rung in ladder if rung in CIF_LADDER] or CIF_LADDER


def rendition_for(stream: StreamSpec, scene: str, ladder: Sequence[Rung] = LADDER) -> RenditionKey | None:
    """The best output for a video stream among the sizes of `ladder`, largest first; None where nothing can be sent."""
    send = stream.send
    if send is None or not send.codec.is_video or send.codec is Codec.H261:
        return None
    ladder = sizes_of(stream, ladder)
    max_fs, max_mbps = _limits(send)
    rungs = [rung for rung in ladder if rung.macroblocks <= max_fs and rung.macroblocks_per_s <= max_mbps]
    if stream.max_bitrate_bps:
        thin = [rung for rung in rungs if rung.bitrate_bps * _LOWEST_SHARE_OF_BITRATE <= stream.max_bitrate_bps]
        rungs = thin or rungs[-1:]
    rung = rungs[0] if rungs else ladder[-1]
    if stream.has_firm_bitrate and 0 < stream.max_bitrate_bps < rung.bitrate_bps:
        rung = rung.lean
    needs_slices = send.codec == Codec.H264 and send.packetization_mode == 0
    codec = Codec.H263 if send.codec in _OF_FIXED_SIZES else send.codec  # cut into either payload format
    return RenditionKey(scene, codec, rung, SLICE_BYTES if needs_slices else 0)


def outputs_for(
    wishes: Iterable[RenditionKey],
    kept: frozenset[RenditionKey] = frozenset(),
    lesser: Iterable[RenditionKey] = (),
) -> dict[RenditionKey, RenditionKey]:
    """Which output serves each wish: its own, or a lesser one that it shares where there would be too many.

    Outputs in `kept` count, and stay as they are. `lesser` wishes, of legs whose path is thin now, take what is left:
    they share among themselves, at last an output of the others, and never cost those a line of their picture.
    """
    outputs = {wish: wish for wish in wishes}
    while len(open_now := dict.fromkeys([*kept, *outputs.values()])) > MAX_RENDITIONS:
        merge = _cheapest(open_now, kept)
        if merge is None:
            break  # a picture for everybody comes before the number of encoders
        outputs = merge.applied(outputs)
    thin = {wish: wish for wish in lesser if wish not in outputs}
    while len(dict.fromkeys([*kept, *outputs.values(), *thin.values()])) > MAX_RENDITIONS:
        taken = dict.fromkeys([*kept, *outputs.values()])
        free = _cheapest(taken, kept)
        if free is not None and not free.lost:
            outputs = free.applied(outputs)
        elif (merge := _cheapest(dict.fromkeys(thin.values()), frozenset())) is not None:
            thin = merge.applied(thin)
        elif not _join_others(thin, taken):
            break
    return outputs | thin


@dataclass(frozen=True, slots=True)
class _Merge:
    """Two outputs become one; `lost` is what those lose who saw the larger one, in macroblocks a second."""

    lost: int
    one: RenditionKey
    other: RenditionKey
    both: RenditionKey

    def applied(self, outputs: dict[RenditionKey, RenditionKey]) -> dict[RenditionKey, RenditionKey]:
        pair = self.one, self.other
        return {wish: self.both if output in pair else output for wish, output in outputs.items()}


def _cheapest(outputs: Iterable[RenditionKey], kept: frozenset[RenditionKey]) -> _Merge | None:
    found = []
    for one, other in combinations(outputs, 2):
        both = one.below(other)
        if both is not None and {one, other} & kept <= {both}:
            lost = one.rung.macroblocks_per_s + other.rung.macroblocks_per_s - 2 * both.rung.macroblocks_per_s
            found.append(_Merge(lost, one, other, both))
    return min(found, key=lambda merge: merge.lost, default=None)


def _join_others(thin: dict[RenditionKey, RenditionKey], taken: Collection[RenditionKey]) -> bool:
    """Give one of the thin outputs up for one that is open anyway: the best below it, else the least above it."""
    for wish, output in thin.items():
        open_to_it = [key for key in taken if output not in taken and _can_take(output, key)]
        if not open_to_it:
            continue
        size = output.rung.macroblocks_per_s
        below = [key for key in open_to_it if key.rung.macroblocks_per_s <= size]
        best = max(below, key=_size) if below else min(open_to_it, key=_size)
        thin[wish] = best
        return True
    return False


def _can_take(wish: RenditionKey, key: RenditionKey) -> bool:
    has_slices = not wish.max_slice_bytes or 0 < key.max_slice_bytes <= wish.max_slice_bytes
    return (wish.scene, wish.codec) == (key.scene, key.codec) and has_slices


def _size(key: RenditionKey) -> int:
    return key.rung.macroblocks_per_s


def _limits(send: Format) -> tuple[int, int]:
    if send.codec == Codec.H264:
        max_fs, max_mbps = h264_limits(send.profile_level_id)
        # RFC 6184 8.1: max-fs raises the level's limit, never lowers it.
        return max(max_fs, send.max_fs), max_mbps
    return send.max_fs or _ABOVE[0], _ABOVE[1]
