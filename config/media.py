"""Settings of the media processes of one worker: addresses, ports and the bounds on what a peer can make grow."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import msgspec

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
PortOrAny = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class External(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What peers of some networks must be told instead of a local address, because of a NAT in between."""

    address: str
    """Numeric address under which those peers reach us."""
    networks: tuple[str, ...] = ()
    """Networks of those peers (CIDR); none means everybody who is not in a private network."""

    def __post_init__(self) -> None:
        ipaddress.ip_address(self.address)
        for network in self.networks:
            ipaddress.ip_network(network)

    def concerns(self, peer: str) -> bool:
        """Whether a peer at the numeric address `peer` is told the external address."""
        address = ipaddress.ip_address(peer.partition("%")[0])
        if self.networks:
            return any(address in ipaddress.ip_network(network) for network in self.networks)
        return not (address.is_private or address.is_loopback or address.is_link_local)


class LocalAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One address of this machine that media may use."""

    address: str
    """Numeric IPv4 or IPv6 address to bind to."""
    external: tuple[External, ...] = ()
    """What peers behind a NAT are told instead; the first that fits counts."""

    def advertised(self, peer: str = "") -> str:
        """The address for Contact, candidates and SDP, as `peer` (numeric, "" for unknown) must see it."""
        fitting = (entry.address for entry in self.external if not peer or entry.concerns(peer))
        return next(fitting, self.address)

    @property
    def names(self) -> tuple[str, ...]:
        """Every address that peers may know it by, external ones first."""
        return (*(entry.address for entry in self.external), self.address)


class NetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The net process."""

    addresses: tuple[LocalAddress, ...] = (LocalAddress("127.0.0.1"),)
    """One media socket each; the first one serves legs that name no address."""
    webrtc_port: PortOrAny = 40000
    """UDP port of all WebRTC legs of the worker; 0 lets the kernel choose."""
    has_webrtc_tcp: bool = True
    """Listen on TCP, too, for browsers whose network lets no UDP through (ICE-TCP)."""
    webrtc_tcp_port: PortOrAny | None = None
    """TCP port of the WebRTC legs; the number of webrtc_port unless it is set. 0 lets the kernel choose."""
    first_rtp_port: Port = 40002
    last_rtp_port: Port = 40999
    """Inclusive range for the RTP and RTCP port pairs of SIP and H.323 legs."""
    multiplex_port: PortOrAny = 0
    """An even UDP port outside the range: there and on the next one H.323 terminals behind a NAT send all their media,
    where they can (H.460.19). 0 takes any pair of the range."""
    socket_buffer_bytes: int = 4 << 20
    has_gso: bool = True
    """Hand several packets to the kernel at once (UDP_SEGMENT); off for interfaces that misbehave."""

    max_legs: int = 400
    max_ssrcs_per_stream: int = 8
    max_addresses_per_leg: int = 16
    max_new_checks_per_s: int = 1000
    """ICE checks from addresses that have not passed one yet, all legs together."""
    max_tcp_connections: int = 1000
    max_tcp_per_source: int = 200
    """Connections to one TCP port, in all and from one address; a hospital behind a NAT is one address."""
    tcp_check_s: float = 10.0
    """A connection over which no leg's check came by then is closed."""
    tcp_idle_s: float = 60.0
    """A connection without a byte for so long is closed."""
    max_tcp_unsent_bytes: int = 256 * 1024
    """What waits for a slow reader; pictures are left out up to the next keyframe once a quarter of it is used."""
    max_handshakes: int = 64
    """DTLS handshakes in progress at the same time."""
    handshake_timeout_s: float = 15.0
    silent_s: float = 15.0
    """LegSilent when nothing valid was heard for so long."""
    consent_s: float = 30.0
    """ICE: we stop sending when no check was heard for so long (RFC 7675 5.1)."""

    receive_batch: int = 256
    """Packets read from one socket before others get their turn."""
    receive_budget_us: int = 3000
    """Time one socket may hold the loop in one go."""

    burst_ms: int = 5
    """A video burst carries at most this much of the leg's rate."""
    min_burst_bytes: int = 10_000
    """So much goes out at once at any rate: an ordinary picture in one send."""
    near_pacing_factor: float = 4.0
    near_min_pacing_bps: int = 4_000_000
    """For legs in the building (round trips below near_round_trip_ms): the rate for pacing, over that of the rendition
    that they receive, and at the least."""
    near_round_trip_ms: float = 3.0
    pacing_factor: float = 1.4
    min_pacing_bps: int = 2_000_000
    """For all others: a keyframe must not flood a path of 2 Mbit/s."""
    max_pacing_queue_ms: int = 400
    """Past this much waiting video the leg is paced faster."""
    adapts_pictures: bool = True
    """Send smaller pictures over networks that lose or delay them, by what terminals report; off where those report
    nonsense."""
    initial_estimate_bps: int = 2_500_000
    """REMB told to browsers that negotiated no limit."""

    def __post_init__(self) -> None:
        if self.multiplex_port % 2:
            raise ValueError("multiplex_port: must be even, RTCP has the next one")
        if self.first_rtp_port <= self.multiplex_port + 1 and self.multiplex_port <= self.last_rtp_port:
            raise ValueError("multiplex_port: lies between first_rtp_port and last_rtp_port, which calls use")


class VideoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The video process."""

    decode_threads: int = 2
    encode_threads: int = 2
    """Canvases that are composed and encoded at the same time."""
    tick_rate: int = 25
    """Pictures a second."""
    x264_preset: str = "superfast"
    vp8_cpu_used: int = -12
    """Speed of libvpx: -16 (fast) to -1 (fine)."""
    vbv_s: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = 0.5
    """The most that an encoder may be ahead of its rate, so that no keyframe bursts a thin network."""
    keyframe_gap_s: float = 1.0
    """At most one forced keyframe of a rendition in this time."""

    max_width: int = 8192
    max_height: int = 8192
    """Larger sources are refused before they are decoded."""
    max_pixels: int = 80_000_000
    """Of all sources together, one picture each: more than two threads decode 25 times a second (38 of 1920x1080, 340
    of 640x360). Past it those with the largest pictures show their cards."""
    max_waiting_frames: int = 30
    max_waiting_bytes: int = 8 << 20
    """Encoded frames of one source that wait for a decoder; past it the source is dropped up to its next keyframe."""
    decode_share: float = 0.6
    """Seconds of decoding a second that one source may take."""
    slow_decode_ms: int = 40
    """Sources that take longer for a frame share one thread, so that others do not wait for them."""
    max_hold_ms: int = 300
    """Bound on holding pictures back for their sound."""
    stale_s: float = 2.0
    """A source without a new picture for so long shows its card."""
    max_sources: int = 400
    max_scenes: int = 400
    max_renditions: int = 160
    max_places: int = 100
    """Callers outside rooms (attendant, waiting, test room) who get a picture at the same time; more only hear."""
    max_echoes: int = 16
    """Callers whose own picture is played back at the same time."""
    memory_limit_bytes: int = 3 << 30
    """The most data that the process may hold."""


class AudioSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The audio process."""

    max_talkers: int = 5
    """Voices mixed at the same time in one room; each costs one encoder more."""
    max_decoded: int = 10
    """Sources a room that are decoded because they say that they are loud (RFC 6464); others always are."""
    opus_bitrate_bps: int = 32_000
    opus_complexity: int = 5
    encode_threads: Annotated[int, msgspec.Meta(ge=1, le=16)] = 2
    """Threads that encode Opus where many talk and each hears a mix of its own; 1 for none but that of the mixer."""
    expected_loss_percent: int = 0
    """In-band FEC is sized for this loss at the least; 0 sends none where nobody reports any."""
    max_loss_percent: int = 25
    """And for this at the most, whatever listeners report."""
    prompt_languages: tuple[str, ...] = ("zh", "en")
    """Announcements are spoken in these, one after the other."""
    prompt_gain_db: float = -3.0
    prompt_directory: str = ""
    """Absolute path of a directory with announcements of this hospital: NAME.LANGUAGE.opus or .wav, for example
    waiting-for-host.zh.wav. Each replaces the built-in one of that name and language."""
    max_echoes: int = 16
    """Callers who hear themselves played back at the same time."""

    max_legs: int = 800
    max_late_ticks: int = 3
    """Ticks that are caught up at once; beyond that time is skipped."""
    memory_limit_bytes: int = 1 << 30
    """The most data that the process may hold."""
