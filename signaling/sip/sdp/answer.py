"""Answering an offer (RFC 3264 6): every m-line in order, unused ones with port 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mcu.media import Codec, Grade, IceCredentials, Kind, LegMedia, StreamSpec
from signaling.errors import SdpError
from signaling.sip.sdp import floor
from signaling.sip.sdp.codecs import Offered, formats_of
from signaling.sip.sdp.ice import LITE, answer_ice, ice_attributes
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.picture import WantedPicture, image_attribute, request_parameters
from signaling.sip.sdp.security import RTP_PROTOCOLS, KeySource, Protection, answer_protection
from signaling.sip.sdp.session import Attributes, MediaDescription, Origin, SessionDescription
from signaling.sip.sdp.stream import AUDIO_LEVEL_URI, Flow, audio_level_id, feedback_of, flow_of, label_of, stream_spec

WARN_CRYPTO = '399 drumtower "no usable encryption in the offer; SDES AES_CM_128_HMAC_SHA1_80 or DTLS-SRTP is needed"'
WARN_CODEC = '305 drumtower "Incompatible media format"'  # RFC 3261 20.43


@dataclass(frozen=True, slots=True)
class _Line:
    """One m-line of our answer, and what it means."""

    answer: MediaDescription
    spec: StreamSpec | None = None
    grade: Grade = Grade.CLEAR
    lacks_crypto: bool = False


def make_answer(
    offer: SessionDescription, local: LocalMedia, origin: Origin, keys: Callable[[int], KeySource]
) -> tuple[SessionDescription, LegMedia]:
    """Our answer and what it agrees on. Raises SdpError 488 where nothing of the offer can be used."""
    kinds = _assign_kinds(offer, prefers_encryption=local.asks_for_encryption)
    lines = [
        _answer_floor(offer, media, kinds, local)
        if floor.is_floor_line(media)
        else _answer_line(offer, media, kind, local, keys(index))
        for index, (media, kind) in enumerate(zip(offer.media, kinds, strict=True))
    ]
    agreed = [line for line in lines if line.spec is not None]
    if not agreed:
        warning = WARN_CRYPTO if any(line.lacks_crypto for line in lines) else WARN_CODEC
        raise SdpError("Not Acceptable Here", 488, warning)
    answer = SessionDescription(
        origin,
        tuple(line.answer for line in lines),
        connection=local.address,
        timing=offer.timing,
        attributes=LITE if any(line.spec.ice for line in agreed if line.spec is not None) else (),
    )
    return answer, leg_media((line.spec, line.grade) for line in lines if line.spec is not None)


def leg_media(streams: Iterable[tuple[StreamSpec, Grade]]) -> LegMedia:
    """A leg is as safe as its least protected stream."""
    pairs = list(streams)
    grade = min((grade for _, grade in pairs), default=Grade.CLEAR)
    return LegMedia(tuple(spec for spec, _ in pairs), grade is not Grade.CLEAR, grade)


def refused_line(media: MediaDescription) -> MediaDescription:
    """The answer to an m-line that is not used (RFC 3264 6)."""
    mid = media.value("mid")
    attributes: Attributes = (("mid", mid),) if mid else ()
    return MediaDescription(media.media, 0, media.protocol, media.formats, attributes=attributes)


def _assign_kinds(offer: SessionDescription, *, prefers_encryption: bool) -> list[Kind | None]:
    """The role of each m-line; of lines for the same role (an alternative for older peers) the one that is preferred.

    A second video line is content when it says so (RFC 4796), or when a floor is for it (RFC 8856 5.5).
    """
    labels = floor.content_labels(offer)
    kinds: list[Kind | None] = [None] * len(offer.media)
    best: dict[Kind, tuple[bool, int]] = {}
    for index, media in enumerate(offer.media):
        kind = Kind.CONTENT if media.media == "video" and label_of(media) in labels else kind_of(media)
        if kind is None or not media.port or media.protocol not in RTP_PROTOCOLS or not _has_main(media):
            continue
        is_encrypted = "SAVP" in media.protocol or bool(media.value("crypto"))
        rank = (is_encrypted is not prefers_encryption, index)
        if kind not in best or rank < best[kind]:
            best[kind] = rank
    for kind, (_, index) in best.items():
        kinds[index] = kind
    return kinds


def kind_of(media: MediaDescription) -> Kind | None:
    """The role of an m-line, None where it is neither audio nor video."""
    if media.media == "video":
        return Kind.CONTENT if "slides" in (media.value("content") or "").lower().split(",") else Kind.VIDEO
    if media.media == "application" and media.protocol in RTP_PROTOCOLS and formats_of(media):
        return Kind.CAMERA
    return Kind.AUDIO if media.media == "audio" else None


def _answer_floor(
    offer: SessionDescription, media: MediaDescription, kinds: list[Kind | None], local: LocalMedia
) -> _Line:
    """Floor control, where there is a shared screen to control."""
    content = next((line for line, kind in zip(offer.media, kinds, strict=True) if kind is Kind.CONTENT), None)
    if content is None or Kind.CONTENT not in local.ports or local.floor is None:
        return _Line(refused_line(media))
    label = label_of(content) or floor.CONTENT_LABEL
    return _Line(floor.answer_line(media, local.floor, label) or refused_line(media))


def _answer_line(
    offer: SessionDescription, media: MediaDescription, kind: Kind | None, local: LocalMedia, keys: KeySource
) -> _Line:
    if kind is None or kind not in local.ports:
        return _Line(refused_line(media))
    flow = flow_of(offer, media) if kind not in local.held else Flow(sends=False, receives=False)
    protection = answer_protection(offer, media, local, keys)
    if protection is None:
        return _Line(refused_line(media), lacks_crypto=True)
    formats = _choose(media)
    ice = answer_ice(offer, media, keys)
    spec = stream_spec(offer, media, kind, formats, flow, protection, local, ice)
    return _Line(_describe(media, kind, formats, flow, protection, local, ice), spec, protection.grade)


def _has_main(media: MediaDescription) -> bool:
    return any(map(_is_main, formats_of(media)))


def _is_main(item: Offered) -> bool:
    return item.format.codec not in (Codec.TELEPHONE_EVENT, Codec.RTX)


def _choose(media: MediaDescription) -> tuple[Offered, ...]:
    """One format by our order, with the telephone events and the repair format that belong to it."""
    offered = formats_of(media)
    main = min(
        filter(_is_main, offered), key=lambda item: (item.rank, not item.format.profile_level_id.startswith("42"))
    )
    beside = [
        item
        for item in offered
        if item.format.codec is Codec.TELEPHONE_EVENT
        or (item.format.codec is Codec.RTX and item.format.apt == main.format.payload_type)
    ]
    return (main, *beside)


def _describe(
    media: MediaDescription,
    kind: Kind,
    formats: tuple[Offered, ...],
    flow: Flow,
    protection: Protection,
    local: LocalMedia,
    ice: IceCredentials | None,
) -> MediaDescription:
    rtp_port, rtcp_port = local.ports[kind]
    attributes: list[tuple[str, str | None]] = []
    if mid := media.value("mid"):
        attributes.append(("mid", mid))
    for item in formats:
        attributes += _format_attributes(item, local.wanted(kind))
    attributes += _feedback_attributes(media, formats[0])
    if kind is Kind.AUDIO:
        attributes.append(("ptime", "20"))
        if identifier := audio_level_id(media):
            attributes.append(("extmap", f"{identifier} {AUDIO_LEVEL_URI}"))
    elif media.value("imageattr") is not None:
        attributes.append(("imageattr", image_attribute(formats[0].format.payload_type, local.wanted(kind))))
    if kind is Kind.CONTENT:
        attributes.append(("content", "slides"))
    label = label_of(media) or (floor.CONTENT_LABEL if kind is Kind.CONTENT else "")
    if label:
        attributes.append(("label", label))
    is_mux = media.value("rtcp-mux") is not None
    attributes += rtcp_attributes(rtp_port, rtcp_port, is_mux=is_mux)
    attributes += ice_attributes(ice, local, rtp_port, 0 if is_mux else rtcp_port)
    attributes += protection.attributes
    if media.value("ssrc") is not None and kind in local.ssrcs:  # RFC 5576, for peers that use it themselves
        attributes.append(("ssrc", f"{local.ssrcs[kind]} cname:{local.cname}"))
    attributes.append((flow.attribute, None))
    return MediaDescription(
        media.media,
        rtp_port,
        media.protocol,
        tuple(str(item.format.payload_type) for item in formats),
        bandwidths=bandwidths(local, kind),
        attributes=tuple(attributes),
    )


def bandwidths(local: LocalMedia, kind: Kind) -> tuple[tuple[str, int], ...]:
    """How much video we want to receive (RFC 8866 5.8, RFC 3890)."""
    if kind not in (Kind.VIDEO, Kind.CONTENT):
        return ()
    bitrate = local.wanted(kind).bitrate_bps
    return (("AS", bitrate // 1000), ("TIAS", bitrate))


def rtcp_attributes(rtp_port: int, rtcp_port: int, *, is_mux: bool) -> list[tuple[str, str | None]]:
    """RFC 5761, or RFC 3605 where the ports are no pair."""
    if is_mux:
        return [("rtcp-mux", None)]
    return [] if rtcp_port == rtp_port + 1 else [("rtcp", str(rtcp_port))]


def _format_attributes(item: Offered, wanted: WantedPicture) -> list[tuple[str, str | None]]:
    chosen = item.format
    found: list[tuple[str, str | None]] = [("rtpmap", f"{chosen.payload_type} {item.encoding}")]
    fmtp = {
        Codec.OPUS: "useinbandfec=1;stereo=0;sprop-stereo=0",
        Codec.TELEPHONE_EVENT: "0-16",
        Codec.RTX: f"apt={chosen.apt}",
    }.get(chosen.codec) or request_parameters(chosen, item.parameters, wanted)
    if fmtp:
        found.append(("fmtp", f"{chosen.payload_type} {fmtp}"))
    return found


def _feedback_attributes(media: MediaDescription, main: Offered) -> list[tuple[str, str | None]]:
    payload_type = main.format.payload_type
    values = feedback_of(media, payload_type).values
    if not main.format.codec.is_video:
        values = [value for value in values if value == "nack" and media.media == "audio"]
    return [("rtcp-fb", f"{payload_type} {value}") for value in values]
