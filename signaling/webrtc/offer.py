"""The offer that every browser gets: one BUNDLE of audio, video and content, ICE-lite (RFC 8829, RFC 8839, RFC 9143).

The server offers, so that payload types and extension numbers are the same for all browsers. Each m-line has payload
types of its own: a packet is told apart by its payload type alone (RFC 9143 9.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from mcu.media import Codec, Extensions, Format, Kind
from mcu.worker.messages import LegOpened
from signaling.webrtc import simulcast

EXTENSIONS = Extensions(mid=4, audio_level=1, abs_send_time=2, transport_cc=3, rid=5, repaired_rid=6)

_H264 = "42e01f"  # Constrained baseline, level 3.1: 1280x720 at 30/s (RFC 6184 8.1).

FORMATS: dict[Kind, tuple[Format, ...]] = {
    Kind.AUDIO: (Format(Codec.OPUS, 111, 48000), Format(Codec.TELEPHONE_EVENT, 110, 48000)),
    Kind.VIDEO: (
        Format(Codec.H264, 96, 90000, profile_level_id=_H264, packetization_mode=1),
        Format(Codec.RTX, 97, 90000, apt=96),
        Format(Codec.VP8, 98, 90000),
        Format(Codec.RTX, 99, 90000, apt=98),
    ),
    Kind.CONTENT: (
        Format(Codec.H264, 102, 90000, profile_level_id=_H264, packetization_mode=1),
        Format(Codec.RTX, 103, 90000, apt=102),
        Format(Codec.VP8, 104, 90000),
        Format(Codec.RTX, 105, 90000, apt=104),
    ),
}
MIDS = {Kind.AUDIO: "audio", Kind.VIDEO: "video", Kind.CONTENT: "content"}

# b=AS in kbit/s (RFC 8866 5.8): what one browser may send on a stream.
_MAX_KBPS = {Kind.AUDIO: 64, Kind.VIDEO: 1800, Kind.CONTENT: 2500}
# Chromium starts at 300 kbit/s and takes half a minute to a clear picture, unless it is told better; others ignore it.
_START_KBPS = 900
_URIS = {
    "mid": "urn:ietf:params:rtp-hdrext:sdes:mid",  # RFC 9143 15.2
    "audio_level": "urn:ietf:params:rtp-hdrext:ssrc-audio-level",  # RFC 6464 4
    "abs_send_time": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "transport_cc": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "rid": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",  # RFC 8852 4.1
    "repaired_rid": "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
}
_OF_AUDIO = ("audio_level",)
_OF_SIMULCAST = ("rid", "repaired_rid")
_AUDIO_FEEDBACK = ("nack", "transport-cc")
_VIDEO_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc")
_HOST_TYPE_PREFERENCE = 126  # RFC 8445 5.1.2.2
_TCP_TYPE_PREFERENCE = 90  # RFC 6544 4.2: below every kind of UDP, relays left aside, since TCP delays what is lost
_PASSIVE_PREFERENCE = 4  # RFC 6544 4.2: the direction-pref of a passive host candidate
_ENCODINGS = {
    Codec.OPUS: "opus/48000/2", Codec.TELEPHONE_EVENT: "telephone-event/48000",
    Codec.H264: "H264/90000", Codec.VP8: "VP8/90000", Codec.RTX: "rtx/90000",
}  # fmt: skip


def extension_uris() -> dict[str, str]:
    """URI -> the field of Extensions that it belongs to."""
    return {uri: name for name, uri in _URIS.items()}


def build_offer(
    opened: LegOpened,
    *,
    session: int,
    version: int,
    has_content: bool,
    has_simulcast: bool = True,
    has_video: bool = True,
) -> str:
    """The text of an offer; `session` and `version` make the o= line, which grows with every offer (RFC 3264 8).

    Kinds that are not to flow are inactive: m-lines may not disappear.
    """
    active = {Kind.AUDIO: "sendrecv"}
    if has_video:
        active[Kind.VIDEO] = "sendrecv"
    if has_content and has_video:
        active[Kind.CONTENT] = "recvonly"
    lines = [
        "v=0",
        f"o=- {session} {version} IN {_address(opened.address)}",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=ice-options:ice2",
        "a=group:BUNDLE " + " ".join(MIDS.values()),
        "a=msid-semantic: WMS *",
        f"a=ice-ufrag:{opened.ice_ufrag}",
        f"a=ice-pwd:{opened.ice_pwd}",
        f"a=fingerprint:sha-256 {opened.fingerprint}",
        "a=setup:actpass",
    ]
    for kind in MIDS:
        has_layers = has_simulcast and has_video and kind is Kind.VIDEO
        lines += _section(kind, opened, active.get(kind, "inactive"), has_layers)
    return "\r\n".join(lines) + "\r\n"


def candidates(opened: LegOpened) -> Iterator[str]:
    """One host candidate for each local address, the first preferred, then those for TCP (RFC 8839 5.1, 6544 4.5)."""
    for index, (address, port) in enumerate(opened.candidates):
        priority = (_HOST_TYPE_PREFERENCE << 24) + ((65535 - index) << 8) + 255
        yield f"a=candidate:{index + 1} 1 udp {priority} {address} {port} typ host"
    for index, (address, port) in enumerate(opened.tcp_candidates):
        local_preference = (_PASSIVE_PREFERENCE << 13) + 8191 - index
        priority = (_TCP_TYPE_PREFERENCE << 24) + (local_preference << 8) + 255
        foundation = len(opened.candidates) + index + 1
        yield f"a=candidate:{foundation} 1 tcp {priority} {address} {port} typ host tcptype passive"


def _section(kind: Kind, opened: LegOpened, direction: str, has_layers: bool) -> Iterator[str]:
    formats = FORMATS[kind]
    media = "audio" if kind is Kind.AUDIO else "video"
    yield f"m={media} 9 UDP/TLS/RTP/SAVPF " + " ".join(str(item.payload_type) for item in formats)
    yield f"c=IN {_address(opened.address)}"
    yield f"b=AS:{_MAX_KBPS[kind]}"
    yield f"a=mid:{MIDS[kind]}"
    yield "a=" + direction
    yield "a=rtcp-mux"
    yield "a=rtcp-rsize"
    yield from candidates(opened)
    yield "a=end-of-candidates"
    yield from _extensions(kind, has_layers)
    for item in formats:
        yield from _format(item)
    if kind is Kind.AUDIO:
        yield "a=ptime:20"
    if has_layers:
        yield from simulcast.offer_lines()
    if kind is Kind.CONTENT:
        yield "a=content:slides"  # RFC 4796 5
    elif direction != "inactive":
        yield from _sources(kind, opened)


def _extensions(kind: Kind, has_layers: bool) -> Iterator[str]:
    for name, uri in _URIS.items():
        if (name not in _OF_AUDIO or kind is Kind.AUDIO) and (name not in _OF_SIMULCAST or has_layers):
            yield f"a=extmap:{getattr(EXTENSIONS, name)} {uri}"


def _format(item: Format) -> Iterator[str]:
    number = item.payload_type
    yield f"a=rtpmap:{number} {_ENCODINGS[item.codec]}"
    if item.codec.is_video:
        yield from (f"a=rtcp-fb:{number} {feedback}" for feedback in _VIDEO_FEEDBACK)
    if item.codec is Codec.OPUS:
        # Chromium repeats sound and asks for it where the other side names it, whatever its own answer says.
        yield from (f"a=rtcp-fb:{number} {feedback}" for feedback in _AUDIO_FEEDBACK)
        yield f"a=fmtp:{number} minptime=20;useinbandfec=1;stereo=0"
    elif item.codec is Codec.TELEPHONE_EVENT:
        yield f"a=fmtp:{number} 0-15"
    elif item.codec is Codec.H264:
        mode = item.packetization_mode
        profile = item.profile_level_id
        yield (
            f"a=fmtp:{number} level-asymmetry-allowed=1;packetization-mode={mode};profile-level-id={profile}"
            f";x-google-start-bitrate={_START_KBPS}"
        )
    elif item.codec is Codec.VP8:
        yield f"a=fmtp:{number} x-google-start-bitrate={_START_KBPS}"
    elif item.codec is Codec.RTX:
        yield f"a=fmtp:{number} apt={item.apt}"


def _sources(kind: Kind, opened: LegOpened) -> Iterator[str]:
    """What we send on, named at once, so that the first packet already belongs to a track (RFC 5576)."""
    ssrc = opened.ssrcs.get(kind)
    if ssrc is None:
        return
    yield f"a=msid:mix {kind}"  # RFC 8830; one stream for both, which a browser keeps in lip-sync
    has_rtx = any(item.codec is Codec.RTX for item in FORMATS[kind])
    # A source of repeats without a payload type for them makes Chromium refuse the offer.
    rtx = opened.ssrcs.get(f"{kind}-rtx") if has_rtx else None
    if rtx is not None:
        yield f"a=ssrc-group:FID {ssrc} {rtx}"
    for source in (ssrc, rtx):
        if source is not None:
            yield f"a=ssrc:{source} cname:{opened.cname}"
            yield f"a=ssrc:{source} msid:mix {kind}"


def _address(address: str) -> str:
    try:
        version = ip_address(address).version
    except ValueError:
        version, address = 4, "0.0.0.0"
    return f"IP{version} {address}"
