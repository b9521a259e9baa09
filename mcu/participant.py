"""Who is in a conference, as the roster shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mcu.capacity import Allowance
from mcu.leg import Leg
from mcu.lock import cipher_of, has_integrity
from mcu.media import Kind
from mcu.policy import LayoutMode
from mcu.rendition import Rung
from mcu.tile_rates import Need
from mcu.worker.messages import LegStats, StreamStats

SILENCE_LEVEL = 127


class Role(StrEnum):
    """What a participant may do; decided by the passcode or the sign-in that opened the gate."""

    GUEST = "guest"
    HOST = "host"


@dataclass(slots=True)
class Participant:
    """One person or terminal in a conference; `id` is the id of its leg."""

    leg: Leg
    name: str
    role: Role
    identity: str = ""
    """The verified alias of a terminal or person; "" for whoever only says its name."""
    allowance: Allowance = Allowance.FULL
    """What the machine had left when it came, or found since; whatever is negotiated, it gets no more."""
    network_identity: str = ""
    """As whom its device signed in to the network it calls from, for hosts; "" where nobody knows."""
    is_muted: bool = False
    gain_db: int = 0
    """How much louder than it comes it is mixed."""
    layout: LayoutMode | None = None
    """How it wants its own picture arranged; None: as all others see it."""
    has_hand_raised: bool = False
    is_speaking: bool = False
    level: int = SILENCE_LEVEL
    """Loudness in -dBov, 127 is silence."""
    is_sharing: bool = False
    rendition: int = 0
    limits: dict[Kind, int] = field(default_factory=dict)
    """What its terminal asked to be sent at most, in bit/s (TMMBR)."""
    bandwidth: dict[Kind, int] = field(default_factory=dict)
    """What its downlink has for a picture, in bit/s; 0 where nothing is known that limits it."""
    shown: dict[Kind, Rung] = field(default_factory=dict)
    """The size of what it is sent."""
    needs: dict[Kind, Need] = field(default_factory=dict)
    """What the stage needs of its pictures; a kind that is missing was not thought of yet."""
    stats: dict[Kind, StreamStats] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The number of its leg."""
        return self.leg.id

    @property
    def protocol(self) -> str:
        """How it is connected."""
        return self.leg.protocol

    @property
    def has_video(self) -> bool:
        """Whether it may send a picture."""
        stream = self.leg.media.stream(Kind.VIDEO)
        return stream is not None and bool(stream.receive) and self.allowance.has_pictures

    @property
    def has_content(self) -> bool:
        """Whether it has agreed to send a shared screen."""
        stream = self.leg.media.stream(Kind.CONTENT)
        return stream is not None and bool(stream.receive) and self.allowance.has_pictures

    @property
    def takes_content(self) -> bool:
        """Whether it is shown a shared screen as a second picture, beside the people."""
        stream = self.leg.media.stream(Kind.CONTENT)
        return stream is not None and stream.send is not None and self.allowance.has_pictures

    @property
    def has_screen_apart(self) -> bool:
        """Whether the people are its first picture while a screen is shared, and the screen stands beside them.

        A room system that presents (H.239, BFCP) has its slides before its eyes, whether it takes those of others
        or not; a browser sees within the picture what it shares.
        """
        return self.takes_content or (self.is_sharing and self.protocol != "webrtc")

    def settle(self) -> None:
        """Another room: its place in the one before is over; who it is and whether it is muted stay."""
        self.layout, self.has_hand_raised, self.is_speaking, self.is_sharing = None, False, False, False
        self.rendition = 0
        self.shown, self.needs = {}, {}

    def take_stats(self, stats: LegStats) -> None:
        """Keep the last second's figures for the roster."""
        self.stats = {stream.kind: stream for stream in stats.streams}

    def snapshot(self) -> dict[str, object]:
        """JSON-ready row of the roster."""
        media = self.leg.media
        audio = self.stats.get(Kind.AUDIO, StreamStats(Kind.AUDIO))
        video = self.stats.get(Kind.VIDEO, StreamStats(Kind.VIDEO))
        received, lost = audio.received_packets + video.received_packets, audio.lost_packets + video.lost_packets
        return {
            "id": self.id,
            "name": self.name,
            "role": str(self.role),
            "protocol": self.protocol,
            "address": self.leg.remote_address,
            "identity": self.identity,
            "network_identity": self.network_identity,
            "is_muted": self.is_muted,
            "gain_db": self.gain_db,
            "layout": str(self.layout) if self.layout else "",
            "has_hand_raised": self.has_hand_raised,
            "is_speaking": self.is_speaking,
            "level": self.level,
            "has_video": self.has_video,
            "is_sharing": self.is_sharing,
            "takes_content": self.takes_content,
            "has_camera_control": self.leg.camera is not None,
            "grade": media.grade.name.lower(),
            "allowance": self.allowance.name.lower(),
            "is_encrypted": media.is_encrypted,
            "cipher": cipher_of(media),
            "has_integrity": has_integrity(media),
            "codecs": [stream.send.codec.name for stream in media.streams if stream.send is not None],
            "loss": round(lost / (received + lost), 4) if received + lost else 0.0,
            "jitter_ms": round(max(audio.jitter_ms, video.jitter_ms), 1),
            "round_trip_ms": round(max(audio.round_trip_ms, video.round_trip_ms), 1),
            "bitrate_kbps": sum(s.received_bitrate_bps for s in self.stats.values()) // 1000,
            "sent_kbps": sum(s.sent_bitrate_bps for s in self.stats.values()) // 1000,
            "sent_size": {str(kind): f"{rung.width}x{rung.height}" for kind, rung in self.shown.items()},
            "downlink_kbps": sum(self.bandwidth.values()) // 1000 or None,
        }
