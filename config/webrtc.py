"""Settings of browser signalling: times, and the bounds on what a page can make grow."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


_RELAY_URL = re.compile(
    r"\A(?:stuns?|turns?):(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?(?:\?transport=(?:udp|tcp))?\Z"
)
"""RFC 7064 3, RFC 7065 3."""
_MAX_RELAYS = 8


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

    has_simulcast: bool = True
    """Let browsers send their camera in several sizes at a time, of which the one that fills its tile is decoded; off,
    they are asked for another rate and size of a single one."""

    messages_per_s: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 20.0
    message_burst: Annotated[float, msgspec.Meta(ge=1, le=10_000)] = 60.0
    """Messages one WebSocket may send, on average and at once."""
    max_queued_messages: Positive = 64
    """Messages that wait for a slow page; past it the page is cut off and comes back."""
    max_sockets: Positive = 2000
    max_sockets_per_source: Positive = 100

    turn_urls: tuple[str, ...] = ()
    """TURN servers for browsers that reach us in no other way ("turn:relay.example:3478?transport=udp", "turns:...");
    "stun:..." is allowed, too. See docs/networks.md."""
    turn_secret_file: str = ""
    """File (mode 0600) whose first line is the secret shared with the TURN servers (coturn: static-auth-secret); else
    the environment's DRUMTOWER_TURN_SECRET."""
    turn_lifetime_s: Annotated[int, msgspec.Meta(ge=60, le=86_400)] = 14_400
    """Credentials for the TURN servers are good for so long; an ICE restart brings new ones."""
    relay_only: bool = False
    """Browsers use the TURN servers and no other way; for one page only, add ?relay=1 to its address."""

    def __post_init__(self) -> None:
        if len(self.turn_urls) > _MAX_RELAYS:
            raise ValueError(f"turn_urls: at most {_MAX_RELAYS}")
        for url in self.turn_urls:
            if not _RELAY_URL.match(url):
                raise ValueError(f"turn_urls: {url!r} is not like turn:relay.example:3478?transport=udp")
        if self.relay_only and not any(url.startswith("turn") for url in self.turn_urls):
            raise ValueError("relay_only: name a TURN server in turn_urls, or nobody gets in")
