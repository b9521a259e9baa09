"""Which media we send to a peer: the dearest of ours that it takes, all at once (H.323 6.2.8.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mcu.media import Codec, Kind
from signaling.h323.capabilities import h264
from signaling.h323.capabilities.capability import H264, Capability, Packetization
from signaling.h323.capabilities.channel import Medium, with_payload_type
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.capabilities.remote import RemoteCapabilities

_DYNAMIC = {Kind.AUDIO: 110, Kind.VIDEO: 109, Kind.CONTENT: 108, Kind.CAMERA: 107}
"""Payload types of what we send where none is static."""
MOST_CANDIDATES = 8
"""Of one kind; a peer could name hundreds, each to be tried in all its sets."""


def choose(remote: RemoteCapabilities, own: OwnMedia, kinds: Iterable[Kind]) -> dict[Kind, Medium]:
    """One medium of each kind that can be sent beside those before it; a kind without one is missing."""
    chosen: dict[Kind, Medium] = {}
    for kind in kinds:
        others = [each.capability for each in chosen.values()]
        for candidate in _candidates(remote, own, kind):
            if remote.allows([*others, candidate]):
                chosen[kind] = _medium(candidate, remote, own)
                break
    return chosen


def _candidates(remote: RemoteCapabilities, own: OwnMedia, kind: Kind) -> list[Capability]:
    """What both ends speak, dearest of ours first; encrypted where it can be, and only so where it must."""
    order = _preferences(own, kind)
    common = [each for each in remote.of(kind) if each.codec in order]
    most = own.h264.profile_idc
    common.sort(key=lambda each: (order.index(each.codec), *_worth(each, most)))
    found: list[Capability] = []
    for each in common[:MOST_CANDIDATES]:
        algorithm = next((ours for ours in own.algorithms if ours in each.algorithms), None)
        if algorithm is not None or not own.is_encryption_required:
            found.append(_fitted(replace(each, algorithms=() if algorithm is None else (algorithm,)), own))
    return found


def _preferences(own: OwnMedia, kind: Kind) -> Sequence[Codec]:
    if kind is Kind.AUDIO:
        return own.audio
    if kind is Kind.VIDEO:
        return [codec for codec in own.video if codec is not Codec.H261 or own.sends_h261]
    if kind is Kind.CONTENT:
        return (Codec.H264,) if own.content is not None else ()
    return (Codec.H224,) if own.has_camera else ()


def _worth(each: Capability, most_profile: int) -> tuple[int, int, int]:
    """Among entries of one codec the higher profile that we encode comes first, then the larger picture.

    Of two alike it is the one that names our profile: decoders of higher ones take it as well (H.264 A.2).
    """
    if each.h264 is None:
        return (0, 0, 0)
    profile = each.h264.profile_idc
    return (-min(profile, most_profile), -h264.usable(each.h264).max_mbps, _named(each.h264, most_profile))


def _named(limits: H264, ours: int) -> int:
    """The profile of a channel: ours where the entry has it, else the nearest that it has."""
    return max(min(limits.profile_idc, ours), limits.least_profile_idc or limits.profile_idc)


def _fitted(each: Capability, own: OwnMedia) -> Capability:
    """Within our own bounds: rate and packet of the smaller end, and a profile that the peer has named."""
    frames = min(each.frames, own.audio_frames) if each.frames else 0
    ours = own.content if each.kind is Kind.CONTENT else own.h264
    limits: H264 | None = each.h264
    if limits is not None and ours is not None:
        limits = replace(limits, profile_idc=_named(limits, ours.profile_idc), least_profile_idc=0)
    rate_bps = each.max_bitrate_bps
    if each.kind in (Kind.VIDEO, Kind.CONTENT):
        most_bps = own.sent_bitrate_bps or own.video_bitrate_bps
        rate_bps = min(rate_bps or most_bps, most_bps)
    return replace(each, frames=frames, h264=limits, max_bitrate_bps=rate_bps)


def _medium(chosen: Capability, remote: RemoteCapabilities, own: OwnMedia) -> Medium:
    medium = Medium(chosen, _packetization(chosen, remote, own), 0, is_encrypted=bool(chosen.algorithms))
    return with_payload_type(medium, _DYNAMIC[chosen.kind])


def _packetization(chosen: Capability, remote: RemoteCapabilities, own: OwnMedia) -> Packetization | None:
    """Fragments where the peer joins them; a terminal that says nothing gets what every one takes."""
    told = remote.packetizations
    if chosen.codec is Codec.H264:
        mode_1 = Packetization.H264_NON_INTERLEAVED
        return mode_1 if mode_1 in told else Packetization.H264_SINGLE_NAL
    if chosen.codec is Codec.H263:
        newer = (Packetization.RFC_2429, Packetization.RFC_4629) if own.has_h263_plus else ()
        return next((each for each in newer if each in told), Packetization.RFC_2190)
    return None
