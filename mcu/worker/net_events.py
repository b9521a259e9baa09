"""What the net process tells the control process about legs."""

from __future__ import annotations

import msgspec

from mcu.media import Kind
from mcu.worker.message import Message


class LegOpened(Message, frozen=True):
    """What signalling writes into its SDP."""

    leg: int
    address: str
    """The address for c= and candidates: the external one where the network has one."""
    ports: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    """PORTS: kind -> (RTP port, RTCP port)."""
    multiplex_ports: tuple[int, int] = (0, 0)
    """With has_traversal: the RTP and the RTCP port of all streams."""
    multiplex_ids: dict[str, int] = msgspec.field(default_factory=dict)
    """kind -> the number in front of its packets there."""
    candidates: tuple[tuple[str, int], ...] = ()
    """ICE: (address, port) of each UDP host candidate."""
    tcp_candidates: tuple[tuple[str, int], ...] = ()
    """ICE: (address, port) of each passive TCP host candidate (RFC 6544)."""
    ice_ufrag: str = ""
    ice_pwd: str = ""
    fingerprint: str = ""
    """SHA-256 of our DTLS certificate, upper-case hex with colons."""
    ssrcs: dict[str, int] = msgspec.field(default_factory=dict)
    """kind -> the constant SSRC that we send with; kind + "-rtx" -> that of its RTX stream."""
    cname: str = ""

    def __repr__(self) -> str:
        return f"LegOpened(leg={self.leg})"  # the ICE password stays out of logs


class LegConfigured(Message, frozen=True):
    """ConfigureLeg took effect."""

    leg: int


class LegFailed(Message, frozen=True):
    """OpenLeg or ConfigureLeg failed, or the leg broke later; `reason` is a word for logs and counters."""

    leg: int
    reason: str


class LegConnected(Message, frozen=True):
    """Keys are agreed and the path works (first authenticated packet or end of the DTLS handshake)."""

    leg: int


class LegSilent(Message, frozen=True):
    """Nothing valid was heard for `silent_s` from the peer of an attached leg (ICE: nor consent).

    Told once, and again after recovery.
    """

    leg: int
    silent_s: float


class KeyframeWanted(Message, frozen=True):
    """The leg's sender has no RTCP feedback: signalling has to ask (SIP INFO, RFC 5168)."""

    leg: int
    kind: Kind


class PeerLimit(Message, frozen=True):
    """The peer asks to be sent no more than this on one stream (TMMBR, RFC 5104 4.2.1); 0: no limit any more."""

    leg: int
    kind: Kind
    bitrate_bps: int


class LegBandwidth(Message, frozen=True):
    """What the leg's downlink has for one picture, as far as its peer reports; 0: nothing is known that limits it.

    Told when it changes materially, and again when a room takes the leg.
    """

    leg: int
    kind: Kind
    bitrate_bps: int


class Dtmf(Message, frozen=True):
    """A digit by RFC 4733 (from net) or by tones in the sound (from audio), once a digit."""

    leg: int
    digit: str


class StreamStats(Message, frozen=True):
    """One direction-pair of a leg: bit rates of the last second, packet counts since its source began."""

    kind: Kind
    received_packets: int = 0
    lost_packets: int = 0
    """Cumulative, after repair by NACK."""
    jitter_ms: float = 0.0
    received_bitrate_bps: int = 0
    sent_packets: int = 0
    sent_bitrate_bps: int = 0
    remote_loss: float = 0.0
    """Fraction lost that the peer reports (RFC 3550 6.4.1)."""
    round_trip_ms: float = 0.0
    codec: str = ""
    remote_estimate_bps: int = 0
    """What the peer says that it can receive (REMB), for all streams together; 0 when it says nothing."""


class LegStats(Message, frozen=True):
    """Every second for every attached leg."""

    leg: int
    streams: tuple[StreamStats, ...]
    is_silent: bool = False
    """Whether what LegSilent said still holds."""
