"""Commands of the control process to the net process: the life of a leg, and what is sent to it."""

from __future__ import annotations

from enum import StrEnum

from mcu.media import Kind, StreamSpec
from mcu.worker.message import Message


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
    has_traversal: bool = False
    """PORTS: the peer is behind a firewall; its packets may come on ports that all such legs share (H.460.19)."""


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
    """What of a source is of use: no more is asked for, by TMMBR (RFC 5104 4.2.1) or REMB, nor handed on.

    Of simulcast (RFC 8853) it is the lowest layer that fills the size.
    """

    stream: int
    bitrate_bps: int
    """0: nobody sees it. Nothing is handed on, and the sender is asked for the least."""
    width: int = 0
    height: int = 0
    """Of its largest tile, in pixels; 0: not known."""


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
