"""Commands and events between the control process and the processes of a worker (msgspec, MessagePack).

Nothing here assumes that both ends run on one machine. Times are microseconds of the worker's CLOCK_MONOTONIC.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from mcu.media import Codec, Kind, StreamSpec


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of everything that travels on a channel beside media frames."""


# ---- control -> every process -----------------------------------------------------------------------------------


class Start(Message, frozen=True):
    """First message to a process: its settings, as the TOML table of its component, and what it may use."""

    settings: dict[str, object]


class Channel(Message, frozen=True):
    """A new channel to the named process ("video", "audio", "recorder"); its socket travels as SCM_RIGHTS beside it.

    Sent to the net process at start and whenever that neighbour was restarted.
    """

    name: str


class Stop(Message, frozen=True):
    """Finish what is open, then exit with status 0."""


# ---- control -> net ---------------------------------------------------------------------------------------------


class Transport(StrEnum):
    """How packets of a leg find us."""

    ICE = "ice"
    """All streams on the one shared port of the worker, found by ICE (RFC 8445, lite)."""
    PORTS = "ports"
    """An RTP and an RTCP port for each stream, from the configured range."""


class OpenLeg(Message, frozen=True):
    """Reserve the transport of a leg. Answered by LegOpened or LegFailed. No media passes before AttachLeg."""

    leg: int
    room: str
    transport: Transport
    kinds: tuple[Kind, ...]
    local_address: str = ""
    """The local address that signalling used; "" lets net choose among its configured ones."""
    peer: str = ""
    """Where the peer's signalling comes from (numeric): it decides which external address, if any, it is told."""


class ConfigureLeg(Message, frozen=True):
    """What was negotiated; sent again after every renegotiation. Answered by LegConfigured or LegFailed."""

    leg: int
    streams: tuple[StreamSpec, ...]


class RestartIce(Message, frozen=True):
    """New ICE credentials (RFC 8445 9), answered by LegOpened; the old path works until the new one is checked."""

    leg: int


class AttachLeg(Message, frozen=True):
    """The gate is open: media of this leg reaches its room and the other way round."""

    leg: int
    kinds: tuple[Kind, ...] | None = None
    """What of the peer's media is let in, None: all of it. A place that nobody watches lets in nothing it can spare."""


class MoveLeg(Message, frozen=True):
    """The leg belongs to another room from now on. Its gate is closed until AttachLeg; keys and numbers go on."""

    leg: int
    room: str


class RouteVideo(Message, frozen=True):
    """Send this rendition to the leg from now on (0: none)."""

    leg: int
    rendition: int


class RouteContent(Message, frozen=True):
    """Send this rendition to the leg as its second picture, the shared screen, from now on (0: none)."""

    leg: int
    rendition: int


class LimitSource(Message, frozen=True):
    """Ask the sender of a picture for at most this bit rate, by TMMBR (RFC 5104 4.2.1) where it knows that."""

    stream: int
    bitrate_bps: int


class CloseLeg(Message, frozen=True):
    """End a leg: RTCP BYE, ports and keys freed. Unknown legs are ignored."""

    leg: int


class OpenRecorderLeg(Message, frozen=True):
    """A leg without a network: frames of `rendition` and the audio output assigned to `leg` go to the recorder."""

    leg: int
    room: str
    rendition: int


class RequestKeyframe(Message, frozen=True):
    """Ask a source for a keyframe (to net), or an encoder (to video; `stream` is a rendition)."""

    stream: int


class PeerWantsKeyframe(Message, frozen=True):
    """The peer of a leg asked by signalling (RFC 5168) for a keyframe of what *it* receives.

    The other direction is RequestKeyframe(stream_id(leg, kind)): the peer's own picture is to start afresh.
    """

    leg: int
    kind: Kind = Kind.VIDEO


class CameraFrame(Message, frozen=True):
    """One H.224 frame (RFC 4573): to net, to be sent to the leg's peer; from net, as its peer sent it."""

    leg: int
    data: bytes


# ---- net -> control ---------------------------------------------------------------------------------------------


class LegOpened(Message, frozen=True):
    """What signalling writes into its SDP."""

    leg: int
    address: str
    """The address for c= and candidates: the external one where the network has one."""
    ports: dict[str, tuple[int, int]] = {}
    """PORTS: kind -> (RTP port, RTCP port)."""
    candidates: tuple[tuple[str, int], ...] = ()
    """ICE: (address, port) of each UDP host candidate."""
    tcp_candidates: tuple[tuple[str, int], ...] = ()
    """ICE: (address, port) of each passive TCP host candidate (RFC 6544)."""
    ice_ufrag: str = ""
    ice_pwd: str = ""
    fingerprint: str = ""
    """SHA-256 of our DTLS certificate, upper-case hex with colons."""
    ssrcs: dict[str, int] = {}
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


class ProcessStats(Message, frozen=True):
    """Every second from every process: counters are cumulative since its start."""

    process: str
    counters: dict[str, int]
    gauges: dict[str, float]


class CannotStart(Message, frozen=True):
    """A process cannot work with its settings, and ends; `reason` is for the one who started the server."""

    reason: str


# ---- control -> video -------------------------------------------------------------------------------------------


class Tile(msgspec.Struct, frozen=True):
    """One seat of a scene. Position and size are fractions of the picture, from the upper left corner."""

    x: float
    y: float
    width: float
    height: float
    stream: int = 0
    """The source shown; 0, or a source without a picture yet, shows a card with the label."""
    label: str = ""
    is_speaking: bool = False
    is_muted: bool = False
    is_content: bool = False


class Panel(msgspec.Struct, frozen=True):
    """Words in a picture for one caller: a question, what was entered, what went wrong, a menu."""

    title: str
    lines: tuple[str, ...] = ()
    entry: str = ""
    """What was entered so far, as it may be shown (dots for a passcode)."""
    note: str = ""
    """What went wrong."""


class SetScene(Message, frozen=True):
    """What a scene shows from the next tick on; the first one creates it."""

    room: str
    scene: str
    tiles: tuple[Tile, ...]
    is_recording: bool = False
    caption: str = ""
    """One line in the picture, for messages to all."""
    panel: Panel | None = None
    """Fills a scene without tiles; lies over the pictures of one with tiles."""
    delay_ms: int = 0
    """Sources are shown so much later than they arrive (the test room). A source is in such a scene alone."""


class CloseScene(Message, frozen=True):
    """Forget a scene; its renditions were closed before."""

    room: str
    scene: str


class OpenRendition(Message, frozen=True):
    """Encode a scene. Frames come out under stream number `rendition`."""

    rendition: int
    room: str
    scene: str
    codec: Codec
    width: int
    height: int
    frame_rate: int
    bitrate_bps: int
    profile_level_id: str = "42e01f"
    max_slice_bytes: int = 0
    """H.264 packetization-mode 0: no NAL unit larger than this; 0 is unlimited."""
    keyframe_interval_s: float = 0.0
    """0: only when asked for."""


class UpdateRendition(Message, frozen=True):
    """Change the keyframe interval of a running encoder (a recording starts or stops)."""

    rendition: int
    keyframe_interval_s: float


class CloseRendition(Message, frozen=True):
    """Stop an encoder."""

    rendition: int


class CloseRoom(Message, frozen=True):
    """Forget a room: scenes, encoders, decoders, mixes. Sent to video and audio."""

    room: str


class BanSource(Message, frozen=True):
    """Decode this source no more (it was in flight at two crashes), or again."""

    stream: int
    is_banned: bool


class RemoveSource(Message, frozen=True):
    """A source left: free its decoder and its jitter buffer. Sent to video and audio."""

    stream: int


# ---- control -> audio -------------------------------------------------------------------------------------------


class AddAudioLeg(Message, frozen=True):
    """A leg that hears the room, in `codec`; what it sends, if anything, comes as stream_id(leg, AUDIO)."""

    room: str
    leg: int
    codec: Codec
    ptime_ms: int = 20
    is_recorder: bool = False
    listens_for_digits: bool = False
    """Find DTMF in the sound of the leg (G.711 and G.722), and tell Dtmf."""
    echo_ms: int = 0
    """In a place: let the leg hear itself after so long; 0: not."""


class RemoveAudioLeg(Message, frozen=True):
    """The leg hears nothing any more and is not mixed."""

    leg: int


class MuteLeg(Message, frozen=True):
    """The leg is (not) mixed; it goes on hearing."""

    leg: int
    is_muted: bool


class PlayPrompt(Message, frozen=True):
    """Mix a prompt file into what the room (leg 0) or one leg hears, after those that it still waits for."""

    room: str
    prompt: str
    leg: int = 0


class StopPrompts(Message, frozen=True):
    """Cut short what plays for the room (leg 0) or one leg, and what waits to be played."""

    room: str
    leg: int = 0


# ---- video, audio -> net ----------------------------------------------------------------------------------------


class AssignAudio(Message, frozen=True):
    """From the next frame on the leg is fed by `output` (0: by none). Outputs are numbered by the audio process."""

    leg: int
    output: int


class Playout(Message, frozen=True):
    """The audio process plays this stream `delay_us` after its capture; video of the same leg is held to match."""

    stream: int
    delay_us: int


# ---- audio -> control -------------------------------------------------------------------------------------------


class Levels(Message, frozen=True):
    """Five times a second for each room: who is how loud, who speaks."""

    room: str
    levels: dict[int, int]
    """leg -> level in -dBov (0 loudest, 127 silence), for legs whose level changed."""
    talkers: tuple[int, ...]
    """Legs that are mixed now, loudest first."""
    speaker: int = 0
    """The active speaker, with hysteresis; 0 when nobody ever spoke."""


# ---- control <-> recorder ---------------------------------------------------------------------------------------


class StartRecording(Message, frozen=True):
    """Write frames of `leg` (OpenRecorderLeg) into the file; the first chunk starts at a keyframe."""

    leg: int
    recording: str
    path: str
    key: bytes
    """The data key of this recording, 32 bytes; it is never written."""
    header: bytes
    """Opaque bytes for the head of the file: the wrapped key and identity, made by crypto.sealing."""
    width: int
    height: int
    frame_rate: int

    def __repr__(self) -> str:
        return f"StartRecording(leg={self.leg}, recording={self.recording!r})"  # the key stays out of logs


class StopRecording(Message, frozen=True):
    """Finish a file. RecordingEnded answers."""

    leg: int


class RecordingProgress(Message, frozen=True):
    """Every second while recording."""

    recording: str
    size_bytes: int
    duration_s: float
    chain_head: str


class RecordingEnded(Message, frozen=True):
    """The file is complete and synced, or `error` says why it ended early."""

    recording: str
    size_bytes: int
    duration_s: float
    chain_head: str
    error: str = ""


AnyMessage = (
    Start | Channel | Stop
    | OpenLeg | ConfigureLeg | RestartIce | AttachLeg | MoveLeg | RouteVideo | RouteContent | CloseLeg | OpenRecorderLeg
    | RequestKeyframe | PeerWantsKeyframe | LimitSource | CameraFrame | PeerLimit
    | LegOpened | LegConfigured | LegFailed | LegConnected | LegSilent | KeyframeWanted | Dtmf | LegStats | ProcessStats
    | CannotStart
    | SetScene | CloseScene | OpenRendition | UpdateRendition | CloseRendition | CloseRoom | BanSource | RemoveSource
    | AddAudioLeg | RemoveAudioLeg | MuteLeg | PlayPrompt | StopPrompts | AssignAudio | Playout | Levels
    | StartRecording | StopRecording | RecordingProgress | RecordingEnded
)  # fmt: skip

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: Message) -> bytes:
    """MessagePack of `message`, tagged with its class."""
    return _encoder.encode(message)


def decode(data: bytes | memoryview) -> AnyMessage:
    """The message in `data`. Raises msgspec.DecodeError (a ValidationError where the shape is wrong)."""
    return _decoder.decode(data)
