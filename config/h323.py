"""Settings of H.323: the gatekeeper, its sites, and the bounds on what terminals can make grow."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

import msgspec

from config.media import LocalAddress, PortOrAny

Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=7 * 86_400)]
BitsPerSecond = Annotated[int, msgspec.Meta(ge=64_000, le=100_000_000_000)]


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
    """The gatekeeper of H.323 terminals (H.225.0 RAS)."""

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
    """Whether calls between terminals go from one to the other or through this server."""
    authentication: Literal["required", "known", "off"] = "required"
    """"required": only terminals that sign with their password may register; "known": terminals without a password
    may, too, under names that have none; "off": nobody is asked."""
    must_sign_all: bool = False
    """Ask for a signature on every request; many terminals sign only registrations and admissions."""
    clock_skew_s: Annotated[int, msgspec.Meta(ge=5, le=7200)] = 300
    """How far the clock of a terminal may be off before its signatures are refused."""
    duplicate_alias: Literal["refuse", "replace"] = "refuse"
    """What becomes of a name that another terminal has; one that proves to be the same takes it over anyhow."""

    min_time_to_live_s: Seconds = 30
    default_time_to_live_s: Seconds = 300
    """For terminals that name no time."""
    max_time_to_live_s: Seconds = 3600
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

    max_call_bps: BitsPerSecond = 20_000_000
    """One call outside every site, both directions added."""
    sites: Annotated[tuple[SiteSettings, ...], msgspec.Meta(max_length=256)] = ()
    """Each a table [[h323.sites]]; the first whose network fits counts."""

    def __post_init__(self) -> None:
        if not self.min_time_to_live_s <= self.default_time_to_live_s <= self.max_time_to_live_s:
            raise ValueError("min_time_to_live_s, default_time_to_live_s, max_time_to_live_s: must not fall")
        for network in self.location_networks:
            ipaddress.ip_network(network)
