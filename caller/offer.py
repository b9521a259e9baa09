"""The offer of one call: one audio and one video format, SDES or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from caller.options import CallOptions
from mcu.media import Codec, Kind
from signaling.sip.sdp.codecs import formats_of
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer import Offer, make_offer
from signaling.sip.sdp.picture import WantedPicture
from signaling.sip.sdp.session import MediaDescription, Origin

WANTED = WantedPicture(1280, 720, 30, 4_000_000)
"""What our own screen shows."""
_REPEATS = ("rtcp-fb", "* nack")
"""Of sound, for which few terminals know how to ask (RFC 4585 4.2)."""


def our_offer(
    options: CallOptions, local: LocalMedia, session_id: str, ports: Mapping[Kind, tuple[int, int]]
) -> Offer:  # fmt: skip
    """An offer of what `options` name. The ports are those of `local`."""
    local = replace(local, ports=ports, picture=WANTED)
    offer = make_offer(
        local, Origin("-", session_id, session_id, local.address), must_encrypt=options.is_encrypted
    )  # fmt: skip
    chosen = {"audio": options.audio, "video": options.video}
    media = tuple(_narrowed(description, chosen[description.media], options) for description in offer.description.media)
    return Offer(replace(offer.description, media=media), offer.kinds)


def _narrowed(media: MediaDescription, codec: Codec | None, options: CallOptions) -> MediaDescription:
    """Only the payload types of `codec` (H.264: in the packetization-mode wished for) and telephone events."""
    known = [item.format for item in formats_of(media)]
    kept = {
        str(item.payload_type)
        for item in known
        if item.codec is Codec.TELEPHONE_EVENT
        or (item.codec is codec and (codec is not Codec.H264 or item.packetization_mode == options.packetization_mode))
    }
    attributes = tuple(
        (name, value)
        for name, value in media.attributes
        if (name not in ("rtpmap", "fmtp") or (value or "").split(" ")[0] in kept)
        and (options.is_encrypted or name != "crypto")
    )
    if media.media == "audio":
        attributes = (*attributes, _REPEATS)
    return replace(media, formats=tuple(item for item in media.formats if item in kept), attributes=attributes)
