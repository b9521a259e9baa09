"""Settings of H.323: the gatekeeper, its sites, and the bounds on what terminals can make grow."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

import msgspec

from config.media import LocalAddress, PortOrAny

Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=7 * 86_400)]
BitsPerSecond = Annotated[int, msgspec.Meta(ge=64_000, le=100_000_000_000)]
PerSecond = Annotated[float, msgspec.Meta(ge=0.01, le=1_000_000)]
Burst = Annotated[float, msgspec.Meta(ge=1, le=1_000_000)]


class SiteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One place with a narrow line: its networks, and what calls over that line may take."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    networks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    """Networks of its terminals (CIDR)."""
    max_bps: BitsPerSecond
    """All calls together, both directions added, as H.225.0 counts bandwidth."""
    max_call_bps: BitsPerSecond = 8_000_000
    """One call, both directions added."""

    def __post_init__(self) -> None:
        for network in self.networks:
            ipaddress.ip_network(network)


class H323Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """H.323: the gatekeeper of its terminals (H.225.0 RAS), and their calls."""

    enabled: bool = True
    """Off: no gatekeeper and no calls of H.323; nothing listens on its ports."""
    listen: tuple[LocalAddress, ...] = (LocalAddress("127.0.0.1"),)
    """Addresses to bind to, each with what terminals behind a NAT are told instead."""
    ras_port: PortOrAny = 1719
    """UDP port of the gatekeeper; 0 takes any free one."""
    signalling_port: PortOrAny = 1720
    """TCP port of call signalling, which terminals are told."""
    has_multicast: bool = False
    """Answer terminals that look for a gatekeeper in their network (224.0.1.41, UDP 1718)."""
    gatekeeper_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] = "drumtower"
    """Its name, by which terminals may ask for it; part of what they sign (H.235.1)."""

    call_model: Literal["direct", "routed"] = "direct"
    """How call signalling between two registered terminals goes: "direct" from one to the other, or "routed" through
    this server, which then sees who calls whom and how it ends. Sound and picture go directly either way."""
    authentication: Literal["required", "known", "off"] = "required"
    """"required": only terminals that sign with their password may register; "known": terminals without a password
    may, too, under names that have none; "off": nobody is asked."""
    must_sign_all: bool = False
    """Ask for a signature on every request, and on every message of calls with terminals that have a password. Many
    terminals sign only registrations and admissions; whoever has signed a call is held to it anyhow."""
    clock_skew_s: Annotated[int, msgspec.Meta(ge=5, le=7200)] = 300
    """How far the clock of a terminal may be off before its signatures are refused."""
    duplicate_alias: Literal["refuse", "replace"] = "refuse"
    """What becomes of a name that another terminal has; one that proves to be the same takes it over anyhow."""

    min_time_to_live_s: Seconds = 30
    default_time_to_live_s: Seconds = 300
    """For terminals that name no time."""
    max_time_to_live_s: Seconds = 3600
    traversal_time_to_live_s: Annotated[int, msgspec.Meta(ge=2, le=600)] = 20
    """At most so much for terminals behind a NAT (H.460.18): it forgets a terminal that is silent for longer."""
    traversal_keep_alive_s: Annotated[int, msgspec.Meta(ge=1, le=600)] = 10
    """Those terminals send an empty packet so often on each port of their media (H.460.19)."""
    has_multiplexed_media: bool = True
    """Take all media of such a terminal on one pair of ports where it can send them so (H.460.19)."""
    call_back_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0
    """By then a terminal that is called behind a NAT has called back."""
    call_check_s: Seconds = 600
    """A terminal that did not report a call for so long is asked whether it is still there: some end calls silently."""
    irr_interval_s: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 120
    """Terminals in a call are asked to report so often; 0 asks for no reports."""
    decision_s: Annotated[float, msgspec.Meta(ge=1, le=60)] = 20.0
    """An admission about which nothing is decided by then is refused."""
    location_networks: tuple[str, ...] = ()
    """Networks (CIDR) of gatekeepers that may ask where an alias is; registered terminals may anyway."""

    max_registrations: Positive = 5000
    max_registrations_per_source: Positive = 200
    """Terminals behind one IPv4 address or IPv6 /64."""
    max_aliases: Annotated[int, msgspec.Meta(ge=1, le=100)] = 16
    """Of one terminal."""
    max_calls: Positive = 2000
    max_calls_per_terminal: Positive = 50
    max_decisions: Positive = 500
    """Admissions that wait for an answer."""
    max_requests: Positive = 2000
    """Our own requests that wait for their answer."""
    max_answers: Positive = 4000
    """Answers kept for requests that come again."""
    max_datagram_bytes: Annotated[int, msgspec.Meta(ge=512, le=16_383)] = 4096
    udp_batch: Positive = 256
    """Datagrams read from one socket before others get their turn."""
    ras_messages_per_s_per_source: PerSecond = 50.0
    """Datagrams to the gatekeeper of one IPv4 address or IPv6 /64, in the long run; further ones are dropped.
    `unlimited_networks` have no such limit."""
    ras_message_burst_per_source: Burst = 400.0
    """Datagrams that it may send at once: all terminals behind a NAT, after a power cut."""
    stranger_ras_messages_per_s: PerSecond = 500.0
    """Datagrams of all sources together of which no registration has proved that somebody is there."""

    max_signalled_calls: Positive = 400
    """Calls whose signalling ends here, at once."""
    max_signalled_calls_per_source: Positive = 100
    """Of one IPv4 address or IPv6 /64; `unlimited_networks` have no such limit."""
    max_stranger_calls: Positive = 300
    """Of all sources together that have neither signed nor a registered terminal."""
    new_calls_per_s_per_source: PerSecond = 5.0
    """New calls of one IPv4 address or IPv6 /64, in the long run."""
    new_call_burst_per_source: Burst = 60.0
    """New calls that it may make at once."""
    messages_per_s_per_source: PerSecond = 200.0
    """Messages of call signalling and H.245 that it may send, in the long run; past it its connections wait."""
    message_burst_per_source: Burst = 600.0
    """Messages that it may send at once."""
    max_routed_calls: Positive = 200
    """Calls between terminals that are signalled through here, at once; each has two of `max_connections`."""
    unlimited_networks: tuple[str, ...] = ()
    """Gatekeepers and gateways (CIDR) that bring the calls of many; loopback has no limit either."""
    max_sources: Positive = 20_000
    """Sources remembered; the one not heard of longest is forgotten first."""
    max_connections: Positive = 500
    """TCP connections of call signalling; H.245 has one more in calls without tunnelling."""
    max_connections_per_source: Positive = 100
    max_half_open: Positive = 100
    """Connections without a call yet; the oldest makes way for the next."""
    connect_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    first_setup_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 15.0
    """A connection that brought no call by then is closed."""
    message_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 10.0
    """A connection on which the end of a message is waited for longer is closed."""
    max_unsent_bytes: Annotated[int, msgspec.Meta(ge=32_768, le=16_777_216)] = 1 << 18
    """A connection whose peer reads so slowly that more than this waits is closed."""

    encryption: Literal["automatic", "off"] = "automatic"
    """The ceiling of all rooms. "automatic": H.235.6 as each room says (off, automatic, required). "off": with no
    terminal, and rooms that require encryption let none in."""
    key_lifetime_s: Annotated[float, msgspec.Meta(ge=0, le=7 * 86_400)] = 43_200.0
    """Encrypted channels get new keys so often, with terminals that take them; 0: only when a terminal asks for that.
    Initial vectors are made of time stamps, which come round after 13 hours in pictures (H.235.6)."""
    has_fast_start: bool = True
    """Propose the sound of calls out in Setup, where they are not encrypted: it is heard once they are answered."""
    picture_width: Annotated[int, msgspec.Meta(ge=160, le=1920)] = 640
    picture_height: Annotated[int, msgspec.Meta(ge=90, le=1080)] = 360
    """The size of picture that terminals are asked for: a tile of the mix."""
    picture_bitrate_bps: Annotated[int, msgspec.Meta(ge=64_000, le=8_000_000)] = 1_152_000
    """What terminals may send of pictures. They are sent what they say that they take."""
    media_s: Annotated[float, msgspec.Meta(ge=1, le=60)] = 10.0
    """By then the channels of an answered call stand, or it goes on with those that do."""
    ring_interval_s: Annotated[float, msgspec.Meta(ge=1, le=60)] = 5.0
    silent_s: Annotated[float, msgspec.Meta(ge=5, le=3600)] = 30.0
    """A call from which no media comes for so long is ended, unless it is on hold."""
    round_trip_interval_s: Annotated[float, msgspec.Meta(ge=5, le=3600)] = 20.0
    """A terminal is asked so often whether it is still there (H.245 C.8); without an answer its call ends."""

    max_call_bps: BitsPerSecond = 20_000_000
    """One call outside every site, both directions added."""
    sites: Annotated[tuple[SiteSettings, ...], msgspec.Meta(max_length=256)] = ()
    """Each a table [[h323.sites]]; the first whose network fits counts."""

    def __post_init__(self) -> None:
        if not self.min_time_to_live_s <= self.default_time_to_live_s <= self.max_time_to_live_s:
            raise ValueError("min_time_to_live_s, default_time_to_live_s, max_time_to_live_s: must not fall")
        for network in (*self.location_networks, *self.unlimited_networks):
            ipaddress.ip_network(network)
