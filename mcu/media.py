"""What one leg negotiated, as values: codecs, streams, keys. Signalling writes them, the media plane reads them."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec


class Kind(StrEnum):
    """The role of one stream of a leg."""

    AUDIO = "audio"
    VIDEO = "video"
    CONTENT = "content"
    CAMERA = "camera"
    """Far-end camera control: H.224 over RTP (RFC 4573), no picture."""


class Codec(IntEnum):
    """Media formats of the plane; the number travels in the header of every frame between processes."""

    OPUS = 1
    G722 = 2
    PCMU = 3
    PCMA = 4
    TELEPHONE_EVENT = 5
    H224 = 6
    """Frames of ITU-T H.224; they go to control, not to a decoder."""
    H264 = 16
    VP8 = 17
    H263 = 18
    """In the payloads of RFC 4629 (H263-1998 and H263-2000)."""
    H263_1996 = 19
    """In those of RFC 2190."""
    H261 = 20
    """Never sent."""
    RTX = 32

    @property
    def is_video(self) -> bool:
        """Whether frames of this codec go to the video process."""
        return Codec.H264 <= self < Codec.RTX


class Grade(IntEnum):
    """The lock of a leg: who may have read or changed its media on the way."""

    CLEAR = 0
    OPPORTUNISTIC = 1
    AUTHENTICATED = 2


class Format(msgspec.Struct, frozen=True):
    """One payload type of an m-line (RFC 8866 rtpmap and fmtp, already understood)."""

    codec: Codec
    payload_type: int
    clock_rate_hz: int
    # H.264 (RFC 6184): what the receiver of this format takes.
    profile_level_id: str = ""
    packetization_mode: int = 0
    max_fs: int = 0
    # RTX (RFC 4588): the payload type that is repeated.
    apt: int = 0


class SdesKeys(msgspec.Struct, frozen=True):
    """SRTP keys from a=crypto lines (RFC 4568); key followed by salt, raw bytes."""

    suite: str
    local: bytes
    remote: bytes

    def __repr__(self) -> str:
        return f"SdesKeys(suite={self.suite!r})"  # keys stay out of logs


class H235Keys(msgspec.Struct, frozen=True):
    """Session keys of H.235.6 media, raw bytes: ours ("" while we do not send), and the peer's by payload type.

    The peer's are several while it changes from one to the next; each type is one of the stream's `receive`. Ours go
    with the type of `send`.
    """

    local: bytes = b""
    remote: tuple[tuple[int, bytes], ...] = ()

    def __repr__(self) -> str:
        return f"H235Keys(remote payload types={[number for number, _ in self.remote]})"  # keys stay out of logs


class DtlsPeer(msgspec.Struct, frozen=True):
    """The other end of a DTLS-SRTP handshake (RFC 5763)."""

    fingerprint_algorithm: str
    fingerprint: str
    is_client: bool
    """Whether *we* are the DTLS client (a=setup:active on our side)."""


class IceCredentials(msgspec.Struct, frozen=True):
    """Ours for the checks of a full agent (RFC 8839 5.4)."""

    ufrag: str
    pwd: str

    def __repr__(self) -> str:
        return f"IceCredentials(ufrag={self.ufrag!r})"


class Extensions(msgspec.Struct, frozen=True):
    """Negotiated ids of RTP header extensions (RFC 8285); 0 means not negotiated."""

    mid: int = 0
    audio_level: int = 0
    abs_send_time: int = 0
    transport_cc: int = 0
    rid: int = 0
    repaired_rid: int = 0


class Traversal(msgspec.Struct, frozen=True):
    """How the packets of a stream pass a firewall at one of its ends (H.460.19)."""

    keep_alive_payload_type: int = 127
    """Of empty RTP packets, which tell where the peer is."""
    is_multiplexed: bool = False
    """The peer's packets come on ports shared by many streams, each behind a number of ours."""
    multiplex_id: int | None = None
    """The peer's number, which goes in front of ours."""
    keep_alive: tuple[str, int] | None = None
    """Where we are to send empty packets, where it is us behind the firewall."""
    keep_alive_s: int = 0
    """How often."""


class StreamSpec(msgspec.Struct, frozen=True):
    """One m-line as agreed: what the peer may send to us and what we send to it."""

    mid: str
    kind: Kind
    receive: tuple[Format, ...] = ()
    send: Format | None = None
    send_rtx: Format | None = None
    send_dtmf: Format | None = None
    remote: tuple[str, int] | None = None
    """Where RTP goes; None over ICE. Replaced once by the source that is learnt (symmetric RTP)."""
    remote_rtcp: tuple[str, int] | None = None
    """Where RTCP goes; None means multiplexed on the RTP port (RFC 5761)."""
    sdes: SdesKeys | None = None
    h235: H235Keys | None = None
    """Encrypted by H.235.6, also while there are no keys yet: then nothing goes out, and nothing comes in."""
    dtls: DtlsPeer | None = None
    ice: IceCredentials | None = None
    """The peer checks our ports (legs with ports of their own): what it selects is where RTP and RTCP go."""
    traversal: Traversal | None = None
    """`remote` and `remote_rtcp` may be unspecified addresses then: the peer's packets tell where it is."""
    extensions: Extensions = Extensions()
    has_nack: bool = False
    has_pli: bool = False
    has_fir: bool = False
    has_transport_cc: bool = False
    has_tmmbr: bool = False
    """Both ends take requests for a lower bit rate (RFC 5104 4.2.1)."""
    max_bitrate_bps: int = 0
    has_firm_bitrate: bool = False
    """Pictures of ours take no more, as in a channel of H.245; what SDP names is held to about."""
    ptime_ms: int = 20
    remote_ssrcs: tuple[int, ...] = ()
    layers: tuple[str, ...] = ()
    """The rids of a picture that comes in several sizes (RFC 8853), smallest first; none for a single one."""
    label: str = ""
    """What the peer calls the stream in other protocols (RFC 4574)."""


class LegMedia(msgspec.Struct, frozen=True):
    """All streams of a leg after an offer and its answer."""

    streams: tuple[StreamSpec, ...]
    is_encrypted: bool
    grade: Grade

    def stream(self, kind: Kind) -> StreamSpec | None:
        """The first stream of `kind`, None where the leg has none."""
        return next((stream for stream in self.streams if stream.kind == kind), None)


_KIND_NUMBER = {Kind.AUDIO: 0, Kind.VIDEO: 1, Kind.CONTENT: 2, Kind.CAMERA: 3}
_NUMBER_KIND = {number: kind for kind, number in _KIND_NUMBER.items()}
_PLACE = "~"
_TONE_CODECS = frozenset({Codec.PCMU, Codec.PCMA, Codec.G722})


def stream_id(leg: int, kind: Kind) -> int:
    """The number under which all processes know the stream `kind` of `leg` (legs count from 1)."""
    return leg * 4 + _KIND_NUMBER[kind]


def leg_of(stream: int) -> int:
    """The leg that owns `stream`."""
    return stream // 4


def kind_of(stream: int) -> Kind:
    """The role of `stream` within its leg."""
    return _NUMBER_KIND[stream % 4]


def place_of(leg: int) -> str:
    """The media room that one leg has to itself, before and beside rooms; no room's number looks like it."""
    return f"{_PLACE}{leg}"


def is_place(room: str) -> bool:
    """Whether `room` is the place of one leg."""
    return room.startswith(_PLACE)


def needs_tone_detection(stream: StreamSpec) -> bool:
    """Whether digits can come as tones in the sound alone: G.711 or G.722, and no telephone events (RFC 4733)."""
    codecs = {form.codec for form in stream.receive}
    has_events = Codec.TELEPHONE_EVENT in codecs or stream.send_dtmf is not None
    return not has_events and bool(codecs & _TONE_CODECS)
