"""Settings of SIP: where it listens and the bounds on what peers can make grow."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

import msgspec

from config.media import LocalAddress, Port, PortOrAny
from config.trunks import TrunkSettings

DigestAlgorithm = Literal["SHA-256", "MD5"]


class SipSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The SIP server."""

    listen: tuple[LocalAddress, ...] = (LocalAddress("127.0.0.1"),)
    """Addresses to bind to, each with what peers behind a NAT are told instead (Contact)."""
    port: PortOrAny = 5060
    """UDP and TCP; 0 takes any free one."""
    has_tcp: bool = True
    tls: Literal["auto", "on", "off"] = "auto"
    """"auto": SIP over TLS wherever the server has a certificate, which is wherever the portal speaks HTTPS."""
    tls_port: PortOrAny = 5061
    """TCP port of TLS; 0 takes any free one."""
    tls_certificate: str = ""
    """PEM file with a certificate for SIP alone and its chain; "" uses the server's."""
    tls_key: str = ""
    """PEM file with the key of `tls_certificate`, mode 0600."""
    tls_authorities: str = ""
    """PEM file with authorities to trust in calls of ours, beside those of the machine and our own."""
    tls_client_certificates: Literal["ignore", "ask", "require"] = "ignore"
    """Of those who call us over TLS: "ask" takes a certificate that they show (trunks), "require" refuses others."""

    max_calls: int = 400
    max_open_invites: int = 200
    """INVITEs that still wait for their final answer."""
    max_transactions: int = 4000
    max_calls_per_source: int = 100
    """Calls of one IPv4 address or IPv6 /64; `unlimited_networks` have no such limit."""
    max_open_invites_per_source: int = 50
    new_calls_per_s_per_source: float = 5.0
    """New calls of one IPv4 address or IPv6 /64, in the long run."""
    new_call_burst_per_source: float = 60.0
    """New calls that it may make at once."""
    stranger_calls_per_s: float = 8.0
    """New calls of all sources together of which no call and no registration has proved that somebody is there."""
    stranger_call_burst: float = 60.0
    """New calls that they may make at once."""

    messages_per_s_per_source: float = 300.0
    """Messages that one IPv4 address or IPv6 /64 may send, in the long run; past it UDP is refused, streams wait."""
    message_burst_per_source: float = 600.0
    """Messages that it may send at once."""
    stranger_messages_per_s: float = 1000.0
    """Datagrams of all sources together of which no call and no registration has proved that somebody is there."""
    unlimited_networks: tuple[str, ...] = ()
    """Proxies and trunks (CIDR) that bring the messages of many; loopback has no limit either."""
    max_sources: int = 20_000
    """Sources remembered; the one not heard of longest is forgotten first."""
    max_subscriptions: int = 400
    """Terminals that are told who is in their conference (RFC 4575)."""
    udp_batch: int = 512
    """Datagrams read from one socket before others get their turn."""

    max_connections: int = 500
    max_connections_per_source: int = 50
    max_half_open: int = 100
    """Connections in their TLS handshake or without a message yet; the oldest makes way for the next."""
    connect_timeout_s: float = 5.0
    tls_handshake_s: float = 5.0
    first_message_s: float = 30.0
    """A connection that sent no whole message by then is closed."""
    message_s: float = 10.0
    """A connection on which the end of a message is waited for longer is closed."""
    idle_s: float = 3600.0
    """A connection without a byte for so long is closed."""
    max_unsent_bytes: int = 1 << 20
    """A connection whose peer reads so slowly that more than this waits is closed."""

    stream_ping_s: float = 95.0
    """Time between pings on connections that we keep open (RFC 5626 4.4.1: 95 to 120 s)."""
    udp_ping_s: float = 20.0
    """Time between pings that hold NAT mappings open; many NATs forget UDP after 30 s."""

    realm: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r'^[^"\\\x00-\x1f\x7f]+$')] = "drumtower"
    """Named in every challenge. Secrets of terminals are hashed for it: when it changes they must be set again."""
    digest_algorithms: Annotated[tuple[DigestAlgorithm, ...], msgspec.Meta(min_length=1, max_length=2)] = (
        "SHA-256",
        "MD5",
    )
    """Offered in this order; terminals take the first that they know (RFC 8760 2.4). ["MD5"] is for old terminals that
    give up where anything else is offered (baresip before 2024, Twinkle, Polycom HDX); ["SHA-256"] shuts MD5 out."""
    domains: tuple[str, ...] = ()
    """Further host names that mean this server in the address of a terminal, such as those of a proxy in front; the
    addresses of `listen`, the names of [server] and the realm do anyway."""

    ring_interval_s: float = 60.0
    """180 Ringing is repeated after this time (RFC 3261 13.3.1.1) while the host is waited for."""
    session_expires_s: int = 1800
    """Session timer (RFC 4028): a call whose peer does not refresh it for so long is ended; 0 switches it off."""
    min_session_expires_s: int = 90
    """The shortest interval between refreshes that a peer may ask for, in seconds; others get 422."""
    silent_s: float = 60.0
    """A call from which no media came for so long is ended; calls on hold are not."""
    goodbye_s: float = 2.0
    """How long a server that stops waits for the answers to its BYEs."""

    first_floor_port: Port = 41_000
    last_floor_port: Port = 41_399
    """Floor control of shared screens (BFCP): one number for each call of a room system, UDP and TCP."""

    picture_width: int = 640
    picture_height: int = 360
    """The size of picture that terminals are asked for: a tile of the mix."""
    picture_bitrate_bps: int = 768_000

    trunks: Annotated[tuple[TrunkSettings, ...], msgspec.Meta(max_length=64)] = ()
    """Lines to telephone exchanges and providers, each a table [[sip.trunks]]."""

    def __post_init__(self) -> None:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key: give both or neither")
        for network in self.unlimited_networks:
            ipaddress.ip_network(network)
