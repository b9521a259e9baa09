"""The channels that stand, as streams of the media plane."""

from __future__ import annotations

import msgspec

from mcu.media import Grade, H235Keys, Kind, LegMedia, StreamSpec
from signaling.h323.call_media.flow import Flow
from signaling.h323.call_media.negotiation import KINDS, Negotiation, is_usable
from signaling.h323.call_media.records import Incoming, Outgoing, Phase
from signaling.h323.capabilities.streams import stream_of
from signaling.h323.h245.logical_channel import Address, LogicalChannel

_LAST_PORT = 65_535
_LOCKED = (Kind.AUDIO, Kind.VIDEO, Kind.CONTENT)
"""What the lock of a leg speaks of. Few terminals encrypt the keys of their far-end camera control."""


def build(negotiation: Negotiation, flow: Flow, grade: Grade) -> LegMedia:
    """What holds now; `grade` is that of encrypted media. Before there are any it holds where none may be clear."""
    streams = tuple(stream for kind in KINDS if (stream := _stream(negotiation, flow, kind)) is not None)
    locked = [stream.h235 is not None for stream in streams if stream.kind in _LOCKED]
    is_encrypted = all(locked) and (bool(locked) or negotiation.wishes.must_encrypt)
    return LegMedia(streams, is_encrypted, grade if is_encrypted else Grade.CLEAR)


def _stream(negotiation: Negotiation, flow: Flow, kind: Kind) -> StreamSpec | None:
    """Of one kind. The plane encrypts all of it or nothing: channels of the other sort wait until they are replaced."""
    ours = negotiation.outgoing.get(kind)
    if ours is not None and ours.phase is not Phase.OPEN:
        ours = None
    theirs = negotiation.open_channels(kind)
    newest = ours or (theirs[-1] if theirs else None)
    if newest is None:
        return None
    is_encrypted = newest.keys is not None
    theirs = [each for each in theirs if (each.keys is not None) == is_encrypted]
    stream = stream_of(
        kind,
        [channel for each in theirs for channel in each.received],
        _sent(ours, theirs),
        None if is_encrypted else negotiation.own().telephone_event_payload_type or None,
        None if is_encrypted or negotiation.remote is None else negotiation.remote.telephone_event,
    )
    remote = stream.remote or negotiation.addresses.get(kind)
    remote_rtcp = _control_address(stream.remote_rtcp, remote)
    changes: dict[str, object] = {}
    if (traversal := negotiation.traversal) is not None:
        sent, received = None if ours is None else ours.channel, [each.channel for each in reversed(theirs)]
        remote, remote_rtcp = traversal.remote(sent, received, remote, remote_rtcp)
        changes["traversal"] = traversal.stream(kind, sent, received)
    changes |= {"remote": remote, "remote_rtcp": remote_rtcp}
    if ours is not None:
        changes["max_bitrate_bps"] = flow.rate_bps(kind, ours)
        if flow.is_stopped(kind, ours):
            changes["send"] = None
    if is_encrypted:
        changes["h235"] = _keys(ours, theirs)
    return msgspec.structs.replace(stream, **changes)


def _control_address(told: Address | None, remote: Address | None) -> Address | None:
    """Where RTCP goes: one port above RTP where the peer does not say (RFC 3550 11)."""
    if told is not None and is_usable(told):
        return told
    return None if remote is None or remote[1] >= _LAST_PORT else (remote[0], remote[1] + 1)


def _sent(ours: Outgoing | None, theirs: list[Incoming]) -> LogicalChannel | None:
    """Our channel, or the way back of one that the peer has opened in both directions."""
    if ours is not None:
        return ours.sent
    ways = (each.channel.reverse for each in theirs)
    return next((way for way in ways if way is not None and is_usable(way.media)), None)


def _keys(ours: Outgoing | None, theirs: list[Incoming]) -> H235Keys:
    local = b"" if ours is None or ours.keys is None else ours.keys.current.octets
    remote = {key.payload_type: key.octets for each in theirs if each.keys is not None for key in each.keys.taken}
    return H235Keys(local, tuple(remote.items()))
