"""Settings of SIP: where it listens and the bounds on what peers can make grow."""

from __future__ import annotations

import msgspec

from config.media import LocalAddress, PortOrAny


class SipSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The SIP server."""

    listen: tuple[LocalAddress, ...] = (LocalAddress("127.0.0.1"),)
    """Addresses to bind to, each with what peers behind a NAT are told instead (Contact)."""
    port: PortOrAny = 5060
    """UDP and TCP; 0 takes any free one."""
    has_tcp: bool = True

    max_calls: int = 400
    max_open_invites: int = 200
    """INVITEs that still wait for their final answer."""
    max_transactions: int = 4000
    max_subscriptions: int = 400
    """Terminals that are told who is in their conference (RFC 4575)."""
    udp_batch: int = 64
    """Datagrams read from one socket before others get their turn."""

    max_connections: int = 500
    max_connections_per_source: int = 50
    connect_timeout_s: float = 5.0
    first_message_s: float = 30.0
    """A connection that sent no whole message by then is closed."""
    idle_s: float = 3600.0
    """A connection without a byte for so long is closed."""
    max_unsent_bytes: int = 1 << 20
    """A connection whose peer reads so slowly that more than this waits is closed."""

    ring_interval_s: float = 60.0
    """180 Ringing is repeated after this time (RFC 3261 13.3.1.1) while the host is waited for."""
    silent_s: float = 60.0
    """A call from which no media came for so long is ended; calls on hold are not."""
    goodbye_s: float = 2.0
    """How long a server that stops waits for the answers to its BYEs."""

    picture_width: int = 640
    picture_height: int = 360
    """The size of picture that terminals are asked for: a tile of the mix."""
    picture_bitrate_bps: int = 768_000
