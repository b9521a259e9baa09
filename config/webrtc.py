"""Settings of browser signalling: times, and the bounds on what a page can make grow."""

from __future__ import annotations

from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class WebrtcSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The join page's WebSocket and the seats behind it."""

    join_timeout_s: Seconds = 300.0
    """A WebSocket that is in no room is closed after this."""
    answer_timeout_s: Seconds = 20.0
    """From our offer to the browser's answer."""
    media_timeout_s: Seconds = 20.0
    """From the answer to the end of the DTLS handshake."""
    seat_socket_s: Seconds = 60.0
    """A seat is kept so long without its WebSocket."""
    seat_silence_s: Seconds = 30.0
    """A seat is kept so long without WebSocket and media."""
    roster_interval_s: Seconds = 0.25
    """At most one roster in this time."""
    restart_interval_s: Seconds = 1.0
    """At most one ICE restart of a seat in this time."""
    heartbeat_s: Seconds = 15.0
    """A WebSocket that answers no ping of ours for so long is dead."""

    messages_per_s: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 20.0
    message_burst: Annotated[float, msgspec.Meta(ge=1, le=10_000)] = 60.0
    """Messages one WebSocket may send, on average and at once."""
    max_queued_messages: Positive = 64
    """Messages that wait for a slow page; past it the page is cut off and comes back."""
    max_sockets: Positive = 2000
    max_sockets_per_source: Positive = 100

    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed; none by default."""
