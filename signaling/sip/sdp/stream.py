"""Parts of an m-line that an answer and an offer read alike: direction, addresses, feedback, limits."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from mcu.media import Codec, DtlsPeer, Extensions, Format, IceCredentials, Kind, SdesKeys, StreamSpec
from signaling.sip.sdp.codecs import Offered, number
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.security import Protection
from signaling.sip.sdp.session import MediaDescription, SessionDescription

_DIRECTIONS = {  # attribute -> (the peer sends, the peer receives)
    "sendrecv": (True, True),
    "sendonly": (True, False),
    "recvonly": (False, True),
    "inactive": (False, False),
}
AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"  # RFC 6464
MAX_BITRATE_BPS = 20_000_000
_MAX_MID_CHARACTERS = 32
_MAX_ADDRESS_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Flow:
    """Who sends, seen from here."""

    sends: bool
    receives: bool

    @property
    def attribute(self) -> str:
        """The direction attribute of our own m-line."""
        if self.sends:
            return "sendrecv" if self.receives else "sendonly"
        return "recvonly" if self.receives else "inactive"


@dataclass(frozen=True, slots=True)
class Feedback:
    """RTCP feedback that both ends use for one payload type (RFC 4585, RFC 5104)."""

    nack: bool = False
    pli: bool = False
    fir: bool = False
    tmmbr: bool = False

    @property
    def values(self) -> list[str]:
        """The values of a=rtcp-fb without the payload type."""
        named = (("nack", self.nack), ("nack pli", self.pli), ("ccm fir", self.fir), ("ccm tmmbr", self.tmmbr))
        return [name for name, is_used in named if is_used]


def flow_of(description: SessionDescription, media: MediaDescription) -> Flow:
    """Who sends on an m-line of the peer; c=0.0.0.0 is the hold of RFC 2543."""
    peer_sends, peer_receives = True, True
    for attributes in (media.attributes, description.attributes):
        found = next((name for name, _ in attributes if name in _DIRECTIONS), None)
        if found is not None:
            peer_sends, peer_receives = _DIRECTIONS[found]
            break
    is_held = _is_unspecified(description.address_of(media))
    return Flow(sends=peer_receives and not is_held, receives=peer_sends)


def feedback_of(media: MediaDescription, payload_type: int) -> Feedback:
    """What the peer offers for this payload type."""
    wanted = set()
    for value in media.values("rtcp-fb"):
        target, _, name = value.partition(" ")
        if target in ("*", str(payload_type)):
            wanted.add(" ".join(name.lower().split()))
    return Feedback("nack" in wanted, "nack pli" in wanted, "ccm fir" in wanted, "ccm tmmbr" in wanted)


def audio_level_id(media: MediaDescription) -> int:
    """The id of the audio level extension, 0 where it is not offered."""
    for value in media.values("extmap"):
        name, _, uri = value.partition(" ")
        if uri.split(" ")[0] == AUDIO_LEVEL_URI:
            identifier = number(name.partition("/")[0], 14)  # one-byte headers only (RFC 8285 4.2)
            if identifier:
                return identifier
    return 0


def stream_spec(
    description: SessionDescription,
    media: MediaDescription,
    kind: Kind,
    formats: tuple[Offered, ...],
    flow: Flow,
    protection: Protection,
    local: LocalMedia,
    ice: IceCredentials | None = None,
) -> StreamSpec:
    """The agreed stream. `formats` are those of the peer's m-line that are used, the main one first."""
    main = formats[0].format
    feedback = feedback_of(media, main.payload_type)
    rtx = next((item.format for item in formats if item.format.codec is Codec.RTX), None)
    level = audio_level_id(media) if kind is Kind.AUDIO else 0
    dtls: DtlsPeer | None = protection.dtls
    keys: SdesKeys | None = protection.sdes
    remote, remote_rtcp = _remote(description, media, local)
    return StreamSpec(
        mid=_mid(media),
        kind=kind,
        receive=tuple(item.format for item in formats) if flow.receives else (),
        send=main if flow.sends else None,
        send_rtx=rtx if flow.sends else None,
        send_dtmf=_dtmf(main, formats) if flow.sends else None,
        remote=remote,
        remote_rtcp=remote_rtcp,
        sdes=keys,
        dtls=dtls,
        ice=ice,
        extensions=Extensions(audio_level=level),
        has_nack=feedback.nack,
        has_pli=feedback.pli,
        has_fir=feedback.fir,
        has_tmmbr=feedback.tmmbr,
        max_bitrate_bps=_max_bitrate(description, media),
        ptime_ms=_ptime(media),
        remote_ssrcs=_ssrcs(media),
        label=label_of(media),
    )


def label_of(media: MediaDescription) -> str:
    """What the peer calls the stream elsewhere (RFC 4574); "" for what is no short token."""
    value = media.value("label") or ""
    return value if value.isascii() and value.isprintable() and len(value) <= _MAX_MID_CHARACTERS else ""


def _mid(media: MediaDescription) -> str:
    """The identification tag (RFC 5888 4), as far as RTP could carry it; "" for what is no token."""
    value = media.value("mid") or ""
    return value if value.isascii() and len(value) <= _MAX_MID_CHARACTERS else ""


def _dtmf(main: Format, formats: tuple[Offered, ...]) -> Format | None:
    """Digits go in the clock of the audio where the peer has that (RFC 4733 2.1)."""
    events = [item.format for item in formats if item.format.codec is Codec.TELEPHONE_EVENT]
    return min(events, key=lambda item: item.clock_rate_hz != main.clock_rate_hz, default=None)


def _remote(
    description: SessionDescription, media: MediaDescription, local: LocalMedia
) -> tuple[tuple[str, int] | None, tuple[str, int] | None]:
    """Where RTP and RTCP go (RFC 3605, RFC 5761); None leaves it to be learnt from packets (0.0.0.0)."""
    address = reachable(description.address_of(media), local)
    if not address or not media.port:
        return None, None
    remote = (address, media.port)
    if media.value("rtcp-mux") is not None:
        return remote, None
    port, _, other = (media.value("rtcp") or "").partition(" ")
    rtcp_address = (reachable(other.split(" ")[-1], local) if other else "") or address
    return remote, (rtcp_address, number(port, 65535) or min(media.port + 1, 65535))


def reachable(address: str, local: LocalMedia) -> str:
    """The address if our socket reaches it; a name, or linphone's IPv6 address in an IPv4 call, is replaced."""
    if _is_unspecified(address):
        return ""
    for candidate in (address, local.peer_address):
        if is_address(candidate) and (":" in candidate) == (":" in local.address) and not _is_group(candidate):
            return candidate
    return ""


def _is_group(address: str) -> bool:
    """Nobody may make us send to many."""
    return _parsed(address).is_multicast or address == "255.255.255.255"


def is_address(text: str) -> bool:
    """Whether this is a numeric address."""
    try:
        _parsed(text)
    except ValueError:
        return False
    return text.isascii()  # a scope may be any text


def _is_unspecified(text: str) -> bool:
    return is_address(text) and _parsed(text).is_unspecified


@lru_cache(1024)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Raises ValueError, also for a scope that is longer than any interface's name."""
    if len(text) > _MAX_ADDRESS_CHARACTERS:
        raise ValueError("too long for an address")
    return ipaddress.ip_address(text)


def _max_bitrate(description: SessionDescription, media: MediaDescription) -> int:
    """b=TIAS counts before b=AS (RFC 3890); 0 where nothing is said."""
    found = dict(reversed(media.bandwidths or description.bandwidths))
    limit = found.get("TIAS") or found.get("AS", 0) * 1000
    return min(limit, MAX_BITRATE_BPS)


def _ptime(media: MediaDescription) -> int:
    """Packets are made of whole 20 ms frames."""
    wanted = number((media.value("ptime") or "").partition(".")[0], 1000)
    return wanted if wanted in (40, 60) else 20


def _ssrcs(media: MediaDescription) -> tuple[int, ...]:
    found = dict.fromkeys(number(value.partition(" ")[0], 2**32 - 1) for value in media.values("ssrc"))
    return tuple(ssrc for ssrc in found if ssrc)[:8]
