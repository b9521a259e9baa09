"""Our own offer, for an INVITE that came without one, and what the answer to it means (RFC 3264 5 and 7)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from mcu.media import Codec, Grade, Kind, LegMedia, StreamSpec
from signaling.errors import SdpError
from signaling.sip.sdp import floor
from signaling.sip.sdp.answer import WARN_CODEC, WARN_CRYPTO, bandwidths, kind_of, leg_media, rtcp_attributes
from signaling.sip.sdp.codecs import Offered, formats_of
from signaling.sip.sdp.ice import agreed_ice
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.picture import WantedPicture, level_for
from signaling.sip.sdp.security import SECURE_PROTOCOLS, accepted_protection, offer_protection
from signaling.sip.sdp.session import Attributes, MediaDescription, Origin, SessionDescription
from signaling.sip.sdp.stream import flow_of, stream_spec

# Payload type, rtpmap, fmtp; in the order of our preference.
_AUDIO = (
    (96, "opus/48000/2", "useinbandfec=1"),
    (9, "G722/8000", ""),
    (8, "PCMA/8000", ""),
    (0, "PCMU/8000", ""),
    (101, "telephone-event/48000", "0-16"),
    (102, "telephone-event/8000", "0-16"),
)
_CAMERA = ((103, "H224/4800", ""),)
_FEEDBACK = ("nack", "nack pli", "ccm fir", "ccm tmmbr")
_SECOND = (Kind.CONTENT, Kind.CAMERA)
"""Streams that a call can do without."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer of ours that waits for its answer."""

    description: SessionDescription
    kinds: tuple[Kind | None, ...]
    """The role of each m-line; None where it is not used."""


def make_offer(local: LocalMedia, origin: Origin, *, must_encrypt: bool = False) -> Offer:
    """Audio and video, as far as there are ports; SDES is offered beside plain RTP (RFC 8643) or demanded.

    What only room systems know (shared screen, floor, camera) comes last: others answer it with port 0.
    """
    kinds: list[Kind | None] = [kind for kind in (Kind.AUDIO, Kind.VIDEO, *_SECOND) if kind in local.ports]
    protocol = "RTP/SAVP" if must_encrypt else "RTP/AVP"
    media = [_describe(kind, local, protocol) for kind in kinds if kind is not None]
    if Kind.CONTENT in kinds and local.floor is not None:
        kinds.append(None)
        media.append(floor.offer_line(local.floor))
    return Offer(SessionDescription(origin, tuple(media), connection=local.address), tuple(kinds))


def make_reoffer(last: SessionDescription, origin: Origin, held: Collection[Kind] = ()) -> Offer:
    """What we said last as an offer, only `held` held (RFC 6337 5.2.1): m-lines, payload types and keys stay."""
    media = tuple(_again(line, kind_of(line) in held) if line.port else line for line in last.media)
    kinds = tuple(kind_of(line) if line.port else None for line in media)
    return Offer(replace(last, origin=origin, media=media), kinds)


def apply_answer(offer: Offer, answer: SessionDescription, local: LocalMedia) -> LegMedia:
    """What an answer agrees on. Raises SdpError 488 where it does not fit the offer.

    Old terminals leave m-lines out that they do not know, instead of refusing them (RFC 3264 6).
    """
    if not 0 < len(answer.media) <= len(offer.kinds):
        raise SdpError("The answer does not fit the offer", 488, WARN_CODEC)
    streams: list[tuple[StreamSpec, Grade]] = []
    for kind, media, ours in zip(offer.kinds, answer.media, offer.description.media, strict=False):
        if kind is None or media.port == 0 or media.media != ours.media:
            continue
        formats = _agreed(media, ours)
        protection = accepted_protection(answer, media, ours, local)
        if protection is None and kind in _SECOND:
            continue
        if protection is None:
            raise SdpError("Not Acceptable Here", 488, WARN_CRYPTO)
        if formats:
            flow = flow_of(answer, media)
            ice = agreed_ice(answer, media, offer.description, ours)
            streams.append((stream_spec(answer, media, kind, formats, flow, protection, local, ice), protection.grade))
    if not streams:
        raise SdpError("Not Acceptable Here", 488, WARN_CODEC)
    return leg_media(streams)


def _agreed(answer: MediaDescription, ours: MediaDescription) -> tuple[Offered, ...]:
    """The answer's first format that we offered, and the telephone events beside it."""
    known = {(item.format.payload_type, item.format.codec) for item in formats_of(ours)}
    taken = [item for item in formats_of(answer) if (item.format.payload_type, item.format.codec) in known]
    main = [item for item in taken if item.format.codec is not Codec.TELEPHONE_EVENT][:1]
    return (*main, *(item for item in taken if item.format.codec is Codec.TELEPHONE_EVENT)) if main else ()


def _again(line: MediaDescription, is_held: bool) -> MediaDescription:
    if floor.is_floor_line(line):
        return floor.offer_again(line)
    return replace(line, attributes=_reopened(line, "inactive" if is_held else "sendrecv"))


def _reopened(line: MediaDescription, direction: str) -> Attributes:
    """The attributes with this direction, and with the DTLS role left open."""
    names = {"sendonly", "recvonly", "inactive", "sendrecv"}
    kept = [item for item in line.attributes if item[0] not in names]
    kept.append((direction, None))
    return tuple(("setup", "actpass") if name == "setup" else (name, value) for name, value in kept)


def _describe(kind: Kind, local: LocalMedia, protocol: str) -> MediaDescription:
    is_video = kind in (Kind.VIDEO, Kind.CONTENT)
    table = _video_formats(local.wanted(kind)) if is_video else _CAMERA if kind is Kind.CAMERA else _AUDIO
    attributes: list[tuple[str, str | None]] = []
    for payload_type, encoding, fmtp in table:
        attributes.append(("rtpmap", f"{payload_type} {encoding}"))
        if fmtp:
            attributes.append(("fmtp", f"{payload_type} {fmtp}"))
    if is_video:
        attributes += [("rtcp-fb", f"* {value}") for value in _FEEDBACK]
    if kind is Kind.AUDIO:
        attributes.append(("ptime", "20"))
    if kind is Kind.CONTENT:
        attributes += [("content", "slides"), ("label", floor.CONTENT_LABEL)]
    rtp_port, rtcp_port = local.ports[kind]
    # Without a=rtcp-mux: RTCP stays where it was announced, whatever the answer says.
    attributes += rtcp_attributes(rtp_port, rtcp_port, is_mux=False)
    if local.asks_for_encryption or protocol in SECURE_PROTOCOLS:
        attributes += [("crypto", line.serialize()) for line in offer_protection(local)]
    attributes.append(("inactive" if kind in local.held else "sendrecv", None))
    return MediaDescription(
        "video" if is_video else "application" if kind is Kind.CAMERA else "audio",
        rtp_port,
        protocol,
        tuple(str(payload_type) for payload_type, _, _ in table),
        bandwidths=bandwidths(local, kind),
        attributes=tuple(attributes),
    )


def _video_formats(wanted: WantedPicture) -> tuple[tuple[int, str, str], ...]:
    level, extra = level_for(wanted)
    h264 = f"profile-level-id=42e0{level:02x};level-asymmetry-allowed=1{extra};packetization-mode="
    return (
        (97, "H264/90000", h264 + "1"),
        (98, "H264/90000", h264 + "0"),
        (99, "VP8/90000", f"max-fs={wanted.macroblocks};max-fr={wanted.frame_rate}"),
    )
