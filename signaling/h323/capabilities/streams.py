"""The logical channels of a call as streams of the media plane."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.media import Codec, Format, Kind, StreamSpec
from signaling.h323.capabilities import channel as channels
from signaling.h323.h245.logical_channel import LogicalChannel

_EVENT_CLOCK_HZ = 8_000


def stream_of(
    kind: Kind,
    incoming: Sequence[LogicalChannel],
    outgoing: LogicalChannel | None,
    own_events: int | None = None,
    peer_events: int | None = None,
) -> StreamSpec:
    """One kind of a leg. `own_events` and `peer_events` are the payload types of RFC 4733 that each end takes.

    Channels are those of ChannelOpened: ours with the peer's addresses, the peer's as it asked for them.
    """
    receive = [medium.format for each in incoming if (medium := channels.read(each)) is not None]
    sent = None if outgoing is None else channels.read(outgoing)
    return StreamSpec(
        mid=kind.value,
        kind=kind,
        receive=tuple(receive + _events(kind, own_events)),
        send=None if sent is None else sent.format,
        send_dtmf=next(iter(_events(kind, peer_events)), None),
        remote=None if outgoing is None else outgoing.media,
        remote_rtcp=_control_address(incoming, outgoing),
        max_bitrate_bps=0 if sent is None else sent.capability.max_bitrate_bps,
        has_firm_bitrate=True,
        ptime_ms=_packet_ms(sent),
    )


def _events(kind: Kind, payload_type: int | None) -> list[Format]:
    if kind is not Kind.AUDIO or payload_type is None:
        return []
    return [Format(Codec.TELEPHONE_EVENT, payload_type, _EVENT_CLOCK_HZ)]


def _control_address(incoming: Sequence[LogicalChannel], outgoing: LogicalChannel | None) -> tuple[str, int] | None:
    """Where the peer takes RTCP: one port for both directions of a session (H.323 6.2.4)."""
    known = [each.media_control for each in (outgoing, *incoming) if each is not None]
    return next((address for address in known if address is not None), None)


def _packet_ms(sent: channels.Medium | None) -> int:
    """20 ms, or what the peer takes where that is less."""
    return 20 if sent is None or not sent.capability.frames else min(20, sent.capability.frames)
