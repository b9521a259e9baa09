"""What a call measured, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class StreamReport:
    """One m-line. Loss is after repair; times count from the answer, None where it never happened."""

    codec: str
    suite: str
    sent_packets: int = 0
    received_packets: int = 0
    lost_packets: int = 0
    loss: float = 0.0
    jitter_ms: float = 0.0
    round_trip_ms: float = 0.0
    remote_loss: float = 0.0
    bitrate_bps: int = 0
    frames_received: int = 0
    frames_decoded: int = 0
    decode_errors: int = 0
    keyframes: int = 0
    keyframe_requests_sent: int = 0
    keyframe_requests_received: int = 0
    width: int = 0
    height: int = 0
    own_keys: int = 0
    """Of H.235.6, one after the other; those of the peer likewise."""
    peer_keys: int = 0
    first_s: float | None = None
    """Video: the first picture. Audio: the first sound that is no silence."""
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class H323Report:
    """What calls over H.323 have beside."""

    is_tunnelling: bool = False
    """Whether H.245 came and went in Q.931 messages."""
    has_fast_start: bool = False
    """Whether channels were opened by Setup and its answer."""
    is_master: bool = False
    is_signed: bool = False
    """Whether the answer proved to come from one who knows our password (H.235.1)."""
    group_bits: int = 0
    """Of the Diffie-Hellman group; 0 without encryption."""
    password_requests: int = 0
    """How often the conference asked for its password (H.243)."""
    terminal: str = ""
    """Our number in the conference: that of the MCU, a dot, our own (H.243)."""
    has_presented: bool = False
    """Whether our slides were granted the token (H.239)."""
    saw_presentation: bool = False
    """Whether the peer had it."""
    is_registered: bool = False
    traversal: str = ""
    """How media pass firewalls, as agreed (H.460.19): "", "h460" or "multiplexed"."""


@dataclass(slots=True)
class CallReport:
    """One call."""

    outcome: str = "ok"
    """"ok", "refused", "no-media", "lost": it broke off."""
    status: int = 0
    """SIP status of the final answer; 408 and 503 also stand for silence and an unreachable host.

    Of H.323 the cause (Q.850) with which the peer ended the call, 0 where we did.
    """
    reason: str = ""
    """Of the status; of H.323 the ReleaseCompleteReason by its ASN.1 name."""
    warning: str = ""
    ended_by: str = ""
    """"us", "peer", or why the call broke off."""
    set_up_s: float = 0.0
    duration_s: float = 0.0
    streams: dict[str, StreamReport] = field(default_factory=dict)
    """By kind: audio, video, content."""
    h323: H323Report | None = None

    def broke_off(self, why: str) -> None:
        """It was answered, and nobody hung up."""
        self.outcome, self.ended_by = "lost", why

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        if self.outcome == "refused":
            return [f"refused: {self.status} {self.reason}" + (f" ({self.warning})" if self.warning else "")]
        why = "" if self.h323 is None or self.status in _NORMAL else f" ({self.reason})"
        if self.ended_by == SILENCE:
            why = " (nothing came any more: the network is gone, or the other end)"
        times = f"answered after {self.set_up_s:.2f} s, {self.duration_s:.1f} s"
        lines = [f"{self.outcome}: {times}, ended by {self.ended_by}{why}"]
        for kind, stream in self.streams.items():
            lines += _stream_lines(kind, stream)
        if self.h323 is not None:
            lines.append(_h323_line(self.h323))
        return lines


SILENCE = "silence"
"""What a call ended by from which nothing came any more."""
_NORMAL = (0, 16)
"""Causes of Q.850 that need no word: we hung up, the peer hung up."""
EXIT_OK, EXIT_REFUSED, EXIT_USAGE, EXIT_NO_MEDIA, EXIT_LOST = 0, 1, 2, 3, 4
_EXITS = {"refused": EXIT_REFUSED, "lost": EXIT_LOST, "no-media": EXIT_NO_MEDIA}
"""The worst first."""


def exit_code(reports: list[CallReport]) -> int:
    """The worst of all calls."""
    outcomes = {report.outcome for report in reports}
    return next((code for outcome, code in _EXITS.items() if outcome in outcomes), EXIT_OK)


def summary(reports: list[CallReport]) -> dict[str, object]:
    """All calls together: how they ended, and sums and extremes of what they received."""
    streams = [stream for report in reports for stream in report.streams.values()]
    received = sum(stream.received_packets for stream in streams)
    lost = sum(stream.lost_packets for stream in streams)
    return {
        "calls": len(reports),
        "ok": sum(report.outcome == "ok" for report in reports),
        "refused": sum(report.outcome == "refused" for report in reports),
        "no_media": sum(report.outcome == "no-media" for report in reports),
        "lost": sum(report.outcome == "lost" for report in reports),
        "received_packets": received,
        "lost_packets": lost,
        "loss": lost / (received + lost) if received + lost else 0.0,
        "max_jitter_ms": max((stream.jitter_ms for stream in streams), default=0.0),
        "max_round_trip_ms": max((stream.round_trip_ms for stream in streams), default=0.0),
        "frames_received": sum(
            report.streams["video"].frames_received for report in reports if "video" in report.streams
        ),
    }


def _h323_line(report: H323Report) -> str:
    words = ["master" if report.is_master else "slave", "tunnelling" if report.is_tunnelling else "no tunnelling"]
    if report.has_fast_start:
        words.append("fast start")
    if report.group_bits:
        words.append(f"keys by Diffie-Hellman of {report.group_bits} bits")
    if report.traversal:
        words.append("firewall traversal" + (", multiplexed" if report.traversal == "multiplexed" else ""))
    if report.is_signed:
        words.append("signed by H.235.1")
    return f"  H.245: {', '.join(words)}"


def _stream_lines(kind: str, stream: StreamReport) -> list[str]:
    first = "never" if stream.first_s is None else f"after {stream.first_s:.2f} s"
    lock = stream.suite or "not encrypted"
    loss = f"{stream.received_packets} packets, {stream.loss:.2%} lost"
    delay = f"jitter {stream.jitter_ms:.1f} ms, round trip {stream.round_trip_ms:.1f} ms"
    lines = [f"  {kind}: {stream.codec}, {lock}; {loss}, {delay}, {stream.bitrate_bps // 1000} kbit/s"]
    if kind != "audio":
        lines.append(
            f"    {stream.frames_received} frames received, {stream.frames_decoded} decoded at"
            f" {stream.width}x{stream.height}, {stream.keyframes} keyframes; first picture {first}"
        )
    else:
        lines.append(f"    first sound {first}")
    return lines
