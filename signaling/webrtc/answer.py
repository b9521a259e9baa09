"""A browser's answer, checked against our offer and turned into the media of a leg (RFC 8829 5.11, RFC 3264 6)."""

from __future__ import annotations

import re

from mcu.media import Codec, DtlsPeer, Extensions, Format, Grade, Kind, LegMedia, StreamSpec
from signaling.webrtc import sdp
from signaling.webrtc.errors import SdpError
from signaling.webrtc.offer import EXTENSIONS, FORMATS, MIDS, extension_uris
from signaling.webrtc.simulcast import agreed_layers

# RFC 8122 5: hashes that are still safe, and how many octets they have.
_FINGERPRINT_OCTETS = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_FINGERPRINT = re.compile(r"\A[0-9A-F]{2}(?::[0-9A-F]{2})*\Z")
_ICE_CHARACTERS = re.compile(r"\A[A-Za-z0-9+/]{4,256}\Z")  # RFC 8839 5.4
_PROFILE = re.compile(r"\A[0-9a-fA-F]{6}\Z")
_CODEC_NAMES = {
    "opus/48000": Codec.OPUS, "telephone-event/48000": Codec.TELEPHONE_EVENT,
    "h264/90000": Codec.H264, "vp8/90000": Codec.VP8, "rtx/90000": Codec.RTX,
}  # fmt: skip
_MAX_SSRCS = 8


def parse_answer(text: str, *, has_content: bool, grade: Grade, has_video: bool = True) -> LegMedia:
    """What the browser agreed to. Raises SdpError with the reason.

    `has_content` is whether the offer asked for a shared screen, `has_video` whether for any picture; `grade` is that
    of the signalling it came over.
    """
    answer = sdp.parse(text)
    if len(answer.sections) != len(MIDS):
        raise SdpError("bad-answer", "an answer has the m-lines of its offer")
    dtls = _transport(answer)
    asked = {Kind.AUDIO, *((Kind.VIDEO,) if has_video else ()), *((Kind.CONTENT,) if has_content and has_video else ())}
    streams = []
    for kind, section in zip(MIDS, answer.sections, strict=True):
        _check(kind, section)
        if section.is_rejected or kind not in asked:
            continue
        stream = _stream(kind, section, dtls)
        if stream is not None:
            streams.append(stream)
    if not streams:
        raise SdpError("bad-answer", "nothing can be sent or received")
    return LegMedia(tuple(streams), is_encrypted=True, grade=grade)


def _check(kind: Kind, section: sdp.Section) -> None:
    if section.kind != ("audio" if kind is Kind.AUDIO else "video"):
        raise SdpError("bad-answer", "the m-lines are not in the order of the offer")
    if section.is_rejected:
        return
    if section.first("mid") != MIDS[kind]:
        raise SdpError("bad-answer", "an m-line has another mid than in the offer")
    if section.first("rtcp-mux") is None:
        raise SdpError("bad-answer", "RTP and RTCP share one port here")
    if section.protocol not in ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"):
        raise SdpError("bad-answer", "media is sent over DTLS-SRTP only")


def _transport(answer: sdp.Description) -> DtlsPeer:
    """Keys of the one transport of the bundle: of the first m-line that is not rejected, or of the session."""
    section = next((section for section in answer.sections if not section.is_rejected), None)
    if section is None:
        raise SdpError("bad-answer", "every m-line is rejected")
    attributes = section.attributes + answer.attributes
    for name in ("ice-ufrag", "ice-pwd"):
        if not _ICE_CHARACTERS.match(sdp.first(attributes, name) or ""):
            raise SdpError("bad-answer", f"no usable {name}")
    setup = sdp.first(attributes, "setup")
    if setup not in ("active", "passive"):  # RFC 8842 5.3: an answer has chosen
        raise SdpError("bad-answer", "setup is active or passive in an answer")
    algorithm, fingerprint = _fingerprint(attributes)
    return DtlsPeer(algorithm, fingerprint, is_client=setup == "passive")


def _fingerprint(attributes: tuple[sdp.Attribute, ...]) -> tuple[str, str]:
    for key, value in attributes:
        if key != "fingerprint":
            continue
        algorithm, _, digits = value.partition(" ")
        algorithm, digits = algorithm.lower(), digits.strip().upper()
        if _FINGERPRINT.match(digits) and len(digits) == _FINGERPRINT_OCTETS.get(algorithm, 0) * 3 - 1:
            return algorithm, digits
    raise SdpError("bad-answer", "no fingerprint by SHA-256 or better")


def _stream(kind: Kind, section: sdp.Section, dtls: DtlsPeer) -> StreamSpec | None:
    theirs = _formats(kind, section)
    main = [item for item in theirs if item.codec not in (Codec.RTX, Codec.TELEPHONE_EVENT)]
    sends = section.direction in ("sendrecv", "sendonly")
    receives = section.direction in ("sendrecv", "recvonly") and kind is not Kind.CONTENT
    if not main or not (sends or receives):
        return None
    send = _preferred(kind, main) if receives else None
    feedback = section.by_payload_type("rtcp-fb")
    extensions = _agreed_extensions(section)
    agreed = set(feedback.get(-1, [])) | {value for item in main for value in feedback.get(item.payload_type, [])}
    return StreamSpec(
        mid=MIDS[kind],
        kind=kind,
        receive=_receivable(kind, theirs) if sends else (),
        send=send,
        send_rtx=_rtx_for(send, theirs),
        send_dtmf=next((item for item in theirs if receives and item.codec is Codec.TELEPHONE_EVENT), None),
        dtls=dtls,
        extensions=extensions,
        has_nack="nack" in agreed,
        has_pli="nack pli" in agreed,
        has_fir="ccm fir" in agreed,
        has_transport_cc="transport-cc" in agreed,
        max_bitrate_bps=0,
        remote_ssrcs=_ssrcs(section) if sends else (),
        layers=agreed_layers(section) if sends and extensions.rid and kind is Kind.VIDEO else (),
    )


def _formats(kind: Kind, section: sdp.Section) -> list[Format]:
    """The formats of an m-line that we offered, in the browser's order; these numbers are what it takes from us."""
    offered = {item.codec for item in FORMATS[kind]}
    maps, parameters = section.by_payload_type("rtpmap"), section.by_payload_type("fmtp")
    found = []
    for number in section.payload_types:
        name = "/".join(maps.get(number, [""])[0].lower().split("/")[:2])
        codec = _CODEC_NAMES.get(name)
        if codec in offered and number < 128:
            found.append(_format(codec, number, sdp.parse_parameters(parameters.get(number, [""])[0])))
    return found


def _format(codec: Codec, number: int, parameters: dict[str, str]) -> Format:
    clock_rate_hz = 48000 if codec in (Codec.OPUS, Codec.TELEPHONE_EVENT) else 90000
    profile = parameters.get("profile-level-id", "42000a")  # RFC 6184 8.1: what its absence means
    return Format(
        codec,
        number,
        clock_rate_hz,
        profile_level_id=profile.lower() if codec is Codec.H264 and _PROFILE.match(profile) else "",
        packetization_mode=min(_number(parameters, "packetization-mode"), 1) if codec is Codec.H264 else 0,
        max_fs=_number(parameters, "max-fs") if codec.is_video else 0,
        apt=_number(parameters, "apt") if codec is Codec.RTX else 0,
    )


def _preferred(kind: Kind, main: list[Format]) -> Format:
    """H.264 where the browser can: the room's main rendition is H.264, and a recording has no other."""
    order = [item.codec for item in FORMATS[kind]]
    return min(main, key=lambda item: (order.index(item.codec), -item.packetization_mode))


def _receivable(kind: Kind, theirs: list[Format]) -> tuple[Format, ...]:
    """Our own formats whose codec the answer kept: a browser sends with the numbers of our offer (RFC 3264 5.1)."""
    kept = {item.codec for item in theirs}
    ours = FORMATS[kind]
    numbers = {item.payload_type for item in ours if item.codec in kept and item.codec is not Codec.RTX}
    return tuple(
        item
        for item in ours
        if item.payload_type in numbers or (item.codec is Codec.RTX and Codec.RTX in kept and item.apt in numbers)
    )


def _rtx_for(send: Format | None, theirs: list[Format]) -> Format | None:
    if send is None:
        return None
    return next((item for item in theirs if item.codec is Codec.RTX and item.apt == send.payload_type), None)


def _agreed_extensions(section: sdp.Section) -> Extensions:
    names = extension_uris()
    agreed: dict[str, int] = {}
    for value in section.every("extmap"):
        number, _, uri = value.partition(" ")
        name = names.get(uri.split(" ")[0])
        # An answer keeps the number of the offer (RFC 8285 6); any other number would be one we never gave.
        if name is not None and number.partition("/")[0] == str(getattr(EXTENSIONS, name)):
            agreed[name] = getattr(EXTENSIONS, name)
    return Extensions(**agreed)


def _ssrcs(section: sdp.Section) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for value in section.every("ssrc"):
        number = value.partition(" ")[0]
        if number.isascii() and number.isdigit() and len(number) <= 10 and 0 < int(number) < 2**32:
            found[int(number)] = None
    return tuple(found)[:_MAX_SSRCS]


def _number(parameters: dict[str, str], name: str) -> int:
    value = parameters.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 6 else 0
